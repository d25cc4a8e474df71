/**
 * Platforms (image-spec, image-index.md "platform").
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { asObject, asString, asStrings, maybe } from "./json.ts";

/** What an image runs on. */
export interface Platform {
  /** `GOARCH`: `amd64`, `arm64`, … */
  readonly architecture: string;
  /** `GOOS`: always `linux` for what mise-oci builds. */
  readonly os: string;
  /** OS version, only of use on Windows. */
  readonly "os.version"?: string;
  /** OS features, only of use on Windows. */
  readonly "os.features"?: readonly string[];
  /** CPU variant: `v8` of arm64, `v7` of arm, `v3` of amd64. */
  readonly variant?: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  x64: "amd64",
  aarch64: "arm64",
  armv8: "arm64",
  i386: "386",
  i686: "386",
  armhf: "arm",
};

/** The default variant of each architecture. */
const DEFAULT_VARIANT: Readonly<Record<string, string>> = { arm64: "v8", arm: "v7", amd64: "v1" };

function fail(text: string, why = ""): never {
  throw new MiseOciError("usage", `Cannot parse platform ${JSON.stringify(text)}${why}`, {
    hint: "Write OS/ARCH or OS/ARCH/VARIANT, such as linux/amd64 or linux/arm64",
  });
}

/**
 * Parses `os/arch[/variant]`, or an architecture alone, which is Linux's. Other common names of an
 * architecture (`x86_64`, `aarch64`) are accepted.
 *
 * @throws {MiseOciError} `usage` if the text is not a platform.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatPlatform, parsePlatform } from "./platform.ts";
 *
 * assertEquals(formatPlatform(parsePlatform("linux/aarch64/v8")), "linux/arm64");
 * ```
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  const [os, arch, variant] = parts.length === 1 ? ["linux", ...parts] : parts;
  const word = /^[a-z0-9][a-z0-9._-]*$/;
  if (
    parts.length > 3 || os === undefined || arch === undefined ||
    ![os, arch, variant ?? "x"].every((part) => word.test(part))
  ) {
    fail(text);
  }
  if (/^(?:linux|darwin|macos|windows|freebsd)$/.test(arch)) fail(text, ": no architecture");
  return normalizePlatform({
    os,
    architecture: arch,
    ...(variant === undefined ? {} : { variant }),
  });
}

/** The platform with the specification's name of its architecture and without a default variant. */
export function normalizePlatform(platform: Platform): Platform {
  const architecture = ARCHITECTURES[platform.architecture] ?? platform.architecture;
  const { variant, ...rest } = platform;
  const keep = variant !== undefined && variant !== "" &&
    variant !== DEFAULT_VARIANT[architecture];
  return { ...rest, architecture, ...(keep ? { variant } : {}) };
}

/** `os/arch[/variant]`, the way docker and podman write it. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalizePlatform(platform);
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** Parses the `platform` object of a descriptor. @throws {MiseOciError} `invalid`. */
export function parsePlatformObject(value: unknown, what: string): Platform {
  const object = asObject(value, what);
  const field = (name: string): string | undefined =>
    maybe(object[name], `${what}.${name}`, asString);
  const variant = field("variant");
  const osVersion = field("os.version");
  const features = maybe(object["os.features"], `${what}.os.features`, asStrings);
  return {
    architecture: asString(object["architecture"], `${what}.architecture`),
    os: asString(object["os"], `${what}.os`),
    ...(osVersion === undefined ? {} : { "os.version": osVersion }),
    ...(features === undefined ? {} : { "os.features": features }),
    ...(variant === undefined || variant === "" ? {} : { variant }),
  };
}

function variantNumber(platform: Platform): number {
  const variant = platform.variant ?? DEFAULT_VARIANT[platform.architecture] ?? "v0";
  const match = /^v(\d+)/.exec(variant);
  return match === null ? 0 : Number(match[1]);
}

/**
 * How well an image for `offered` runs on `wanted`: 0 means not at all, a higher number is better. The same
 * variant is best; a lower one of the same architecture runs too (an arm64/v8 host runs arm64/v8, an amd64/v3
 * host runs amd64/v2), a higher one does not.
 */
export function platformScore(wanted: Platform, offered: Platform): number {
  const want = normalizePlatform(wanted);
  const offer = normalizePlatform(offered);
  if (want.os !== offer.os || want.architecture !== offer.architecture) return 0;
  const difference = variantNumber(want) - variantNumber(offer);
  return difference < 0 ? 0 : 1000 - difference;
}

/** Whether two platforms are the same one. */
export function samePlatform(a: Platform, b: Platform): boolean {
  return formatPlatform(a) === formatPlatform(b) && a["os.version"] === b["os.version"];
}
