/**
 * Builds the layer of system packages: base layers → rootfs → package manager → difference → blob.
 * @module
 */
import { type Platform, streamingSha256 } from "../oci/mod.ts";
import {
  type CompressionPool,
  LAYER_FORMAT,
  type LayerSink,
  type StoredEntries,
  storeEntries,
} from "../layer/mod.ts";
import { diffSnapshots, takeSnapshot } from "./diff.ts";
import { checkHost, type InstallContext, installPackages } from "./install.ts";
import type { PackagesPlan } from "./plan.ts";
import { createTemporaryRootfs } from "../rootfs/temp_root.ts";
import { type UnpackLayer, unpackLayers } from "../rootfs/unpack.ts";

/**
 * Version of the rules for building a packages layer: isolation, options of the managers, ignored paths. Part
 * of the fingerprint.
 */
export const PACKAGES_FORMAT = "2";

/** Input of the layer. */
export interface PackagesRequest extends PackagesPlan {
  /** What the image runs on. */
  readonly platform: Platform;
  /** Layers of the base image, bottom first. */
  readonly baseLayers: readonly UnpackLayer[];
}

/** The context for building the layer. */
export interface PackagesContext extends InstallContext {
  /** Absolute directory for the temporary rootfs; as large as the unpacked base. */
  readonly workDir: string;
  /** The compression workers of the build. */
  readonly pool: CompressionPool;
  /** Where the blob goes. */
  readonly sink: LayerSink;
  /** Called with warnings for the user, one sentence each. */
  readonly warn?: (text: string) => void;
}

/** A layer of system packages that has been built and stored; annotations are the plan's. */
export interface BuiltPackagesLayer extends StoredEntries {
  /** {@linkcode packagesFingerprint} of the request. */
  readonly fingerprint: string;
  /** Warnings for the user, also repeated when the layer comes from the cache. */
  readonly warnings: readonly string[];
}

/**
 * The cache key of a packages layer: all of its input except for the current content of the package sources.
 * 64 hex digits.
 */
export function packagesFingerprint(
  request: Pick<PackagesRequest, "manager" | "packages" | "platform"> & {
    readonly baseLayers: readonly Pick<UnpackLayer, "diffId">[];
  },
  compression: { readonly kind: string; readonly level?: number },
): string {
  const { manager, packages, platform, baseLayers } = request;
  const parts = [
    PACKAGES_FORMAT,
    LAYER_FORMAT,
    compression.kind,
    compression.level ?? null,
    manager,
    packages.map(({ name, version }) => [name, version ?? null]),
    [platform.os, platform.architecture, platform.variant ?? null],
    baseLayers.map(({ diffId }) => diffId),
  ];
  return streamingSha256().update(JSON.stringify(parts)).digest("hex");
}

/**
 * Builds and stores the layer of system packages. It needs Linux and root; see `isolate.ts` for how the
 * packages' scripts are isolated from the host. The temporary rootfs is always removed.
 *
 * @throws {MiseOciError} `packages` for everything about the manager, `permission`, `io`; `integrity`,
 * `invalid` for base layers that are damaged or hostile.
 */
export async function buildPackagesLayer(
  request: PackagesRequest,
  context: PackagesContext,
): Promise<BuiltPackagesLayer> {
  checkHost();
  const { manager, packages, platform, baseLayers } = request;
  const { signal, warn, detail, pool } = context;
  const reading = {
    ...(signal === undefined ? {} : { signal }),
    ...(warn === undefined ? {} : { warn }),
  };
  await using temporary = await createTemporaryRootfs(context.workDir);
  const { rootfs } = temporary;
  detail?.(1, `Unpacking ${baseLayers.length} base layers`);
  // The base's layers in the image are unchanged; these are missing only while packages are installed.
  const note = (text: string): void => detail?.(1, text);
  await unpackLayers(rootfs, baseLayers, { ...reading, note });
  const before = await takeSnapshot(rootfs, signal);
  await installPackages(rootfs, { manager, packages }, { ...context, platform });
  const after = await takeSnapshot(rootfs, signal);
  const { entries, warnings } = diffSnapshots(before, after, { rootfs, manager });
  if (warn !== undefined) warnings.forEach(warn);
  const name = `${manager} packages`;
  const stored = await storeEntries(entries, { name, pool, sink: context.sink, signal });
  return { ...stored, fingerprint: packagesFingerprint(request, pool.parameters), warnings };
}
