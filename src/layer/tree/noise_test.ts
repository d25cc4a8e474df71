import { assertEquals } from "@std/assert";
import { buildForTest, toolPlan, withTree } from "../../../tests/support/layer.ts";
import { noiseFilter } from "./exclude.ts";
import { scanLayer } from "./scan.ts";

const NO_BASE = { has: (): boolean => false };

async function namesOf(tree: string, kind: "tool" | "copy" = "tool"): Promise<string[]> {
  const { entries } = await scanLayer(toolPlan(tree, { kind }), { baseDirectories: NO_BASE });
  const prefix = "mise/installs/t/1/";
  return entries.filter(({ path }) => path.startsWith(prefix))
    .map(({ path }) => path.slice(prefix.length));
}

function put(path: string, content: string | Uint8Array): void {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
}

Deno.test("state of package managers beside what they installed is left out of tools", async () => {
  await withTree(async (tree) => {
    const noise = [
      "lib/node_modules/.package-lock.json",
      "node_modules/.modules.yaml",
      "node_modules/.pnpm-workspace-state-v1.json",
      "node_modules/.yarn-integrity",
      "node_modules/.mise-state/fresh.json",
      "node_modules/.mise-state/state.json",
      "node_modules/.aube-state/state.json",
      "node_modules/.aube-lock.yaml",
      "5/node_modules/.pnpm/lock.yaml",
      ".yarn/install-state.gz",
      ".npm/_logs/2026-01-01-debug-0.log",
      ".npm/_cacache/index-v5/00",
    ];
    const kept = [
      "lib/node_modules/a/.package-lock.json",
      "node_modules/.bin/x",
      "node_modules/.mise/prettier@3/node_modules/prettier/x",
      "package-lock.json",
    ];
    for (const path of [...noise, ...kept]) put(`${tree}/${path}`, "x");
    const files = (await namesOf(tree)).filter((path) => Deno.statSync(`${tree}/${path}`).isFile);
    assertEquals(files, kept.toSorted());
    const copied = (await namesOf(tree, "copy")).filter((path) => noise.includes(path));
    assertEquals(copied.length, noise.length);
  });
});

Deno.test("what mise notes about an archive that tools share is left out", () => {
  const shared = noiseFilter("/data/http-tarballs/2712d7_strip_1");
  assertEquals(["metadata.json", "lib/metadata.json", "hi"].filter(shared), ["metadata.json"]);
  assertEquals(noiseFilter("/data/installs/hi/1")("metadata.json"), false);
});

Deno.test("two installs that differ in noise only are the same layer", async () => {
  const build = async (noise: string): Promise<string> => {
    let digest = "";
    await withTree(async (tree) => {
      put(`${tree}/bin/tool`, `#!${tree}/bin/python\n`);
      put(`${tree}/lib/m.py`, "pass\n");
      put(`${tree}/node_modules/.modules.yaml`, noise);
      digest = (await buildForTest(toolPlan(tree))).built.diffId;
    });
    return digest;
  };
  assertEquals(await build("prunedAt: today"), await build("prunedAt: tomorrow"));
});

/** How a scan sees `bin/npm`: the target of a link, `file`, or nothing. */
async function npmOf(tree: string, kind: "tool" | "copy" = "tool"): Promise<string | undefined> {
  const { entries } = await scanLayer(toolPlan(tree, { kind }), { baseDirectories: NO_BASE });
  const npm = entries.find(({ path }) => path.endsWith("/bin/npm"));
  return npm?.type === "file" ? "file" : npm?.target;
}

Deno.test("npm is the link that it was before mise wrapped it, so that every install gives one layer", async () => {
  const link = "../lib/node_modules/npm/bin/npm-cli.js";
  const wrapper = '#!/usr/bin/env bash\nset -eu\nmise reshim\nexec npm "$@"\n';
  const digests: string[] = [];
  for (const wrapped of [true, false]) {
    await withTree(async (tree) => {
      put(`${tree}/lib/node_modules/npm/bin/npm-cli.js`, "#!/usr/bin/env node\n");
      Deno.mkdirSync(`${tree}/bin`);
      if (wrapped) put(`${tree}/bin/npm`, wrapper);
      else Deno.symlinkSync(link, `${tree}/bin/npm`);
      assertEquals(await npmOf(tree), link);
      if (wrapped) assertEquals(await npmOf(tree, "copy"), "file");
      digests.push((await buildForTest(toolPlan(tree))).built.descriptor.digest);
    });
  }
  assertEquals(digests[0], digests[1]);
});

Deno.test("another program of the name npm stays as it is", async () => {
  await withTree(async (tree) => {
    put(`${tree}/bin/npm`, "#!/usr/bin/env bash\nmise reshim\n");
    assertEquals(await npmOf(tree), "file");
    put(`${tree}/lib/node_modules/npm/bin/npm-cli.js`, "x");
    put(`${tree}/bin/npm`, "#!/usr/bin/env node\n// mise reshim\n");
    assertEquals(await npmOf(tree), "file");
  });
});
