import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { appendLayer } from "./append_layer.ts";
import { parseDiffId, parseDigest } from "./digest.ts";
import { parseImageConfig } from "./image_config.ts";
import { parseManifest } from "./manifest.ts";
import { MediaType } from "./media_type.ts";

const hex = (digit: string): string => `sha256:${digit.repeat(64)}`;
const layer = { mediaType: MediaType.layerGzip, digest: parseDigest(hex("b")), size: 7 };

Deno.test("appendLayer() keeps everything else, and the documents name each other", () => {
  const old = { mediaType: MediaType.dockerLayerGzip, digest: parseDigest(hex("a")), size: 9 };
  const appended = appendLayer({
    manifest: {
      mediaType: MediaType.dockerManifest,
      config: { mediaType: MediaType.dockerConfig, digest: parseDigest(hex("c")), size: 1 },
      layers: [old],
      annotations: { kept: "yes" },
    },
    config: {
      os: "linux",
      architecture: "arm64",
      config: { User: "app", extensions: { StopSignal: "SIGQUIT" } },
      diffIds: [parseDiffId(hex("1"))],
    },
  }, { descriptor: layer, diffId: parseDiffId(hex("2")), history: { created_by: "me" } });

  const parsed = parseManifest(appended.manifest.bytes, { what: "it" });
  assertEquals(parsed.kind, "manifest");
  if (parsed.kind !== "manifest") return;
  const { manifest } = parsed;
  assertEquals([manifest.mediaType, manifest.annotations], [MediaType.manifest, { kept: "yes" }]);
  // Docker's media types mean the same as OCI's; the blobs stay.
  assertEquals(manifest.layers, [{ ...old, mediaType: MediaType.layerGzip }, layer]);
  const digest = createHash("sha256").update(appended.config.bytes).digest("hex");
  assertEquals(String(manifest.config.digest), `sha256:${digest}`);
  const config = parseImageConfig(appended.config.bytes, "config");
  assertEquals(config.diffIds.map(String), [hex("1"), hex("2")]);
  assertEquals(config.config, { User: "app", extensions: { StopSignal: "SIGQUIT" } });
  assertEquals(config.history, [{}, { created_by: "me" }]);
});
