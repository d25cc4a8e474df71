import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { composeImageConfig } from "./image_config.ts";
import type { PlanOptions } from "./options.ts";
import { plan } from "./plan.ts";
import {
  type EnvVariable,
  type OciOverrides,
  type OciSection,
  overrideOci,
  type Project,
} from "./project.ts";

const versions = { format: "1", relocation: "1" };
const oci: OciSection = { copy: [], env: {}, labels: {}, allowEnv: [], dropEnv: [] };

function project(section: OciSection, env: readonly EnvVariable[] = []): Project {
  return {
    directory: "/p",
    misePath: "/usr/bin/mise",
    miseVersion: "2026.9.15",
    configFiles: ["/p/mise.toml"],
    tools: [],
    env,
    oci: section,
    settings: { insecureRegistries: [] },
    warnings: [],
  };
}

function options(dropEnv: readonly string[] = []): PlanOptions {
  return {
    copies: [],
    platform: { os: "linux", architecture: "amd64" },
    created: "2026-01-01T00:00:00Z",
    allowEnv: [],
    dropEnv,
    strictEnv: false,
    hostRoots: [],
  };
}

Deno.test("plan() lays flags over [oci] name by name, and looks for secrets in them", () => {
  const overridden = overrideOci(
    { ...oci, env: { A: "1", B: "1" }, labels: { l: "1" }, cmd: ["old"], user: "app" },
    { env: { B: "2" }, annotations: { title: "x" }, cmd: [] },
  );
  const { config } = plan(project(overridden), options(), versions);
  assertEquals(config.env, [["A", "1"], ["B", "2"]]);
  assertEquals([config.labels["l"], config.cmd, config.user], ["1", [], "app"]);
  assertEquals(config.annotations, { title: "x" });
  const declared = { name: "TOKEN", value: "hunter2hunter2", redacted: true };
  const withSecret = (overrides: OciOverrides) =>
    assertThrows(
      () =>
        plan(
          project(overrideOci(oci, overrides), [declared]),
          options(["TOKEN"]),
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
    ...oci,
    expose: ["8080/tcp"],
    volumes: ["/data"],
    stopSignal: "SIGINT",
    healthcheck: { test: ["CMD", "true"], interval: 1e9, startPeriod: 2e9 },
  };
  const { config } = plan(project(own), options(), versions);
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
