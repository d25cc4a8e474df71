/**
 * The table of layers printed by `build` and `push`.
 * @module
 */
import { formatBytes, formatCount } from "../../ui/format.ts";
import { renderTable } from "../../ui/table.ts";
import type { LayerRow } from "../../build/types.ts";

/** How much to print. */
export interface PrintOptions {
  /** Print only the value that scripts need. */
  readonly quiet: boolean;
  /** Shorten digests, for a terminal. */
  readonly short: boolean;
}

/** Shortens a digest to twelve digits, as docker does, if requested. */
export function shortenDigest(digest: string, short: boolean): string {
  return short ? digest.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, "$1") : digest;
}

/** A table with one row per layer, and a total below. */
export function layerTable(
  layers: readonly LayerRow[],
  short: boolean,
  columns?: number,
): readonly string[] {
  const rows = layers.map((layer) => [
    layer.kind,
    layer.name,
    layer.version ?? "",
    shortenDigest(layer.digest, short),
    formatBytes(layer.size),
    layer.status === "base" ? "" : layer.status,
  ]);
  const table = renderTable(
    [
      { title: "LAYER" },
      { title: "NAME" },
      { title: "VERSION" },
      { title: "DIGEST" },
      { title: "SIZE", align: "right" },
      { title: "STATUS" },
    ],
    rows,
    columns,
  );
  const total = layers.reduce((sum, layer) => sum + layer.size, 0);
  return [...table, `${formatCount(layers.length, "layer")}, ${formatBytes(total)}`];
}

/** Layers for `--json`. */
export function layersJson(layers: readonly LayerRow[]): readonly unknown[] {
  return layers.map(({ kind, name, version, digest, size, status, reusedFrom }) => ({
    kind,
    name,
    version,
    digest,
    size,
    status,
    reusedFrom,
  }));
}
