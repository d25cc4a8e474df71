/**
 * What `inspect` prints.
 * @module
 */
import type { Descriptor } from "../../oci/descriptor.ts";
import { formatPlatform } from "../../oci/platform.ts";
import { escapeLine } from "../../ui/escape.ts";
import { formatBytes, formatCount } from "../../ui/format.ts";
import { joinLines } from "../../ui/lines.ts";
import { renderTable } from "../../ui/table.ts";
import { truncate } from "../../ui/text.ts";
import type { InspectResult, LayerFacts } from "../../workflow/inspect_types.ts";
import type { Output } from "../command.ts";
import { type PrintOptions, shortenDigest } from "./layers.ts";

/** Longest text about where a layer came from, in columns; `--json` has all of it. */
const ORIGIN_COLUMNS = 60;

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

function table(layers: readonly LayerFacts[], short: boolean): readonly string[] {
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
      name,
      version,
      shortenDigest(descriptor.digest, short),
      formatBytes(descriptor.size),
      percent(share),
      truncate(escapeLine(origin), ORIGIN_COLUMNS),
    ]),
  );
}

function layerJson(
  { kind, name, version, descriptor, diffId, share, origin }: LayerFacts,
): unknown {
  const { digest, size, mediaType, annotations } = descriptor;
  return { kind, name, version, digest, diffId, mediaType, size, share, origin, annotations };
}

function referrerJson({ artifactType, digest, size, annotations }: Descriptor): unknown {
  return { artifactType, digest, size, annotations };
}

/** What is attached: its type, and of a signed statement what it is about. */
function referrerLines({ referrers = [] }: InspectResult): readonly string[] {
  if (referrers.length === 0) return [];
  const rows = renderTable(
    [{ title: "ATTACHED" }, { title: "ABOUT" }, { title: "DIGEST" }],
    referrers.map(({ artifactType = "unknown", digest, annotations = {} }) => [
      escapeLine(artifactType),
      escapeLine(
        annotations["dev.sigstore.bundle.predicateType"] ??
          annotations["in-toto.io/predicate-type"] ?? "",
      ),
      digest,
    ]),
  );
  return ["", ...rows];
}

/** The platforms of a multi-platform image, of which one is shown. */
function platformLines({ platform, platforms }: InspectResult): readonly string[] {
  if (platforms.length < 2) return [];
  return [
    `platforms ${platforms.map(formatPlatform).join(", ")} (shown: ${formatPlatform(platform)}; ` +
    "--platform shows another)",
  ];
}

/** An image's layers. */
export function inspectOutput(result: InspectResult, options: PrintOptions): Output {
  const { name, digest, platform, platforms, created, layers, html } = result;
  const size = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  return {
    text: () =>
      options.quiet ? `${digest}\n` : joinLines([
        `image     ${escapeLine(name)}`,
        `digest    ${digest}`,
        `platform  ${formatPlatform(platform)}`,
        ...platformLines(result),
        ...(created === undefined ? [] : [`created   ${escapeLine(created)}`]),
        ...(html === undefined ? [] : [`page      ${escapeLine(html)}`]),
        "",
        ...table(layers, options.short),
        `${formatCount(layers.length, "layer")}, ${formatBytes(size)}`,
        ...referrerLines(result),
      ]),
    json: () => ({
      name,
      digest,
      platform: formatPlatform(platform),
      platforms: platforms.map(formatPlatform),
      created,
      size,
      layers: layers.map(layerJson),
      referrers: result.referrers?.map(referrerJson),
      html,
    }),
  };
}
