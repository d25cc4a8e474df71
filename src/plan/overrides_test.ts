import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { composeImageConfig } from "./image_config.ts";
import { plan } from "./plan.ts";
import { OCI, OPTIONS, PROJECT, versions } from "../../tests/support/plan_fixture.ts";
import { type OciOverrides, type OciSection, overrideOci } from "./project.ts";

Deno.test("plan() lays flags over [oci] name by name, and looks for secrets in them", () => {
  const overridden = overrideOci(
    { ...OCI, env: { A: "1", B: "1" }, labels: { l: "1" }, cmd: ["old"], user: "app" },
    { env: { B: "2" }, annotations: { title: "x" }, cmd: [] },
  );
  const { config } = plan({ ...PROJECT, oci: overridden }, OPTIONS, versions);
  assertEquals(config.env, [["A", "1"], ["B", "2"]]);
  assertEquals([config.labels["l"], config.cmd, config.user], ["1", [], "app"]);
  assertEquals(config.annotations, { title: "x" });
  const declared = { name: "TOKEN", value: "hunter2hunter2", redacted: true };
  const withSecret = (overrides: OciOverrides) =>
    assertThrows(
      () =>
        plan(
          { ...PROJECT, oci: overrideOci(OCI, overrides), env: [declared] },
          { ...OPTIONS, dropEnv: ["TOKEN"] },
          versions,
        ),
      MiseOciError,
    );
  for (
    const overrides of [
      { annotations: { title: "hunter2hunter2" } },
      { labels: { title: "hunter2hunter2" } },
      { env: { OTHER: "hunter2hunter2" } },
      { cmd: ["app", "hunter2hunter2"] },
    ]
  ) assertEquals(withSecret(overrides).code, "secret");
});

Deno.test("composeImageConfig() adds ports and volumes to the base's, and replaces signal and health check", () => {
  const own: OciSection = {
    ...OCI,
    expose: ["8080/tcp"],
    volumes: ["/data"],
    stopSignal: "SIGINT",
    healthcheck: { test: ["CMD", "true"], interval: 1e9, startPeriod: 2e9 },
  };
  const { config } = plan({ ...PROJECT, oci: own }, OPTIONS, versions);
  const image = composeImageConfig({
    base: {
      os: "linux",
      architecture: "amd64",
      diffIds: [],
      config: {
        extensions: { ExposedPorts: { "53/udp": {} }, StopSignal: "SIGTERM", Shell: ["/bin/sh"] },
      },
    },
    baseName: "b",
    config,
    layers: [],
    platform: { os: "linux", architecture: "amd64" },
  });
  assertEquals(image.config?.extensions, {
    ExposedPorts: { "53/udp": {}, "8080/tcp": {} },
    StopSignal: "SIGINT",
    Shell: ["/bin/sh"],
    Volumes: { "/data": {} },
    Healthcheck: { Test: ["CMD", "true"], Interval: 1e9, StartPeriod: 2e9 },
  });
});
