/**
 * mise for a target platform other than the host's: its variables and its separate data directory.
 * @module
 */
import { join } from "@std/path";
import { MiseOciError } from "../../errors.ts";
import { nearest } from "../../suggest.ts";
import { formatPlatform, type Platform } from "../../oci/mod.ts";
import { pluginDirectories } from "../backends.ts";
import type { MiseContext } from "../context.ts";

/** A target platform for which mise installs tools separately. */
export interface ForeignPlatform {
  /** The platform. */
  readonly platform: Platform;
  /** Absolute directory of mise's data and cache for the platform. */
  readonly directory: string;
}

/** The names of an architecture in mise and npm. */
interface ArchitectureNames {
  readonly mise: string;
  readonly npm: string;
}

const ARCHITECTURES: Readonly<Record<string, ArchitectureNames>> = {
  amd64: { mise: "x64", npm: "x64" },
  arm64: { mise: "arm64", npm: "arm64" },
  "386": { mise: "x86", npm: "ia32" },
  arm: { mise: "arm", npm: "arm" },
  ppc64le: { mise: "ppc64le", npm: "ppc64" },
  riscv64: { mise: "riscv64", npm: "riscv64" },
  s390x: { mise: "s390x", npm: "s390x" },
  loong64: { mise: "loongarch64", npm: "loong64" },
};

function namesOf(platform: Platform): ArchitectureNames {
  const names = ARCHITECTURES[platform.architecture];
  if (names !== undefined && platform.os === "linux") return names;
  const known = Object.keys(ARCHITECTURES).map((name) => `linux/${name}`);
  const wanted = formatPlatform(platform);
  const near = platform.os === "linux" ? nearest(wanted, known) : undefined;
  throw new MiseOciError(
    "unsupported",
    `Cannot install tools for ${wanted}: mise has none for it`,
    { hint: near === undefined ? `Name one of ${known.join(", ")}` : `Did you mean ${near}?` },
  );
}

/**
 * mise's name of a platform, as in `mise.lock`: `linux-arm64`. @throws {MiseOciError}
 * `unsupported`.
 */
export function misePlatformName(platform: Platform): string {
  return `${platform.os}-${namesOf(platform).mise}`;
}

/** mise's data directory for the platform. */
export function foreignDataDirectory({ directory }: ForeignPlatform): string {
  return join(directory, "data");
}

/** The lock file of installs for the platform. */
export function foreignLockPath({ directory }: ForeignPlatform): string {
  return join(directory, "install.lock");
}

/** mise's cache directory for the platform, which contains the marks of incomplete installs. */
export function foreignCacheDirectory({ directory }: ForeignPlatform): string {
  return join(directory, "cache");
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/**
 * The variables that make mise, and the npm it starts, use the target platform.
 *
 * @throws {MiseOciError} `unsupported` for a platform that mise does not support.
 */
export function foreignEnv(
  foreign: ForeignPlatform,
  context: Pick<MiseContext, "env">,
): Readonly<Record<string, string>> {
  const { mise, npm } = namesOf(foreign.platform);
  const libc = context.env("MISE_LIBC") || "gnu";
  // Plugins are sources, so the host's can be used for every platform.
  const plugins = pluginDirectories(context.env).find(isDirectory);
  return {
    MISE_OS: "linux",
    MISE_ARCH: mise,
    MISE_LIBC: libc,
    MISE_DATA_DIR: foreignDataDirectory(foreign),
    MISE_CACHE_DIR: foreignCacheDirectory(foreign),
    ...(plugins === undefined ? {} : { MISE_PLUGINS_DIR: plugins }),
    npm_config_os: "linux",
    npm_config_cpu: npm,
    npm_config_libc: libc === "musl" ? "musl" : "glibc",
  };
}

/**
 * Whether an `os` entry of a tool (`linux`, `linux/arm64`) matches the target platform. mise
 * matches the host instead, regardless of `MISE_ARCH`.
 */
export function matchesCondition(condition: string, platform: Platform): boolean {
  const [os, arch] = condition.toLowerCase().split(/[/-]/);
  const same = (names: readonly string[]): boolean => names.includes(arch ?? "");
  const { architecture } = platform;
  if (os !== platform.os) return false;
  if (arch === undefined) return true;
  if (architecture === "amd64") return same(["x64", "amd64", "x86_64"]);
  if (architecture === "arm64") return same(["arm64", "aarch64"]);
  return same([architecture, ARCHITECTURES[architecture]?.mise ?? architecture]);
}
