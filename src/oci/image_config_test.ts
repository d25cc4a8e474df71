import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { encodeImageConfig, parseImageConfig } from "./image_config.ts";

const base = {
  created: "2026-01-01T00:00:00Z",
  architecture: "amd64",
  os: "linux",
  config: {
    User: "1000",
    Env: ["PATH=/bin"],
    ExposedPorts: { "80/tcp": {} },
    Healthcheck: { Test: ["CMD", "true"], Interval: 30000000000 },
    StopSignal: "SIGINT",
    OnBuild: ["RUN x"],
    Future: [1, { two: 2 }],
  },
  rootfs: { type: "layers", diff_ids: [`sha256:${"b".repeat(64)}`] },
  history: [{ created_by: "x", empty_layer: true }, { created_by: "y" }],
  futureTop: { a: 1 },
};

Deno.test("parseImageConfig() and encodeImageConfig() keep every field, known or not", () => {
  const text = JSON.stringify(base);
  const encoded = new TextDecoder().decode(encodeImageConfig(parseImageConfig(text, "config")));
  assertEquals(JSON.parse(encoded), base);
});

Deno.test("parseImageConfig() takes null where Docker writes it", () => {
  const parsed = parseImageConfig(
    JSON.stringify({ ...base, config: { Env: null, Cmd: null, Labels: null }, history: null }),
    "config",
  );
  assertEquals(parsed.config, {});
  assertEquals(parsed.history, undefined);
});

Deno.test("nulls of old bases are dropped: the specification's schema refuses them", () => {
  const nulls = { ExposedPorts: null, Volumes: null, OnBuild: null, Healthcheck: null };
  const old = { ...base, container_config: null, config: { ...nulls, Entrypoint: null } };
  const encoded = encodeImageConfig(parseImageConfig(JSON.stringify(old), "config"));
  assertEquals(JSON.parse(new TextDecoder().decode(encoded)), { ...base, config: {} });
});

Deno.test("parseImageConfig() names the field that is wrong", () => {
  const wrong = (change: Record<string, unknown>, includes: string): void => {
    assertThrows(
      () => parseImageConfig(JSON.stringify({ ...base, ...change }), "config"),
      MiseOciError,
      includes,
    );
  };
  wrong({ rootfs: undefined }, "config.rootfs");
  wrong({ rootfs: { diff_ids: ["sha256:x"] } }, "config.rootfs.diff_ids[0]");
  wrong({ config: { Env: [1] } }, "config.config.Env[0]");
  wrong({ os: undefined }, "architecture and os");
  wrong({ history: {} }, "config.history");
});
