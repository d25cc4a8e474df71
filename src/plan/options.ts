/**
 * The flags, and how they are merged with `[oci]`, mise's settings and the defaults.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { DEFAULT_MOUNT_POINT, type MountPoint, parseMountPoint } from "../oci/image_path.ts";
import {
  COMPRESSIONS,
  DEFAULT_FROM,
  type NamedBase,
  parseBase,
  type Platform,
} from "../oci/mod.ts";
import type { Copy, Project } from "./project.ts";
import type { CompressionPlan, Owner, PackageChoice } from "./types.ts";

/** An executable of the host that goes into the image. */
export interface HostExecutable {
  /** Absolute host path. */
  readonly path: string;
  /** Its version. */
  readonly version: string;
}

/** Input of the plan besides the project; a field is absent if its flag was not given. */
export interface PlanOptions {
  /** `--from`. */
  readonly from?: NamedBase;
  /** `-t`. */
  readonly tag?: string;
  /** `--mount-point`. */
  readonly mountPoint?: MountPoint;
  /** `--copy`, host paths absolute. */
  readonly copies: readonly Copy[];
  /** `--owner`. */
  readonly owner?: Owner;
  /** The mise executable to embed; absent with `--no-mise`, or if it cannot run in the image. */
  readonly mise?: HostExecutable;
  /** The compiled mise-oci to embed (`--embed-self`). */
  readonly self?: HostExecutable;
  /** System packages for the platform, already validated. */
  readonly packages?: PackageChoice;
  /** The certificates of `[_.oci] ca` in PEM form. */
  readonly certificates?: string;
  /** Absolute host paths the image is written to, which copies leave out. */
  readonly outputs?: readonly string[];
  /** `--compression`. */
  readonly compression?: CompressionPlan;
  /** Target platform. */
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

/** The options after flags, `[oci]`, settings and defaults are merged. */
export interface ResolvedOptions {
  /** Base image. */
  readonly from: NamedBase;
  /** Name of the image. */
  readonly tag?: string;
  /** Where mise's data directory is in the image. */
  readonly mountPoint: MountPoint;
  /** Owner of layer entries. */
  readonly owner: Owner;
  /** Copies: the config's, then the command line's. */
  readonly copies: readonly Copy[];
  /** How layers are compressed. */
  readonly compression: CompressionPlan;
}

/** Parses a mise setting or a default, and reports errors as `config`. */
function ofSetting<T>(setting: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof MiseOciError) || error.code !== "usage") throw error;
    const { message, hint, cause } = error;
    throw new MiseOciError("config", `${message} (mise's setting ${setting})`, {
      ...(hint === undefined ? {} : { hint }),
      cause,
    });
  }
}

/** Merges flags, `[oci]`, mise's settings and defaults, in this order of precedence. */
export function resolveOptions(project: Project, options: PlanOptions): ResolvedOptions {
  const { oci, settings } = project;
  const from = options.from ?? oci.from ??
    ofSetting("oci.default_from", first(settings.defaultFrom) ?? DEFAULT_FROM, parseBase);
  const tag = first(options.tag, oci.tag);
  const mountPoint = options.mountPoint ?? oci.mountPoint ?? ofSetting(
    "oci.default_mount_point",
    first(settings.defaultMountPoint) ?? DEFAULT_MOUNT_POINT,
    parseMountPoint,
  );
  const uid = oci.userId ?? 0;
  return {
    from,
    ...(tag === undefined ? {} : { tag }),
    mountPoint,
    owner: options.owner ?? { uid, gid: oci.groupId ?? uid },
    copies: [...oci.copy, ...options.copies],
    compression: options.compression ?? oci.compression ?? { kind: COMPRESSIONS[0] },
  };
}

function first(...candidates: (string | undefined)[]): string | undefined {
  return candidates.find((candidate) => candidate !== undefined && candidate !== "");
}
