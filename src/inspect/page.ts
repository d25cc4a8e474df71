/**
 * An image as one HTML page: a treemap of its layers and files, and the same as tables. The page contains
 * everything it needs, its style included, runs no script and loads nothing.
 * @module
 */
import { formatBytes, formatCount } from "../ui/format.ts";
import { describeTitle, type LayerDescription } from "./describe.ts";
import { largestFiles, type SizedFile, type SizeNode, sizeTree } from "./size_tree.ts";
import { type Box, boxesOf, escapeHtml, type Hue, hueStyle, renderMap } from "./treemap.ts";

/** CSS for the light and the dark colour scheme. */
const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ink: #1b1f24; --soft: #59636e; --line: #d8dde3; --page: #fff; --panel: #f5f7f9; --accent: #0b62c4;
  --l0: 62%; --l1: 78%; --l2: 84%; --l3: 90%; --l4: 94%; --edge: 100%; --box-ink: #14181d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e8ebef; --soft: #a2acb8; --line: #343b44; --page: #14171b; --panel: #1c2127; --accent: #6cb0ff;
    --l0: 46%; --l1: 30%; --l2: 25%; --l3: 20%; --l4: 16%; --edge: 9%; --box-ink: #eef1f4;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1160px; padding: 28px 28px 64px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
a { color: var(--accent); }
h1 { margin: 0 0 2px; font-size: 25px; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 34px 0 8px; font-size: 18px; }
p { margin: 0 0 10px; }
.soft { color: var(--soft); }
code, .mono { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
code { overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: 10px; margin: 18px 0 22px; padding: 0; list-style: none; }
.facts li {
  flex: 1 1 130px; padding: 10px 14px; background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
}
.facts b { display: block; font-size: 20px; line-height: 1.3; font-weight: 650; }
.facts span { color: var(--soft); font-size: 13px; }
.map {
  position: relative; width: 100%; overflow: hidden; border-radius: 8px; background: var(--line);
  font-size: 12px; line-height: 16px; color: var(--box-ink);
}
.map div {
  position: absolute; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; padding: 0 5px;
  border: 1px solid hsl(var(--h) var(--s) var(--edge)); background: hsl(var(--h) var(--s) var(--l1));
}
.map .d0 { background: hsl(var(--h) var(--s) var(--l0)); border-width: 2px; border-radius: 4px; font-weight: 650; }
.map .d1 { font-weight: 500; }
.map .d2 { background: hsl(var(--h) var(--s) var(--l2)); font-weight: 400; }
.map .d3 { background: hsl(var(--h) var(--s) var(--l3)); font-weight: 400; }
.map .d4 { background: hsl(var(--h) var(--s) var(--l4)); font-weight: 400; }
.map .rest { background: repeating-linear-gradient(
  135deg, hsl(var(--h) var(--s) var(--l2)) 0 5px, hsl(var(--h) var(--s) var(--l3)) 5px 10px); font-weight: 400; }
.map div:hover { outline: 2px solid var(--ink); outline-offset: -2px; }
.swatch {
  display: inline-block; width: 12px; height: 12px; margin-right: 7px; border-radius: 3px; vertical-align: -1px;
  background: hsl(var(--h) var(--s) var(--l0));
}
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: 6px; }
th, td { padding: 7px 10px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-size: 13px; color: var(--soft); font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.origin { color: var(--soft); font-size: 13px; max-width: 330px; overflow-wrap: anywhere; }
td.name { min-width: 150px; overflow-wrap: anywhere; }
.bar { display: inline-block; width: 76px; height: 8px; margin-right: 8px; border-radius: 4px; background: var(--line); overflow: hidden; }
.bar i { display: block; height: 100%; border-radius: 4px; background: hsl(var(--h) var(--s) var(--l0)); }
details { margin: 10px 0; border: 1px solid var(--line); border-radius: 8px; }
summary { padding: 9px 14px; cursor: pointer; font-weight: 600; overflow-wrap: anywhere; }
summary .soft { font-weight: 400; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
details > div { padding: 4px 14px 14px; }
details table { margin-top: 12px; }
details td:first-child { overflow-wrap: anywhere; }
footer { margin-top: 40px; color: var(--soft); font-size: 13px; }
@media print { body { max-width: none; padding: 0; } details { break-inside: avoid; } }
`.trim();

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
