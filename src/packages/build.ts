/**
 * Builds the layer of system packages: base layers → rootfs → package manager → difference → blob.
 * @module
 */
import { createHash } from "node:crypto";
import { describeError, MiseOciError } from "../errors.ts";
import { Annotation, layerMediaType, type Platform, sortKeys } from "../oci/mod.ts";
import {
  type BlobSink,
  type BuiltLayer,
  type CompressionPool,
  LAYER_FORMAT,
  type LayerEntry,
} from "../layer/mod.ts";
import { linkSameInodes } from "../layer/entries.ts";
import { comparePaths } from "../layer/entry.ts";
import { LayerOutput, type TarSummary } from "../layer/output.ts";
import { packEntries } from "../layer/pack.ts";
import { relocationMap } from "../layer/relocate.ts";
import { diffSnapshots } from "./diff.ts";
import { type InstallContext, installPackages } from "./install.ts";
import type { PackagesPlan } from "./plan.ts";
import { checkHost } from "./preflight.ts";
import { createTemporaryRootfs } from "./rootfs/temp_root.ts";
import { type BaseLayer, unpackLayers } from "./rootfs/unpack.ts";
import { takeSnapshot } from "./snapshot.ts";

/**
 * Version of the rules by which a packages layer is made: isolation, options of the managers, what is
 * left out. Part of the fingerprint.
 */
export const PACKAGES_FORMAT = "1";

/** What the layer is made of. */
export interface PackagesRequest extends PackagesPlan {
  /** What the image runs on. */
  readonly platform: Platform;
  /** Layers of the base image, bottom first. */
  readonly baseLayers: readonly BaseLayer[];
}

/** What building the layer needs of its surroundings. */
export interface PackagesContext extends InstallContext {
  /** Absolute directory for the temporary rootfs; as large as the unpacked base. */
  readonly workDir: string;
  /** The compression workers of the build. */
  readonly pool: CompressionPool;
  /** Where the blob goes. */
  readonly sink: BlobSink;
  /** Takes what the user should know, one sentence each. */
  readonly warn?: (text: string) => void;
}

/** The plan of the layer, as tables and the image's history show it. */
function layerPlan({ manager, packages }: PackagesPlan): BuiltLayer["plan"] {
  const words = packages.map(({ name, version }) =>
    version === undefined ? name : `${name}=${version}`
  );
  const command = manager === "apt" ? "apt-get install" : "apk add";
  return {
    kind: "packages",
    name: manager,
    owner: { uid: 0, gid: 0 },
    sources: [],
    relocations: [],
    exclude: [],
    createdBy: `mise-oci: ${command} ${words.join(" ")}`,
    annotations: {
      [Annotation.layerKind]: "packages",
      [Annotation.systemPackages]: manager,
    },
  };
}

/**
 * The key under which a packages layer can be kept: everything that it is made of but what the package
 * sources offer at the moment. 64 hex digits.
 */
export function packagesFingerprint(
  request: Pick<PackagesRequest, "manager" | "packages" | "platform"> & {
    readonly baseLayers: readonly Pick<BaseLayer, "diffId">[];
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
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/**
 * Builds and stores the layer of system packages. It needs Linux and root; see `isolate.ts` for how the
 * packages' scripts are kept apart from the host. The temporary rootfs is always removed.
 *
 * @throws {MiseOciError} `packages` for everything about the manager, `permission`, `io`; `integrity`,
 * `invalid` for base layers that are damaged or hostile.
 */
export async function buildPackagesLayer(
  request: PackagesRequest,
  context: PackagesContext,
): Promise<BuiltLayer> {
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
  await unpackLayers(rootfs, baseLayers, reading);
  const before = await takeSnapshot(rootfs, signal);
  await installPackages(rootfs, { manager, packages }, { ...context, platform });
  const after = await takeSnapshot(rootfs, signal);
  const { entries, warnings } = diffSnapshots(before, after, { rootfs, manager });
  if (warn !== undefined) warnings.forEach(warn);
  const plan = layerPlan({ manager, packages });
  const { summary, digest, size } = await pack(entries, context);
  return {
    plan,
    descriptor: {
      mediaType: layerMediaType(pool.framing.kind),
      digest,
      size,
      annotations: sortKeys(plan.annotations),
    },
    diffId: summary.diffId,
    uncompressedSize: summary.size,
    fingerprint: packagesFingerprint(request, pool.framing),
  };
}

/** Packs the difference; unlike other trees it cannot change meanwhile. */
async function pack(
  unsorted: readonly LayerEntry[],
  { pool, sink, signal }: PackagesContext,
): Promise<{ summary: TarSummary } & Pick<BuiltLayer["descriptor"], "digest" | "size">> {
  const entries = [...unsorted].sort((a, b) => comparePaths(a.path, b.path));
  linkSameInodes(entries);
  const writer = await sink.create();
  const output = new LayerOutput(pool, { signal, write: (bytes) => writer.write(bytes) });
  try {
    await packEntries(entries, output, {
      relocations: relocationMap([], []),
      provided: () => true,
      warn: () => {},
    });
    const summary = await output.finish();
    return { summary, ...await writer.commit() };
  } catch (error) {
    await output.abort();
    await writer.abort();
    if (error instanceof MiseOciError || signal?.aborted === true) throw error;
    throw new MiseOciError("io", `Cannot build the packages layer: ${describeError(error)}`, {
      cause: error,
    });
  }
}
