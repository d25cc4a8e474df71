/**
 * An image as one HTML page: a treemap of its layers and files, and the same as tables. The page contains
 * everything it needs, runs no script and loads nothing.
 * @module
 */
import { formatBytes, formatCount } from "../ui/format.ts";
import { type Box, boxesOf, type Hue, hueStyle, renderMap } from "./boxes.ts";
import { describeTitle, type LayerDescription } from "./describe.ts";
import { escapeHtml } from "./html.ts";
import { PAGE_STYLE } from "./page_style.ts";
import { largestFiles, type SizedFile, type SizeNode, sizeTree } from "./size_tree.ts";

/** A layer with its files. */
export interface PageLayer extends LayerDescription {
  /** The files of the layer; files of lower layers with the same path are still counted in those. */
  readonly files: readonly SizedFile[];
}

/** What the page shows. */
export interface PageImage {
  /** The image as the user named it. */
  readonly name: string;
  /** Digest of the manifest. */
  readonly digest: string;
  /** `linux/amd64`. */
  readonly platform: string;
  /** RFC 3339 time of the build, if the image has one. */
  readonly created?: string;
  /** Bottom first. */
  readonly layers: readonly PageLayer[];
}

/** A layer as the page draws it. */
interface Drawn {
  readonly layer: PageLayer;
  readonly number: number;
  readonly title: string;
  readonly tree: SizeNode;
  readonly hue: Hue;
}

/** Hues that differ clearly from their neighbours, for layers in order. */
const HUES = [212, 28, 150, 268, 345, 188, 48, 300, 95, 12, 235, 168];
const LARGEST = 15;

function draw(layers: readonly PageLayer[]): readonly Drawn[] {
  let next = 0;
  return layers.map((layer, i) => ({
    layer,
    number: i + 1,
    title: describeTitle(layer),
    tree: sizeTree(layer.files),
    hue: layer.kind === "base"
      ? { hue: 214, saturation: 9 }
      : { hue: HUES[next++ % HUES.length] ?? 0, saturation: 62 },
  }));
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
const percentText = (share: number): string =>
  `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

function facts(image: PageImage, drawn: readonly Drawn[]): string {
  const items: readonly (readonly [string, string])[] = [
    [formatBytes(sum(drawn.map(({ layer }) => layer.descriptor.size))), "to download"],
    [formatBytes(sum(drawn.map(({ tree }) => tree.size))), "unpacked"],
    [String(drawn.length), drawn.length === 1 ? "layer" : "layers"],
    [sum(drawn.map(({ tree }) => tree.files)).toLocaleString("en"), "files"],
    [image.platform, "platform"],
  ];
  const cells = items.map(([value, name]) =>
    `<li><b>${escapeHtml(value)}</b><span>${name}</span></li>`
  );
  return `<ul class="facts">${cells.join("")}</ul>`;
}

/** A tree without its top directories that contain only one other directory: every tool has them. */
function withoutChain(tree: SizeNode): SizeNode {
  const [only, ...others] = tree.children ?? [];
  return only?.children === undefined || others.length > 0 ? tree : only;
}

/** A tool's title without mise's backend, then also without its version. */
function shorterTitles({ kind, name, version }: PageLayer): readonly string[] {
  if (kind !== "tool") return [];
  const own = name.replace(/^[\w-]+:(?:.*\/)?/, "");
  return [...version === undefined ? [] : [`${own} ${version}`], own];
}

function overview(drawn: readonly Drawn[]): string {
  const boxes = drawn.filter(({ tree }) => tree.size > 0).map((
    { layer, title, tree, hue, number },
  ): Box => ({
    label: title,
    shorter: shorterTitles(layer),
    title: `Layer ${number}, ${title}: ${formatBytes(tree.size)} in ${
      formatCount(tree.files, "file")
    }`,
    size: tree.size,
    children: boxesOf(withoutChain(tree)),
    hue,
  })).sort((a, b) => b.size - a.size);
  if (boxes.length === 0) return "<p>There are no files with content in this image.</p>";
  const label = `Treemap of ${formatCount(boxes.length, "layer")}: ` +
    boxes.map((box) => `${box.label} ${formatBytes(box.size)}`).join(", ");
  return renderMap(boxes, { label, height: 600, depth: 0 });
}

function layerRow({ layer, number, title, tree, hue }: Drawn): string {
  const { kind, name, version = "", descriptor, share, origin } = layer;
  const shown = kind === "tool" ? name : version === "" ? title : kind;
  return `<tr style="${hueStyle(hue)}"><td class="number">${number}</td>` +
    `<td class="name"><span class="swatch"></span><a href="#layer-${number}">${
      escapeHtml(shown)
    }</a></td>` +
    `<td>${escapeHtml(version)}</td>` +
    `<td class="number">${formatBytes(descriptor.size)}</td>` +
    `<td class="number"><span class="bar"><i style="width:${
      percentText(share).replace(" ", "")
    }"></i></span>` +
    `${percentText(share)}</td>` +
    `<td class="number">${formatBytes(tree.size)}</td>` +
    `<td class="number">${tree.files.toLocaleString("en")}</td>` +
    `<td class="origin">${escapeHtml(origin === shown ? "" : origin)}</td></tr>`;
}

