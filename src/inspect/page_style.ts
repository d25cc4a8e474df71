/**
 * The style of the page. Nothing in it refers to anything outside.
 * @module
 */

/** CSS for the light and the dark colour scheme. */
export const PAGE_STYLE = `
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
