/**
 * The input of a check, and cached reports. Separate, so that an image with a clean cached report does not
 * load the modules for checking.
 * @module
 */
import type { LayerTree } from "../layer/mod.ts";
import {
  Annotation,
  type Descriptor,
  type DiffId,
  type ImageConfig,
  MANAGER_NAMES,
  sha256Hex,
} from "../oci/mod.ts";
import type { CheckReport, LayerLabel } from "./mod.ts";
import type { Image } from "../image/types.ts";
import type { BlobSource, Cache } from "../store/mod.ts";

/** A layer of an image to check. */
export interface CheckLayer {
  /** Its blob. */
  readonly descriptor: Descriptor;
  /** Its diff ID. */
  readonly diffId: DiffId;
  /** The host files that the layer is built from, which are faster to read than its blob. */
  readonly tree?: LayerTree;
}

/** An image to check. */
export interface CheckedImage {
  /** Its name for messages; absent for an image that is being built. */
  readonly name?: string;
  /** Its config. */
  readonly config: ImageConfig;
  /** Its layers, bottom first. */
  readonly layers: readonly CheckLayer[];
  /** Opens a layer's blob; `undefined` if it is not available. */
  open(descriptor: Descriptor): Promise<ReadableStream<Uint8Array> | undefined>;
}

/** An existing image as input of the check. */
export function foundImage(
  { manifest, config, name }: Pick<Image, "manifest" | "config"> & { readonly name?: string },
  open: CheckedImage["open"],
): CheckedImage {
  const layers = manifest.layers.flatMap((descriptor, i) => {
    const diffId = config.diffIds[i];
    return diffId === undefined ? [] : { descriptor, diffId };
  });
  return { config, layers, open, ...(name === undefined ? {} : { name }) };
}

/** Opens layers from a store that may lack some. */
export function openFrom(source: BlobSource): CheckedImage["open"] {
  return async ({ digest }) =>
    await source.size(digest) === undefined ? undefined : await source.open(digest);
}

const REPORTS = "image-check";
/** Part of the cache key: increase it when the report of an image can change, as with a new package manager. */
const RULES = 4 + MANAGER_NAMES.length;

/** Environment variables that a report depends on. */
const CHECKED_VARIABLE =
  /^(?:PATH|LD_LIBRARY_PATH|RUSTUP_HOME|SSL_CERT_FILE|SSL_CERT_DIR|TZ|TZDIR|LANG|LC_ALL|DOTNET_SYSTEM_GLOBALIZATION_INVARIANT)=/;

/** The label of a layer, from its annotations. */
export function labelOf({ annotations = {} }: Descriptor): LayerLabel {
  const kind = annotations[Annotation.layerKind];
  const name = annotations[Annotation.toolShort];
  return { ...(kind === undefined ? {} : { kind }), ...(name === undefined ? {} : { name }) };
}

/** The cache key of a report. */
async function reportKey({ config, layers }: CheckedImage): Promise<string> {
  const { architecture, config: run = {} } = config;
  const env = run.Env?.filter((entry) => CHECKED_VARIABLE.test(entry));
  const parts = [
    RULES,
    architecture,
    env,
    run.Entrypoint,
    run.Cmd,
    layers.map(({ descriptor, diffId }) => [diffId, labelOf(descriptor)]),
  ];
  return await sha256Hex(JSON.stringify(parts));
}

/** Whether a cached record is a report. */
function isReport(record: unknown): record is CheckReport {
  if (typeof record !== "object" || record === null) return false;
  const lists = ["problems", "duplicates", "distribution"] as const;
  return lists.every((name) => Array.isArray((record as Partial<CheckReport>)[name]));
}

/** The cached report of an image. */
export async function maybeKeptReport(
  image: CheckedImage,
  cache: Cache,
): Promise<CheckReport | undefined> {
  const kept = await cache.getDocument(REPORTS, await reportKey(image));
  return isReport(kept) ? kept : undefined;
}

/** Whether a report contains no findings. */
export function isSilent({ problems, duplicates }: CheckReport): boolean {
  return problems.length === 0 && duplicates.length === 0;
}

/** Caches the report of an image. */
export async function keepReport(
  image: CheckedImage,
  cache: Cache,
  report: CheckReport,
): Promise<void> {
  await cache.putDocument(REPORTS, await reportKey(image), report);
}
