/**
 * What a check looks at, and the reports that are kept: enough to pass over an image that is known to be
 * well, without the modules that look into one.
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
  /** The host files that it was made of, which are faster to look at. */
  readonly tree?: LayerTree;
}

/** An image to check. */
export interface CheckedImage {
  /** What messages call it; absent for an image that is being built. */
  readonly name?: string;
  /** Its config. */
  readonly config: ImageConfig;
  /** Its layers, bottom first. */
  readonly layers: readonly CheckLayer[];
  /** The bytes of a layer's blob; `undefined` if they are not here. */
  open(descriptor: Descriptor): Promise<ReadableStream<Uint8Array> | undefined>;
}

/** An image as the check takes it. */
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

/** Opens layers of a store that may lack some. */
export function openFrom(source: BlobSource): CheckedImage["open"] {
  return async ({ digest }) =>
    await source.size(digest) === undefined ? undefined : await source.open(digest);
}

const REPORTS = "image-check";
/** To be raised whenever the same image can give another report, as it can when another manager is known. */
const RULES = 4 + MANAGER_NAMES.length;

/** Entries of the environment that decide a report. */
const CHECKED_VARIABLE =
  /^(?:PATH|LD_LIBRARY_PATH|RUSTUP_HOME|SSL_CERT_FILE|SSL_CERT_DIR|TZ|TZDIR|LANG|LC_ALL|DOTNET_SYSTEM_GLOBALIZATION_INVARIANT)=/;

/** What the check is told of a layer. */
export function labelOf({ annotations = {} }: Descriptor): LayerLabel {
  const kind = annotations[Annotation.layerKind];
  const name = annotations[Annotation.toolShort];
  return { ...(kind === undefined ? {} : { kind }), ...(name === undefined ? {} : { name }) };
}

/** Everything that decides a report. */
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

/** Whether a record is a report: its key says which rules made it, its lists that it is one. */
function isReport(record: unknown): record is CheckReport {
  if (typeof record !== "object" || record === null) return false;
  const lists = ["problems", "duplicates", "distribution"] as const;
  return lists.every((name) => Array.isArray((record as Partial<CheckReport>)[name]));
}

/** The report that was kept of an image. */
export async function maybeKeptReport(
  image: CheckedImage,
  cache: Cache,
): Promise<CheckReport | undefined> {
  const kept = await cache.getDocument(REPORTS, await reportKey(image));
  return isReport(kept) ? kept : undefined;
}

/** Whether a report has nothing to say, as most have. */
export function isSilent({ problems, duplicates }: CheckReport): boolean {
  return problems.length === 0 && duplicates.length === 0;
}

/** Keeps the report of an image. */
export async function keepReport(
  image: CheckedImage,
  cache: Cache,
  report: CheckReport,
): Promise<void> {
  await cache.putDocument(REPORTS, await reportKey(image), report);
}
