import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { withTree } from "../../../tests/support/layer.ts";
import { tar } from "../../../tests/support/tar_fixture.ts";
import { type ImageConfig, MediaType, parseDiffId, parseDigest } from "../../oci/mod.ts";
import { openCache } from "../../store/mod.ts";
import { readBaseDirectories } from "./base_facts.ts";
import type { BaseImage } from "./base_image.ts";
import type { CheckedImage } from "../../check/checked_image.ts";
import { checkLayers } from "../../check/check_layers.ts";
import type { WorkflowContext } from "../../context.ts";

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

Deno.test("readBaseDirectories() reads a base layer once, for the check as well", async () => {
  await withTree(async (root) => {
    const archive = tar(
      { name: "opt/" },
      { name: "bin/" },
      { name: "bin/hello", content: "#!/opt/none\n", mode: 0o755 },
      { name: "etc/os-release", content: "ID=debian\n" },
      { name: "etc/passwd", content: "root:x:0:0\n" },
    );
    const diffId = parseDiffId(sha256(archive));
    const blob = new Uint8Array(gzipSync(archive));
    const cache = await openCache(root);
    const writer = await cache.create();
    await writer.write(blob);
    const digest = parseDigest(sha256(blob));
    await writer.commit({ digest, size: blob.length });
    const descriptor = { mediaType: MediaType.layerGzip, digest, size: blob.length };
    const base: BaseImage = { name: "base", layers: [{ descriptor, diffId }] };
    const context: WorkflowContext = {
      signal: new AbortController().signal,
      reporter: { emit: () => {} },
    };
    const directories = await readBaseDirectories(base, cache, context);
    assertEquals(["opt", "bin", "etc", "lib"].map((path) => directories.has(path)), [
      true,
      true,
      true,
      false,
    ]);

    const config = { architecture: "amd64", os: "linux", diffIds: [diffId] } as ImageConfig;
    const image: CheckedImage = {
      config,
      layers: [{ descriptor, diffId }],
      open: () => Promise.reject(new Error("read again")),
    };
    const report = await checkLayers(image, cache, context);
    assertEquals(report?.problems.map(({ cause }) => cause), [
      { type: "missing-interpreter", interpreter: "/opt/none", file: "/bin/hello" },
    ]);
    assertEquals(report?.distribution, ["debian"]);
  });
});
