/**
 * What the tests of commands share.
 * @module
 */
import { fakeWorkflows, type Ran, runFake } from "./cli_fixture.ts";
import { type Digest, parseDigest } from "../../src/oci/digest.ts";
import type { Platform } from "../../src/oci/platform.ts";
import type { BuildRequest, BuildResult, LayerRow } from "../../src/build/types.ts";
import { build } from "../../src/commands/build.ts";
import { cache } from "../../src/commands/cache.ts";
import { check } from "../../src/commands/check.ts";
import { load } from "../../src/commands/load.ts";
import { push } from "../../src/commands/push.ts";
import { runCommand } from "../../src/commands/run.ts";
import type { Workflows } from "../../src/commands/workflows.ts";

export const DIGEST: Digest = parseDigest(`sha256:${"a1".repeat(32)}`);
export const platform: Platform = { os: "linux", architecture: "amd64" };
export const layers: readonly LayerRow[] = [
  { kind: "base", name: "debian:bookworm-slim", digest: DIGEST, size: 28_230_000, status: "base" },
  { kind: "tool", name: "jq", version: "1.8.1", digest: DIGEST, size: 999, status: "built" },
  {
    kind: "tool",
    name: "npm:prettier",
    version: "3.6.2",
    digest: DIGEST,
    size: 1_500,
    status: "reused",
    reusedFrom: "r.io/app:v1",
  },
];
export const built: BuildResult = {
  output: "/work/mise-oci",
  digest: DIGEST,
  platform,
  layers,
  tag: "v1",
};

export function run(
  args: readonly string[],
  given: Partial<Workflows>,
  terminal = false,
): Promise<Ran> {
  return runFake(args, {
    commands: [build, push, runCommand, load, check, cache],
    workflows: fakeWorkflows(given),
    terminal: terminal ? ["stdout"] : [],
  });
}

export const defaults: BuildRequest = {
  directory: "/work",
  output: "/work/mise-oci",
  includeGlobal: false,
  install: false,
  yes: false,
  copies: [],
  embedMise: true,
  useCache: true,
  pull: "missing",
  allowEnv: [],
  dropEnv: [],
  strictEnv: false,
  check: "warn",
  fix: false,
};
