/**
 * A process of its own that pushes one platform after the other: for each line `REFERENCE PLATFORM` on
 * stdin it pushes an image and puts it into the tag's index, and answers with a line.
 * @module
 */
import { TextLineStream } from "@std/streams";
import { parsePlatform, parseReference } from "../../src/oci/mod.ts";
import { createRegistryClient, updateIndex, uploadImage } from "../../src/registry/mod.ts";
import { pushableImage } from "./pushable_image.ts";

const lines = Deno.stdin.readable
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
for await (const line of lines) {
  const [text = "", name = ""] = line.split(" ");
  const [reference, platform] = [parseReference(text), parsePlatform(name)];
  const client = createRegistryClient({ registry: reference.registry, insecure: false });
  const image = pushableImage([new TextEncoder().encode(name)], { platform });
  await uploadImage(client, image, { reference, untagged: true });
  const entry = { ...image.manifest.descriptor, platform };
  const { writes } = await updateIndex(client, { reference, entries: [entry] });
  client.close();
  await Deno.stdout.write(new TextEncoder().encode(`${writes}\n`));
}
