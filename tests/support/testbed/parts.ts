/**
 * Which real parts this machine has, and tests that need some of them.
 * @module
 */
import { join } from "@std/path";
import { ARM64_HANDLER, BASE_PARTS } from "./base.ts";
import { which } from "./command.ts";
import { keptPath } from "./kept.ts";
import { IS_ROOT, TESTBED } from "./paths.ts";
import { isProgram, type ProgramName, whyNoProgram } from "./programs.ts";
import { TOOLS_COMPLETE } from "./tools.ts";

/** Programs of Debian packages that tests use, with the package of each. */
export const DEBIAN_PARTS = {
  podman: "podman",
  runc: "runc",
  skopeo: "skopeo",
  umoci: "umoci",
  buildah: "buildah",
  "docker-registry": "docker-registry",
  mmdebstrap: "mmdebstrap",
  dockerd: "docker.io",
  docker: "docker.io",
  jq: "jq",
  tmux: "tmux",
  zsh: "zsh",
  fish: "fish",
  openssl: "openssl",
  pigz: "pigz",
  zstd: "zstd",
  htpasswd: "apache2-utils",
  python3: "python3-minimal",
  shellcheck: "shellcheck",
  strace: "strace",
  time: "time",
  "qemu-aarch64-static": "qemu-user-static",
  "update-binfmts": "binfmt-support",
  "arch-test": "arch-test",
} as const;

/**
 * Something a test can need: a program of {@linkcode DEBIAN_PARTS}, `root`, `linux`, `mise` (with the
 * tools of the testbed installed), `base` (the Debian base image), `arm64` (an amd64 machine that runs arm64 programs under qemu,
 * with a Debian base image for them), `zstd-zlib` (this Deno can
 * compress with zstd), or a program of {@linkcode PROGRAMS}.
 */
export type Part =
  | keyof typeof DEBIAN_PARTS
  | ProgramName
  | "root"
  | "linux"
  | "mise"
  | "base"
  | "arm64"
  | "zstd-zlib";

/** Where the set-up notes the parts that it could not provide: part to reason. */
export const MISSING_PARTS_FILE: string = join(TESTBED, "missing.json");

function readMissing(): MissingParts {
  try {
    return JSON.parse(Deno.readTextFileSync(MISSING_PARTS_FILE));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Parts that cannot be had on this machine, each with the reason. */
export type MissingParts = Readonly<Partial<Record<Part, string>>>;

/**
 * Why a part cannot be used here, or `undefined` if it can.
 * @param missing what the set-up could not provide. Default: what it noted last.
 */
export function whyMissing(part: Part, missing = readMissing()): string | undefined {
  if (part === "linux") return Deno.build.os === "linux" ? undefined : "not Linux";
  if (part === "root") return IS_ROOT ? undefined : "not root";
  if (part === "zstd-zlib") return hasZstd() ? undefined : "this Deno has no zstd";
  if (isProgram(part)) return whyNoProgram(part);
  const noted = missing[part];
  if (noted !== undefined) return noted;
  if (part === "mise" || part === "base") {
    const ready = isThere(part === "mise" ? TOOLS_COMPLETE : keptPath(BASE_PARTS.base));
    return ready ? undefined : `no ${part} in the testbed, run "deno task testbed"`;
  }
  if (part === "arm64") return whyNoArm64();
  return which(part) === undefined ? `${part} is not installed` : undefined;
}

function whyNoArm64(): string | undefined {
  if (Deno.build.arch !== "x86_64") return "this machine is not amd64";
  if (!isThere(keptPath(BASE_PARTS.arm64))) {
    return 'no arm64 base in the testbed, run "deno task testbed"';
  }
  return isThere(ARM64_HANDLER)
    ? undefined
    : 'no binfmt handler for arm64 programs, run "deno task testbed"';
}

function hasZstd(): boolean {
  const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 6);
}

/** Whether a part can be used here. */
export function has(part: Part): boolean {
  return whyMissing(part) === undefined;
}

/** What {@linkcode testWith} checks before it registers a test. */
export interface TestNeeds {
  /** Parts without which the test is skipped. */
  readonly needs: readonly Part[];
}

/**
 * Registers a test that needs real parts. If one is missing the test is registered as ignored with
 * the reason in its name, and the gate lists and counts it.
 */
export function testWith(
  { needs }: TestNeeds,
  name: string,
  fn: (context: Deno.TestContext) => Promise<void>,
): void {
  const reasons = needs.map((part) => whyMissing(part)).filter((reason) => reason !== undefined);
  const skipped = reasons.length === 0 ? "" : ` (skipped: ${reasons.join("; ")})`;
  Deno.test({ name: `${name}${skipped}`, ignore: reasons.length > 0, fn });
}

/** Registers a test that needs real parts, and something else that is missing if there is a reason. */
export function testUnless(
  reason: string | undefined,
  { needs, name }: TestNeeds & { readonly name: string },
  fn: (context: Deno.TestContext) => Promise<void>,
): void {
  if (reason === undefined) testWith({ needs }, name, fn);
  else Deno.test({ name: `${name} (skipped: ${reason})`, ignore: true, fn });
}
