/**
 * Checks whether the commands of an image start. The facts of a layer are cached by its diff ID, the report
 * by everything that it depends on.
 * @module
 */
import {
  checkCommands,
  type CheckReport,
  type LayerFacts,
  readBlobFacts,
  readTreeFacts,
} from "./mod.ts";
import type { Cache } from "../store/mod.ts";
import { type CheckedImage, type CheckLayer, keepReport, labelOf } from "./checked_image.ts";
import { keepFacts, maybeKeptFacts } from "./kept_facts.ts";
import type { WorkflowContext } from "../context.ts";

async function readFacts(
  { descriptor, diffId, tree }: CheckLayer,
  { cache, open, name }: Pick<CheckedImage, "open" | "name"> & { readonly cache: Cache },
  context: WorkflowContext,
): Promise<LayerFacts | undefined> {
  const known = await maybeKeptFacts(cache, diffId);
  if (known !== undefined) return known;
  const { reporter, signal } = context;
  const what = `layer ${descriptor.digest}${name === undefined ? "" : ` of ${name}`}`;
  const read = async (): Promise<LayerFacts | undefined> => {
    if (tree !== undefined) return readTreeFacts(tree);
    const blob = await open(descriptor);
    return blob === undefined
      ? undefined
      : await readBlobFacts(blob, descriptor.mediaType, { what, diffId, signal });
  };
  const text = `Reading the programs of layer ${descriptor.digest}`;
  reporter.emit({ type: "detail", level: 1, text });
  const facts = await read();
  if (facts === undefined) return undefined;
  await keepFacts(cache, diffId, facts);
  return facts;
}

/**
 * Checks an image and caches the report, for `findReport` of checked_image.ts.
 *
 * @returns `undefined` if a layer is not available.
 * @throws {MiseOciError} for damaged layers.
 */
export async function checkLayers(
  image: CheckedImage,
  cache: Cache,
  context: WorkflowContext,
): Promise<CheckReport | undefined> {
  const layers = [];
  for (const layer of image.layers) {
    context.signal.throwIfAborted();
    const facts = await readFacts(layer, { ...image, cache }, context);
    if (facts === undefined) return undefined;
    layers.push({ diffId: layer.diffId, facts, label: labelOf(layer.descriptor) });
  }
  const { architecture, config: run = {} } = image.config;
  const report = checkCommands({
    layers,
    architecture,
    env: run.Env ?? [],
    ...(run.Entrypoint === undefined ? {} : { entrypoint: run.Entrypoint }),
    ...(run.Cmd === undefined ? {} : { cmd: run.Cmd }),
  });
  await keepReport(image, cache, report);
  return report;
}
