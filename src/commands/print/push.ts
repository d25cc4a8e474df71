/**
 * The output of `push`.
 * @module
 */
import { formatPlatform } from "../../oci/platform.ts";
import { escapeLine, joinLines } from "../../ui/text.ts";
import type { LayerRow } from "../../build/types.ts";
import type { PushedImage, PushResult } from "../../workflow/types.ts";
import type { Output } from "../command.ts";
import type { PrintOptions } from "./layers.ts";

type Tables =
  & Pick<typeof import("./layers.ts"), "layersJson" | "layerTable">
  & Pick<typeof import("./facts.ts"), "factLines">;

/** Imported on demand: pushing a layout prints no table. */
const tablesModule = () => import("./layers.ts");
const factsModule = () => import("./facts.ts");

/** Layers reused from the registry, with the image they came from. */
function reusedLines(result: PushResult): readonly string[] {
  return (allLayers(result) ?? []).filter(({ status }) => status === "reused").map((layer) => {
    const from = layer.reusedFrom === undefined ? "" : ` from ${layer.reusedFrom}`;
    return escapeLine(`reused ${layer.name} ${layer.version ?? ""}`.trimEnd() + from);
  });
}

/** A summary for one destination. */
export function summary(
  result: Pick<PushResult, "digest" | "reference" | "blobs" | "layers" | "images">,
): string {
  const { digest, reference, blobs } = result;
  const reused = (allLayers(result) ?? []).filter(({ status }) => status === "reused").length;
  const counts = blobs === undefined ? [] : [
    `${blobs.uploaded} uploaded`,
    `${blobs.present} already present`,
    `${blobs.mounted} mounted`,
    ...(reused > 0 ? [`${reused} reused`] : []),
  ];
  return `pushed ${digest} to ${escapeLine(reference)}` +
    (counts.length === 0 ? "" : ` (${counts.join(", ")})`);
}

/** The attached artifacts. */
function attachedLines({ attached = [] }: PushResult): readonly string[] {
  return attached.map(({ artifactType, digest, subject }) =>
    escapeLine(`attached ${artifactType} ${digest} to ${subject}`)
  );
}

function imageJson(
  { platform, digest, layers }: PushedImage,
  { layersJson }: Tables,
): unknown {
  return {
    platform: formatPlatform(platform),
    digest,
    layers: layers === undefined ? undefined : layersJson(layers),
  };
}

/** The layers that were built, of all images. */
function allLayers(
  { layers, images }: Pick<PushResult, "layers" | "images">,
): readonly LayerRow[] | undefined {
  if (images === undefined || layers === undefined) return layers;
  return images.flatMap((image) => image.layers ?? []);
}

/** One table, or one per image under its platform. */
function tables(
  { layers, images }: PushResult,
  { factLines, layerTable }: Tables,
  { short, columns }: { readonly short: boolean; readonly columns: number | undefined },
): readonly string[] {
  if (layers === undefined) return [];
  if (images === undefined) return [...layerTable(layers, short, columns), ""];
  return images.flatMap((image) => [
    ...factLines([["platform", formatPlatform(image.platform)], ["digest", image.digest]], columns),
    "",
    ...layerTable(image.layers ?? [], short, columns),
    "",
  ]);
}

/** For a result without layers. */
const NO_TABLES: Tables = { layersJson: () => [], layerTable: () => [], factLines: () => [] };

/** The output of `push`. */
export async function pushOutput(result: PushResult, options: PrintOptions): Promise<Output> {
  const { digest, manifestDigest, reference, blobs, layers } = result;
  const made = layers === undefined
    ? NO_TABLES
    : { ...await tablesModule(), ...await factsModule() };
  return {
    text: (columns) =>
      options.quiet ? `${digest}\n` : joinLines([
        ...tables(result, made, { short: options.short, columns }),
        ...reusedLines(result),
        summary(result),
        ...(result.also ?? []).map(summary),
        ...attachedLines(result),
      ], columns),
    json: () => ({
      digest,
      manifestDigest,
      reference,
      blobs,
      attached: result.attached,
      ...(result.images === undefined
        ? { layers: layers === undefined ? undefined : made.layersJson(layers) }
        : { images: result.images.map((image) => imageJson(image, made)) }),
      also: result.also,
    }),
  };
}
