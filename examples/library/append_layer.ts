// Puts a directory on top of an image: append_layer.ts HOST/NAME:TAG HOST/NAME:NEW_TAG DIR /srv/www
import { RegistryImages, resolveImage } from "@mise/oci/image";
import { buildLayer, createCompressionPool, NO_BASE, planTreeLayer } from "@mise/oci/layer";
import { appendLayer, parsePlatform, parseReference } from "@mise/oci/oci";
import { MemoryBlobs, openRegistryClient, uploadImage } from "@mise/oci/registry";

const [from = "", to = "", directory = ".", path = "/srv"] = Deno.args;
const client = await openRegistryClient(parseReference(from));
const images = new RegistryImages(client, { reference: parseReference(from) });
const image = await resolveImage(images, { platform: parsePlatform("linux/amd64") });
const blobs = new MemoryBlobs();
await using pool = createCompressionPool({ compression: { kind: "gzip" } });
const plan = planTreeLayer(await Deno.realPath(directory), path);
const layer = await buildLayer(plan, { pool, sink: blobs, baseDirectories: NO_BASE });
const { manifest, config, layers } = appendLayer(image, layer);
blobs.add(config.bytes);
const pushable = { manifest, config: config.descriptor, layers, source: blobs };
const { digest } = await uploadImage(client, pushable, { reference: parseReference(to) });
await Deno.stdout.write(new TextEncoder().encode(`${digest}\n`));
client.close();
