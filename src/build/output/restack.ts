/**
 * Reorders the layers of an image that exists only during a run, so that an engine has to fetch as little
 * as possible when one of them changes.
 *
 * docker identifies a layer by all layers below it: it fetches a changed layer and all layers above it.
 * Layers of tools and of mise never overlap, so their order does not matter to what runs. The largest go to
 * the bottom, so that the layers above a changed one are small.
 * @module
 */
import {
  Annotation,
  type Descriptor,
  encodeImageConfig,
  encodeManifest,
  type HistoryEntry,
  parseDigest,
  streamingSha256,
} from "../../oci/mod.ts";
import type { Image } from "../../image/types.ts";

/** Kinds of layers that never share directories. */
const MOVABLE: ReadonlySet<string> = new Set(["tool", "mise"]);

function isMovable({ annotations }: Descriptor): boolean {
  return MOVABLE.has(annotations?.[Annotation.layerKind] ?? "");
}

/** The new order as positions in the old one; only neighbours change places. */
function order(layers: readonly Descriptor[]): readonly number[] {
  const positions: number[] = [];
  let group: number[] = [];
  const size = (at: number): number => layers[at]?.size ?? 0;
  const flush = (): void => {
    positions.push(...group.sort((a, b) => size(b) - size(a) || a - b));
    group = [];
  };
  for (const [at, layer] of layers.entries()) {
    if (isMovable(layer)) {
      group.push(at);
      continue;
    }
    flush();
    positions.push(at);
  }
  flush();
  return positions;
}

/** The history in the new order; entries without a layer stay where they are. */
function reorderHistory(
  history: readonly HistoryEntry[],
  positions: readonly number[],
): readonly HistoryEntry[] | undefined {
  const ofLayers = history.filter((entry) => entry.empty_layer !== true);
  if (ofLayers.length !== positions.length) return undefined;
  let next = 0;
  return history.map((entry) =>
    entry.empty_layer === true ? entry : ofLayers[positions[next++] ?? 0] ?? entry
  );
}

function describe(bytes: Uint8Array, mediaType: string): Descriptor {
  const digest = parseDigest(`sha256:${streamingSha256().update(bytes).digest("hex")}`);
  return { mediaType, digest, size: bytes.length };
}

/** The same image with its layers in another order, or the same object if they already have this order. */
export function restack(image: Image): Image {
  const { manifest, config } = image;
  const positions = order(manifest.layers);
  if (positions.every((position, at) => position === at)) return image;
  const pick = <T>(values: readonly T[]): readonly T[] =>
    positions.flatMap((position) => values[position] ?? []);
  const { history: oldHistory, ...others } = config;
  const history = oldHistory && reorderHistory(oldHistory, positions);
  const newConfig = {
    ...others,
    diffIds: pick(config.diffIds),
    ...(history === undefined ? {} : { history }),
  };
  const configBytes = encodeImageConfig(newConfig);
  const newManifest = {
    ...manifest,
    config: describe(configBytes, manifest.config.mediaType),
    layers: pick(manifest.layers),
  };
  const manifestBytes = encodeManifest(newManifest);
  return {
    ...image,
    descriptor: describe(manifestBytes, image.descriptor.mediaType),
    manifest: newManifest,
    manifestBytes,
    config: newConfig,
    configBytes,
  };
}
