import { assertEquals } from "@std/assert";
import {
  buildForTest,
  runs,
  sha256,
  shell,
  toolPlan,
  withTree,
} from "../../../tests/support/layer.ts";
import type { Compression, DiffId } from "../../oci/mod.ts";
import { hasZstd } from "../../compress/zstd.ts";

const HAS_UMOCI = runs("umoci");

/** An image layout with one layer. */
async function writeImage(layout: string, hostTree: string, kind: Compression): Promise<DiffId> {
  const { built, blob } = await buildForTest(toolPlan(hostTree), { compression: { kind } });
  await Deno.mkdir(`${layout}/blobs/sha256`, { recursive: true });
  const put = async (bytes: Uint8Array, mediaType: string): Promise<unknown> => {
    const digest = sha256(bytes);
    await Deno.writeFile(`${layout}/blobs/sha256/${digest.slice(7)}`, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const base = "application/vnd.oci.image";
  const layer = await put(blob, built.descriptor.mediaType);
  const config = await put(
    json({
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [built.diffId] },
    }),
    `${base}.config.v1+json`,
  );
  const mediaType = `${base}.manifest.v1+json`;
  const manifest = await put(
    json({ schemaVersion: 2, mediaType, config, layers: [layer] }),
    mediaType,
  );
  const annotations = { "org.opencontainers.image.ref.name": "t" };
  const index = { schemaVersion: 2, manifests: [{ ...manifest as object, annotations }] };
  await Deno.writeFile(`${layout}/index.json`, json(index));
  await Deno.writeFile(`${layout}/oci-layout`, json({ imageLayoutVersion: "1.0.0" }));
  return built.diffId;
}

for (const kind of ["gzip", "none"] as const) {
  const missing = HAS_UMOCI ? "" : "; umoci is missing";
  Deno.test({
    name: `umoci unpacks a ${kind} layer to the same tree${missing}`,
    ignore: missing !== "",
    fn: () =>
      withTree(async (directory) => {
        const tree = `${directory}/tree`;
        shell(`mkdir -p "${tree}/d/${"n".repeat(200)}"; cd "${tree}"; echo x > d/f; chmod 755 d/f
          ln d/f hard; ln -s d/f link; seq 1 900000 > big; echo ü > "d/${"n".repeat(200)}/ü"`);
        await writeImage(`${directory}/image`, tree, kind);
        shell(`umoci unpack --rootless --image "${directory}/image:t" "${directory}/bundle" >&2
          diff -r --no-dereference "${tree}" "${directory}/bundle/rootfs/mise/installs/t/1" >&2`);
        const out = `${directory}/bundle/rootfs/mise/installs/t/1`;
        const inode = (name: string): number | null => Deno.statSync(`${out}/${name}`).ino;
        assertEquals(inode("hard"), inode("d/f"));
      }),
  });
}

const ZSTD_MISSING = !runs("skopeo") ? "; skopeo is missing" : !hasZstd() ? "; no zstd" : "";

Deno.test({
  name: `skopeo decompresses a zstd layer of several frames${ZSTD_MISSING}`,
  ignore: ZSTD_MISSING !== "",
  fn: () =>
    withTree(async (directory) => {
      shell(`mkdir "${directory}/tree"; seq 1 1500000 > "${directory}/tree/big"`);
      const diffId = await writeImage(`${directory}/image`, `${directory}/tree`, "zstd");
      shell(`skopeo --insecure-policy copy --dest-decompress \\
        "oci:${directory}/image:t" "dir:${directory}/out" >&2`);
      const layer = await Deno.readFile(`${directory}/out/${diffId.slice("sha256:".length)}`);
      assertEquals(String(sha256(layer)), String(diffId));
    }),
});
