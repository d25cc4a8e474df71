/**
 * Checks whether the commands of an image start. What a layer says is read once in its life and kept by
 * its diff ID; what was found is kept by everything that decides it.
 * @module
 */
import { createHash } from "node:crypto";
import type { LayerTree } from "../layer/mod.ts";
import { Annotation, type Descriptor, type DiffId, type ImageConfig } from "../oci/mod.ts";
import {
  checkImage,
  type CheckReport,
  type LayerFacts,
  type LayerLabel,
  readBlobFacts,
  readTreeFacts,
} from "../preflight/mod.ts";
import type { BlobSource, Cache } from "../store/mod.ts";
import { keepFacts, maybeKeptFacts } from "./layer_facts.ts";
import type { WorkflowContext } from "./types.ts";

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
  /** Its config. */
  readonly config: ImageConfig;
  /** Its layers, bottom first. */
  readonly layers: readonly CheckLayer[];
  /** The bytes of a layer's blob; `undefined` if they are not here. */
  open(descriptor: Descriptor): Promise<ReadableStream<Uint8Array> | undefined>;
}

const REPORTS = "image-check";
/** To be raised whenever the same image can give another report. */
const RULES = 1;

function labelOf({ annotations = {} }: Descriptor): LayerLabel {
  const kind = annotations[Annotation.layerKind];
  const name = annotations[Annotation.toolShort];
  return { ...(kind === undefined ? {} : { kind }), ...(name === undefined ? {} : { name }) };
}

async function readFacts(
  { descriptor, diffId, tree }: CheckLayer,
  { cache, open }: Pick<CheckedImage, "open"> & { readonly cache: Cache },
  context: WorkflowContext,
): Promise<LayerFacts | undefined> {
  const known = await maybeKeptFacts(cache, diffId);
  if (known !== undefined) return known;
  const { reporter, signal } = context;
  const read = async (): Promise<LayerFacts | undefined> => {
    if (tree !== undefined) return readTreeFacts(tree);
    const blob = await open(descriptor);
    return blob === undefined
      ? undefined
      : await readBlobFacts(blob, descriptor.mediaType, { diffId, signal });
  };
  const text = `Reading the programs of layer ${descriptor.digest}`;
  reporter.emit({ type: "detail", level: 1, text });
  const facts = await read();
  if (facts === undefined) return undefined;
  await keepFacts(cache, diffId, facts);
  return facts;
}

/** Everything that decides a report. */
function reportKey({ config, layers }: CheckedImage): string {
  const { architecture, config: run = {} } = config;
  const env = run.Env?.filter((entry) => /^(?:PATH|LD_LIBRARY_PATH)=/.test(entry));
  const parts = [
    RULES,
    architecture,
    env,
    run.Entrypoint,
    run.Cmd,
    layers.map(({ descriptor, diffId }) => [diffId, labelOf(descriptor)]),
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Whether a record is a report: its key says which rules made it, its lists that it is one. */
function isReport(record: unknown): record is CheckReport {
  if (typeof record !== "object" || record === null) return false;
  const lists = ["problems", "duplicates", "distribution"] as const;
  return lists.every((name) => Array.isArray((record as Partial<CheckReport>)[name]));
}

/**
 * Checks an image.
 *
 * @returns `undefined` if a layer is not here to be looked at.
 * @throws {MiseOciError} for layers that are damaged.
 */
export async function checkLayers(
  image: CheckedImage,
  cache: Cache,
  context: WorkflowContext,
): Promise<CheckReport | undefined> {
  const key = reportKey(image);
  const kept = await cache.getDocument(REPORTS, key);
  if (isReport(kept)) return kept;
  const layers = [];
  for (const layer of image.layers) {
    context.signal.throwIfAborted();
    const facts = await readFacts(layer, { cache, open: image.open }, context);
    if (facts === undefined) return undefined;
    layers.push({ diffId: layer.diffId, facts, label: labelOf(layer.descriptor) });
  }
  const { architecture, config: run = {} } = image.config;
  const report = checkImage({
    layers,
    architecture,
    env: run.Env ?? [],
    ...(run.Entrypoint === undefined ? {} : { entrypoint: run.Entrypoint }),
    ...(run.Cmd === undefined ? {} : { cmd: run.Cmd }),
  });
  await cache.putDocument(REPORTS, key, report);
  return report;
}

/** Opens layers of a store that may lack some. */
export function openFrom(source: BlobSource): CheckedImage["open"] {
  return async ({ digest }) =>
    await source.size(digest) === undefined ? undefined : await source.open(digest);
}
