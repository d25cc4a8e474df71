/**
 * What `push` prints.
 * @module
 */
import { escapeLine } from "../../ui/escape.ts";
import { joinLines } from "../../ui/table.ts";
import type { PushResult } from "../../workflow/types.ts";
import type { Output } from "../command.ts";
import { layersJson, layerTable, type PrintOptions } from "./layers.ts";

/** Layers that came from the registry, by the image they were found in. */
function reusedLines(result: PushResult): readonly string[] {
  return (result.layers ?? []).filter(({ status }) => status === "reused").map((layer) => {
    const from = layer.reusedFrom === undefined ? "" : ` from ${layer.reusedFrom}`;
    return escapeLine(`reused ${layer.name} ${layer.version ?? ""}`.trimEnd() + from);
  });
}

function summary({ digest, reference, blobs, layers }: PushResult): string {
  const reused = (layers ?? []).filter(({ status }) => status === "reused").length;
  const counts = blobs === undefined ? [] : [
    `${blobs.uploaded} uploaded`,
    `${blobs.present} already present`,
    `${blobs.mounted} mounted`,
    ...(reused > 0 ? [`${reused} reused`] : []),
  ];
  return `pushed ${digest} to ${escapeLine(reference)}` +
    (counts.length === 0 ? "" : ` (${counts.join(", ")})`);
}

/** The result of a push. */
export function pushOutput(result: PushResult, options: PrintOptions): Output {
  const { digest, manifestDigest, reference, blobs, layers } = result;
  return {
    text: () =>
      options.quiet ? `${digest}\n` : joinLines([
        ...(layers === undefined ? [] : [...layerTable(layers, options.short), ""]),
        ...reusedLines(result),
        summary(result),
      ]),
    json: () => ({
      digest,
      manifestDigest,
      reference,
      blobs,
      layers: layers === undefined ? undefined : layersJson(layers),
    }),
  };
}
