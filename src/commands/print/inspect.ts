/**
 * The output of `inspect`.
 * @module
 */
import { Annotation } from "../../oci/annotations.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { HistoryEntry } from "../../oci/image_config.ts";
import { formatPlatform } from "../../oci/platform.ts";
import { escapeLine, joinLines } from "../../ui/text.ts";
import { truncate } from "../../ui/width.ts";
import { formatBytes, formatCount } from "../../ui/format.ts";
import { renderTable } from "../../ui/table.ts";
import type {
  ImageDetails,
  InspectResult,
  LayerDescription,
} from "../../workflow/inspect_image.ts";
import type { Output } from "../command.ts";
import { type Fact, factLines, tableFacts } from "./facts.ts";
import { type PrintOptions, shortenDigest } from "./layers.ts";

/** Maximum width of a layer's origin, in columns; `--json` has the whole text. */
const ORIGIN_COLUMNS = 60;

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

function table(
  layers: readonly LayerDescription[],
  { short, columns }: { readonly short: boolean; readonly columns: number | undefined },
): readonly string[] {
  return renderTable(
    [
      { title: "LAYER" },
      { title: "NAME" },
      { title: "VERSION" },
      { title: "DIGEST" },
      { title: "SIZE", align: "right" },
      { title: "SHARE", align: "right" },
      { title: "MADE BY" },
    ],
    layers.map(({ kind, name, version = "", descriptor, share, origin }) => [
      kind,
      // The names that `build` prints, since there is one of each.
      name !== "" || kind === "base" || kind === "layer" ? name : kind,
      version,
      shortenDigest(descriptor.digest, short),
      formatBytes(descriptor.size),
      percent(share),
      truncate(escapeLine(origin), ORIGIN_COLUMNS),
    ]),
    columns,
  );
}

function layerJson(
  { kind, name, version, descriptor, diffId, share, origin }: LayerDescription,
): unknown {
  const { digest, size, mediaType, annotations } = descriptor;
  return { kind, name, version, digest, diffId, mediaType, size, share, origin, annotations };
}

/** Options of {@linkcode inspectOutput}. */
export interface InspectPrintOptions extends PrintOptions {
  /** Whether to print the history. */
  readonly history?: boolean;
  /** Whether `--platform` chose the image. */
  readonly chosen?: boolean;
}

function referrerJson({ artifactType, digest, size, annotations }: Descriptor): unknown {
  return { artifactType, digest, size, annotations };
}

/** The attached artifacts: their type, and for signed statements the predicate type. */
function referrerLines(
  { referrers = [] }: InspectResult,
  { short, columns }: { readonly short: boolean; readonly columns: number | undefined },
): readonly string[] {
  if (referrers.length === 0) return [];
  const rows = renderTable(
    [{ title: "ATTACHED" }, { title: "ABOUT" }, { title: "DIGEST" }],
    referrers.map(({ artifactType = "unknown", digest, annotations = {} }) => [
      escapeLine(artifactType),
      escapeLine(
        annotations["dev.sigstore.bundle.predicateType"] ??
          annotations["in-toto.io/predicate-type"] ?? "",
      ),
      shortenDigest(digest, short),
    ]),
    columns,
  );
  return ["", ...rows];
}

/** The platform shown, and the others of a multi-platform image. */
function platformFacts(
  { platform, platforms, details }: InspectResult,
  short: boolean,
): readonly Fact[] {
  const shown = formatPlatform(platform);
  if (platforms.length < 2) return [["platform", shown]];
  return [
    ["platform", `${shown}, one of ${platforms.length} (--platform shows another)`],
    ...(details?.images ?? []).map((one): Fact => [
      "",
      `${shortenDigest(one.digest, short)} ${formatPlatform(one.platform)}`,
    ]),
  ];
}

function baseText({ annotations }: ImageDetails): string | undefined {
  const name = annotations[Annotation.baseName];
  const digest = annotations[Annotation.baseDigest];
  if (name === undefined) return digest;
  return digest === undefined || name.includes("@") ? name : `${name}@${digest}`;
}

function words(list: readonly string[] | undefined): string | undefined {
  return list === undefined || list.length === 0 ? undefined : JSON.stringify(list);
}

/** The names in an object that encodes a set: ports, volumes. */
function names(set: unknown): string | undefined {
  return typeof set === "object" && set !== null ? Object.keys(set).join(" ") : undefined;
}

/** The container settings, with docker's names, and the annotations. */
function configFacts(details: ImageDetails): readonly Fact[] {
  const { config: { extensions = {}, ...config }, annotations, index } = details;
  const { StopSignal, Healthcheck } = extensions;
  return [
    ["base", baseText(details)],
    ["user", config.User],
    ["workdir", config.WorkingDir],
    ["entry", words(config.Entrypoint)],
    ["command", words(config.Cmd)],
    ["expose", names(extensions["ExposedPorts"])],
    ["volumes", names(extensions["Volumes"])],
    ["stop", typeof StopSignal === "string" ? StopSignal : undefined],
    ["health", Healthcheck === undefined ? undefined : JSON.stringify(Healthcheck)],
    ...(config.Env ?? []).map((text): Fact => ["env", text]),
    ...tableFacts("label", config.Labels),
    ...tableFacts("annotate", annotations),
    ...tableFacts("index", index?.annotations),
  ];
}

/** The history, oldest first; entries without a layer are marked. */
function historyTable(history: readonly HistoryEntry[], columns?: number): readonly string[] {
  return renderTable(
    [{ title: "CREATED" }, { title: "LAYER" }, { title: "STEP" }],
    history.map(({ created = "", created_by = "", comment = "", empty_layer }) => [
      created,
      empty_layer === true ? "none" : "",
      truncate(escapeLine(created_by || comment), 100),
    ]),
    columns,
  );
}

function detailsJson({ config: { extensions, ...config }, ...details }: ImageDetails): unknown {
  return {
    ...details,
    images: details.images.map(({ platform, digest }) => ({
      platform: formatPlatform(platform),
      digest,
    })),
    config: { ...config, ...extensions },
  };
}

/** The output of `inspect`. */
export function inspectOutput(result: InspectResult, options: InspectPrintOptions): Output {
  const { name, digest, platform, platforms, created, layers, html, details, document } = result;
  const size = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  const top = options.chosen === true ? digest : details?.index?.digest ?? digest;
  const { short } = options;
  const text = (columns?: number): string =>
    joinLines([
      ...factLines([
        ["image", name],
        ["index", details?.index?.digest],
        ["digest", digest],
        ...platformFacts(result, short),
        ["created", created],
        ["page", html],
        ...(details === undefined ? [] : configFacts(details)),
      ], columns),
      "",
      ...table(layers, { short, columns }),
      `${formatCount(layers.length, "layer")}, ${formatBytes(size)}`,
      ...referrerLines(result, { short, columns }),
      ...(options.history === true && details !== undefined
        ? ["", ...historyTable(details.history, columns)]
        : []),
    ], columns);
  return {
    text: (columns) => document ?? (options.quiet ? `${top}\n` : text(columns)),
    json: () => ({
      name,
      digest,
      platform: formatPlatform(platform),
      platforms: platforms.map(formatPlatform),
      created,
      size,
      layers: layers.map(layerJson),
      ...(details === undefined ? {} : detailsJson(details) as object),
      referrers: result.referrers?.map(referrerJson),
      html,
    }),
  };
}
