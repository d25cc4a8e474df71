import { assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { describeLayers } from "./describe.ts";
import { fakeImage, type FakeLayer, toolLayer } from "../../tests/support/inspect_fixture.ts";
import { type PageImage, renderPage } from "./page.ts";
import type { SizedFile } from "./size_tree.ts";

function page(
  layers: readonly (readonly [FakeLayer, readonly SizedFile[]])[],
  more: Partial<PageImage> = {},
): string {
  const facts = describeLayers(fakeImage(layers.map(([layer]) => layer)));
  return renderPage({
    name: "r.io/app:v1",
    digest: `sha256:${"a1".repeat(32)}`,
    platform: "linux/amd64",
    layers: facts.map((layer, i) => ({ ...layer, files: layers[i]?.[1] ?? [] })),
    ...more,
  });
}

const NODE = [toolLayer("node", "24.11.0"), [
  { path: "mise/installs/node/bin/node", size: 120_000_000 },
  { path: "mise/installs/node/lib/npm.js", size: 3_000_000 },
]] as const;

Deno.test("the page names every layer with its size, and its largest files", () => {
  const html = page([NODE]);
  assertStringIncludes(html, "node 24.11.0");
  assertStringIncludes(html, "123 MB");
  assertStringIncludes(html, "/mise/installs/node/bin/node");
  assertStringIncludes(html, ">Download</th>");
  assertMatch(html, /role="img" aria-label="Treemap of 1 layer: node 24.11.0 123 MB"/);
  assertStringIncludes(html, 'href="#layer-1"');
  assertStringIncludes(html, 'id="layer-1"');
});

Deno.test("a layer too small for its title shows the tool's own name", () => {
  const small = [toolLayer("npm:@scope/prettier", "3.6.2"), [{
    path: "a",
    size: 10_000_000,
  }]] as const;
  const text = (html: string): readonly string[] =>
    [...html.matchAll(/<div class="d0"[^>]*>([^<]*)/g)].map(([, label = ""]) => label);
  assertEquals(text(page([NODE, small])), ["node 24.11.0 123 MB", "prettier"]);
  assertEquals(text(page([small])), ["npm:@scope/prettier 3.6.2 10.0 MB"]);
});

Deno.test("the page loads nothing and runs nothing", () => {
  const html = page([NODE]);
  assertNotMatch(html, /<script|<link|<img|<iframe|\bsrc=|url\(|https?:|@import|\son\w+=/i);
  assertStringIncludes(html, "default-src 'none'");
});

Deno.test("names of files, layers and images cannot become markup", () => {
  const evil = '"><script>alert(1)</script>\u202e&';
  const html = page(
    [[
      { ...toolLayer(evil, evil), createdBy: `mise-oci: tool ${evil}` },
      [{ path: evil, size: 10 }, { path: `d/${evil}`, size: 20 }],
    ], [{ content: "x", createdBy: evil }, []]],
    { name: evil, created: evil, platform: evil },
  );
  assertNotMatch(html, /<script/);
  assertEquals(html.includes("\u202e"), false);
  assertStringIncludes(html, "&lt;script&gt;");
});

Deno.test("the page of an image without files or layers says so", () => {
  assertStringIncludes(page([]), "no files with content");
  assertStringIncludes(page([[toolLayer("a", "1"), []]]), "No file in it has content");
});

Deno.test("a layer with very many small files stays small on the page", () => {
  const files = Array.from({ length: 50_000 }, (_, i) => ({ path: `d${i % 100}/f${i}`, size: 10 }));
  const html = page([[toolLayer("a", "1"), [...files, { path: "d0/big", size: 400_000 }]]]);
  assertEquals(html.length < 700_000, true, `${html.length} characters`);
  assertEquals(/\d+ smaller/.test(html), true);
});