function layerTable(drawn: readonly Drawn[]): string {
  const head = [
    '<th scope="col" class="number">#</th>',
    '<th scope="col">Layer</th>',
    '<th scope="col">Version</th>',
    '<th scope="col" class="number">Download</th>',
    '<th scope="col" class="number">Share</th>',
    '<th scope="col" class="number">Unpacked</th>',
    '<th scope="col" class="number">Files</th>',
    '<th scope="col">Made by</th>',
  ];
  return `<div class="scroll"><table><caption>Bottom layer first</caption>` +
    `<thead><tr>${head.join("")}</tr></thead><tbody>${
      drawn.map(layerRow).join("")
    }</tbody></table></div>`;
}

function fileRow({ path, size }: SizeNode, total: number): string {
  return `<tr><td class="mono">/${escapeHtml(path)}</td><td class="number">${
    formatBytes(size)
  }</td>` +
    `<td class="number">${percentText(size / total)}</td></tr>`;
}

function layerDetails({ layer, number, title, tree, hue }: Drawn): string {
  const largest = largestFiles(tree, LARGEST);
  const map = tree.size === 0 ? "" : renderMap(boxesOf(withoutChain(tree)), {
    label: `Treemap of the files of layer ${number}, ${title}`,
    height: 340,
    depth: 1,
    hue,
  });
  const table = largest.length === 0
    ? "<p>No file in it has content.</p>"
    : `<table><thead><tr><th scope="col">Largest files</th><th scope="col" class="number">Size</th>` +
      `<th scope="col" class="number">Of the layer</th></tr></thead>` +
      `<tbody>${largest.map((file) => fileRow(file, tree.size)).join("")}</tbody></table>`;
  return `<details><summary style="${hueStyle(hue)}"><span class="swatch"></span>` +
    `${number}. ${escapeHtml(title)} <span class="soft">${
      formatBytes(tree.size)
    } unpacked</span></summary>` +
    `<div id="layer-${number}"><p class="soft">Blob <code>${layer.descriptor.digest}</code></p>${map}${table}</div></details>`;
}

/** The page. The same image gives the same page. */
export function renderPage(image: PageImage): string {
  const drawn = draw(image.layers);
  const name = escapeHtml(image.name);
  const created = image.created === undefined ? "" : `, built ${escapeHtml(image.created)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${name}: layers</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${name}</h1>
<p class="soft"><code title="${escapeHtml(image.digest)}">${
    escapeHtml(image.digest.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, "$1…"))
  }</code>${created}</p>
${facts(image, drawn)}
</header>
<main>
<h2>What takes the space</h2>
<p class="soft">Each coloured block is a layer, each box in it a directory or file; areas are unpacked sizes.</p>
${overview(drawn)}
<h2>Layers</h2>
${layerTable(drawn)}
<h2>Files of each layer</h2>
${drawn.map(layerDetails).join("\n")}
</main>
<footer>Made by mise-oci inspect from ${escapeHtml(image.digest)}</footer>
</body>
</html>
`;
}
