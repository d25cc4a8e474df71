/**
 * What the flags say, and how it is weighed against `[oci]`, mise's settings and the defaults.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type ImageSource, parseCompression, parseImageSource, type Platform } from "../oci/mod.ts";
import type { Copy, Project } from "./project.ts";
import type { CompressionPlan, Owner } from "./types.ts";

/** An executable of the host that goes into the image. */
export interface HostExecutable {
  /** Absolute host path. */
  readonly path: string;
  /** Its version. */
  readonly version: string;
}

/** Input of the plan besides the project; absent means that the flag was not given. */
export interface PlanOptions {
  /** `--from`. */
  readonly from?: string;
  /** `-t`. */
  readonly tag?: string;
  /** `--mount-point`. */
  readonly mountPoint?: string;
  /** `--copy`, host paths absolute. */
  readonly copies: readonly Copy[];
  /** `--owner`. */
  readonly owner?: Owner;
  /** The mise executable to embed; absent with `--no-mise` or where it cannot run in the image. */
  readonly mise?: HostExecutable;
  /** The compiled mise-oci to embed (`--embed-self`). */
  readonly self?: HostExecutable;
  /** `--compression`. */
  readonly compression?: CompressionPlan;
  /** What the image runs on. */
  readonly platform: Platform;
  /** RFC 3339 time for config and label. */
  readonly created: string;
  /** `--allow-env`. */
  readonly allowEnv: readonly string[];
  /** `--drop-env`. */
  readonly dropEnv: readonly string[];
  /** `--strict-env`. */
  readonly strictEnv: boolean;
  /** Host directories that no value in the image should name: project, home, mise's data. */
  readonly hostRoots: readonly string[];
}

/** What applies once flags, `[oci]`, settings and defaults are weighed. */
export interface ResolvedOptions {
  /** Base image. */
  readonly from: ImageSource;
  /** The base as the user wrote it. */
  readonly fromText: string;
  /** Name of the image. */
  readonly tag?: string;
  /** Where mise's data directory is in the image. */
  readonly mountPoint: string;
  /** Owner of layer entries. */
  readonly owner: Owner;
  /** Copies: config's, then the command line's. */
  readonly copies: readonly Copy[];
  /** How layers are compressed. */
  readonly compression: CompressionPlan;
}

/** The base image if nothing names one: glibc, small, and what most prebuilt tools run on. */
export const DEFAULT_FROM = "debian:bookworm-slim";
/** Where tools are in the image if nothing names a place. */
export const DEFAULT_MOUNT_POINT = "/mise";

/**
 * Parses a mount point: an absolute image directory other than `/`.
 *
 * @throws {MiseOciError} `usage` saying what is wrong with it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseMountPoint } from "./options.ts";
 *
 * assertEquals(parseMountPoint("/opt/mise/"), "/opt/mise");
 * ```
 */
export function parseMountPoint(text: string): string {
  const fail = (why: string): never => {
    throw new MiseOciError("usage", `Cannot use mount point ${JSON.stringify(text)}: ${why}`, {
      hint: "Write an absolute directory such as /mise or /opt/mise",
    });
  };
  if (text === "") fail("it is empty");
  if (!text.startsWith("/")) fail("it is not absolute");
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f:]/.test(text)) {
    fail("it contains a colon or a control character, which PATH cannot hold");
  }
  const parts = text.split("/").filter((part) => part !== "");
  if (parts.length === 0) fail("it is the root of the image");
  if (parts.some((part) => part === "." || part === "..")) fail('it contains "." or ".."');
  return `/${parts.join("/")}`;
}

/** Weighs flags against `[oci]`, mise's settings and the defaults (spec: flag > `[oci]` > settings > default). */
export function resolveOptions(project: Project, options: PlanOptions): ResolvedOptions {
  const { oci, settings } = project;
  const fromText = first(options.from, oci.from, settings.defaultFrom) ?? DEFAULT_FROM;
  const tag = first(options.tag, oci.tag);
  const mountPoint = first(options.mountPoint, oci.mountPoint, settings.defaultMountPoint);
  const uid = oci.userId ?? 0;
  return {
    from: parseImageSource(fromText),
    fromText,
    ...(tag === undefined ? {} : { tag }),
    mountPoint: parseMountPoint(mountPoint ?? DEFAULT_MOUNT_POINT),
    owner: options.owner ?? { uid, gid: oci.groupId ?? uid },
    copies: [...oci.copy, ...options.copies],
    compression: options.compression ?? parseCompression(oci.compression ?? "gzip"),
  };
}

function first(...candidates: (string | undefined)[]): string | undefined {
  return candidates.find((candidate) => candidate !== undefined && candidate !== "");
}
