/**
 * The output of `diff`.
 * @module
 */
import { escapeLine, joinLines } from "../../ui/text.ts";
import { formatBytes, formatCount } from "../../ui/format.ts";
import { renderTable } from "../../ui/table.ts";
import type {
  DiffLayer,
  DiffResult,
  FileChange,
  LayerDescription,
} from "../../workflow/inspect_image.ts";
import type { Output } from "../command.ts";

/** Options of {@linkcode diffOutput}. */
export interface DiffPrintOptions {
  /** Print only the names of what differs. */
  readonly quiet: boolean;
  /** Print every file, not only the first ones. */
  readonly verbose: boolean;
  /** The images as written by the user, to distinguish two with the same name. */
  readonly asked: readonly [a: string, b: string];
}

/** Number of files listed without `-v`. */
const SHOWN_FILES = 20;
const SIGNS = { added: "+", removed: "-", changed: "~" } as const;

const WHY: Readonly<Record<DiffLayer["fate"], string>> = {
  same: "the same",
  recompressed: "the same content, compressed differently",
  bumped: "another version",
  changed: "other content",
  added: "new",
  removed: "gone",
};

function cost({ before, after }: DiffLayer): string {
  if (after === undefined) return `-${formatBytes(before?.descriptor.size ?? 0)}`;
  return formatBytes(after.descriptor.size);
}

/** The sizes of a file's content; empty if it has none. */
function sizes({ sizes: [before, after] }: FileChange): string {
  if ((before ?? 0) + (after ?? 0) === 0) return "";
  if (before === undefined || after === undefined) {
    return `  ${formatBytes(before ?? after ?? 0)}`;
  }
  return before === after
    ? `  ${formatBytes(after)}`
    : `  ${formatBytes(before)} → ${formatBytes(after)}`;
}

function fileLines(layer: DiffLayer, verbose: boolean): readonly string[] {
  const { files = [] } = layer;
  if (files.length === 0) return [];
  const shown = verbose ? files : files.slice(0, SHOWN_FILES);
  const lines = shown.map((file) => {
    const what = file.what.length === 0 ? "" : ` (${file.what.join(", ")})`;
    return `  ${SIGNS[file.change]} /${escapeLine(file.path)}${sizes(file)}${what}`;
  });
  const left = files.length - shown.length;
  const more = left === 0 ? [] : [`    and ${formatCount(left, "more file")}: -v lists all`];
  return [
    "",
    `files of ${escapeLine(layer.title)}: ${formatCount(files.length, "difference")}`,
    ...lines,
    ...more,
  ];
}

function layerLines(
  { layers }: DiffResult,
  { verbose, columns }: { readonly verbose: boolean; readonly columns: number | undefined },
): readonly string[] {
  const different = layers.filter(({ fate }) => fate !== "same");
  if (different.length === 0) return [];
  const rows = different.map((layer) => [
    layer.fate,
    layer.title,
    cost(layer),
    WHY[layer.fate],
  ]);
  return [
    "",
    ...renderTable(
      [{ title: "CHANGE" }, { title: "LAYER" }, { title: "SIZE", align: "right" }, {
        title: "WHY",
      }],
      rows,
      columns,
    ),
    ...different.flatMap((layer) => fileLines(layer, verbose)),
  ];
}

function envLines({ env }: DiffResult): readonly string[] {
  if (env.length === 0) return [];
  return [
    "",
    "environment",
    ...env.flatMap(({ name, change, added = [], removed = [] }) => [
      `  ${SIGNS[change]} ${escapeLine(name)}`,
      ...removed.map((part) => `      - ${escapeLine(part)}`),
      ...added.map((part) => `      + ${escapeLine(part)}`),
    ]),
  ];
}

/** Changes in the bill of materials. */
function packageLines({ packages = [] }: DiffResult, columns?: number): readonly string[] {
  if (packages.length === 0) return [];
  return [
    "",
    ...renderTable(
      [{ title: "CHANGE" }, { title: "PACKAGE" }, { title: "TYPE" }, { title: "VERSION" }],
      packages.map(({ change, name, type, before, after }) => [
        change,
        escapeLine(name),
        type,
        escapeLine(
          change === "bumped" ? `${before ?? "-"} → ${after ?? "-"}` : after ?? before ?? "",
        ),
      ]),
      columns,
    ),
  ];
}

function settingLines({ settings }: DiffResult): readonly string[] {
  if (settings.length === 0) return [];
  const value = (text: string | undefined): string =>
    text === undefined ? "none" : escapeLine(text);
  return [
    "",
    "config",
    ...settings.map(({ name, before, after }) =>
      `  ${escapeLine(name)}: ${value(before)} → ${value(after)}`
    ),
  ];
}

function verdict(result: DiffResult): string {
  const { identical, layers, env, settings, pull } = result;
  if (identical) return "the images are the same";
  const same = layers.filter(({ fate }) => fate === "same").length;
  const others = layers.length - same;
  if (others + env.length + settings.length === 0) {
    return "only the time of the build or the history differs; a pull costs no layer";
  }
  return `a pull of B where A exists costs ${formatBytes(pull.bytes)} of ${
    formatBytes(pull.totalBytes)
  }` +
    ` (${formatCount(pull.layers, "layer")}); ${formatCount(same, "layer")} the same`;
}

function names(result: DiffResult): readonly string[] {
  return [
    ...result.layers.filter(({ fate }) => fate !== "same").map(({ title }) => title),
    ...result.env.map(({ name }) => `env ${name}`),
    ...result.settings.map(({ name }) => name),
  ].map(escapeLine);
}

function layerJson(layer: LayerDescription | undefined): unknown {
  if (layer === undefined) return undefined;
  const { kind, name, version, descriptor: { digest, size }, diffId } = layer;
  return { kind, name, version, digest, diffId, size };
}

/** The output of `diff`. */
export function diffOutput(result: DiffResult, options: DiffPrintOptions): Output {
  const { a, b, identical, layers, env, settings, pull } = result;
  const [nameA, nameB] = a.name === b.name ? options.asked : [a.name, b.name];
  return {
    text: (columns) =>
      joinLines(
        options.quiet ? names(result) : [
          `A  ${escapeLine(nameA)} ${a.digest}`,
          `B  ${escapeLine(nameB)} ${b.digest}`,
          ...layerLines(result, { verbose: options.verbose, columns }),
          ...packageLines(result, columns),
          ...envLines(result),
          ...settingLines(result),
          "",
          verdict(result),
        ],
        columns,
      ),
    json: () => ({
      a,
      b,
      identical,
      pull,
      layers: layers.map(({ fate, title, before, after, files }) => ({
        change: fate,
        title,
        before: layerJson(before),
        after: layerJson(after),
        files,
      })),
      packages: result.packages,
      env,
      settings,
    }),
  };
}
