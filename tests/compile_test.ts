import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join, relative } from "@std/path";
import { WORKERS } from "../scripts/compile/modules.ts";
import { permissionFlags } from "../scripts/compile/permissions.ts";
import {
  ALL_TARGETS,
  executableName,
  parseTargets,
  type Target,
  targetOf,
} from "../scripts/compile/targets.ts";
import { listModules } from "./support/imports.ts";
import { REPOSITORY } from "./support/testbed/paths.ts";

/** The modules of the program without comments, by path below the repository. */
async function code(): Promise<ReadonlyMap<string, string>> {
  const modules = await listModules(join(REPOSITORY, "src"));
  const own = modules.filter((module) => !module.endsWith("_test.ts"));
  return new Map(
    await Promise.all(own.map(async (module) => {
      const text = await Deno.readTextFile(module);
      const plain = text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
      return [relative(REPOSITORY, module), plain] as const;
    })),
  );
}

Deno.test("the list of workers names every module that is loaded by its URL, and no other", async () => {
  const found: string[] = [];
  for (const [module, text] of await code()) {
    const urls = [...text.matchAll(/new URL\(\s*"([^"]+\.ts)",\s*import\.meta\.url\)/g)];
    for (const [, url = ""] of urls) {
      assertEquals(
        url,
        `./${url.split("/").at(-1)}`,
        `${module} looks for it in another directory`,
      );
      found.push(join(module, "..", url));
    }
    const uses = text.match(/import\.meta\.(?!main\b)/g) ?? [];
    assertEquals(uses.length, urls.length, `${module} wants of import.meta what a bundle has not`);
  }
  assertEquals(WORKERS, found.sort());
});

Deno.test("every import of the program has a literal, which the bundler follows", async () => {
  const computed = /(?<![\w.])import\((?!\s*"[^"]+"(?: as string)?\s*\))/;
  const found = [...await code()].filter(([, text]) => computed.test(text));
  assertEquals(found.map(([module]) => module), []);
});

Deno.test("no import is hidden from Deno: what is cached or installed once runs without a network", async () => {
  const hidden = [...await code()].filter(([, text]) => /import\("[^"]+" as string/.test(text));
  assertEquals(hidden.map(([module]) => module), []);
});

Deno.test("permissionFlags() writes the set of deno.json without -A and without unscoped run or env", async () => {
  const { permissions } = JSON.parse(await Deno.readTextFile(join(REPOSITORY, "deno.json")));
  const flags = permissionFlags(permissions.default);
  assertEquals(
    flags.filter((flag) => /^(-A|--allow-(all|run|env|sys|ffi|import))$/.test(flag)),
    [],
  );
  assertMatch(flags.join(" "), /--allow-run=mise,\S*podman/);
  assertMatch(flags.join(" "), /--allow-write --deny-write=\/bin,/);
});

Deno.test("permissionFlags() refuses a value with a comma, which would become two", () => {
  assertThrows(() => permissionFlags({ read: ["/a,/b"] }), RangeError, "comma");
});

Deno.test("parseTargets() takes names, all, and the host when there is none", () => {
  const host = (): Target => targetOf({ os: "darwin", arch: "aarch64" });
  assertEquals(parseTargets([], host), ["macos-arm64"]);
  assertEquals(parseTargets(["all", "linux-amd64"], host), ALL_TARGETS);
  assertThrows(() => parseTargets(["linux-x64"], host), RangeError, "linux-amd64");
  assertThrows(() => targetOf({ os: "freebsd", arch: "x86_64" }), RangeError, "freebsd");
  assertEquals(ALL_TARGETS.map(executableName).at(-1), "mise-oci-windows-amd64.exe");
});
