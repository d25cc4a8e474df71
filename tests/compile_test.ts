import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join, relative } from "@std/path";
import { MODULES_LOADED_BY_NAME } from "../scripts/compile/modules.ts";
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

/** The modules that a module's text names other than in imports with a literal, relative to `src`. */
function modulesByName(text: string): string[] {
  const code = text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
  const workers = code.matchAll(/new URL\(\s*"([^"]+\.ts)",\s*import\.meta\.url/g);
  const workflows = code.matchAll(/\bload\("([^"]+\.ts)"\)/g);
  return [...workers, ...workflows].map((match) => match[1] ?? "");
}

Deno.test("the list of modules to include names every module that is loaded by name, and no other", async () => {
  const found = new Set<string>();
  for (const module of await listModules(join(REPOSITORY, "src"))) {
    if (module.endsWith("_test.ts")) continue;
    const text = await Deno.readTextFile(module);
    for (const name of modulesByName(text)) {
      const folder = module.endsWith("commands/workflows.ts") ? "../workflow" : ".";
      found.add(relative(REPOSITORY, join(module, "..", folder, name)));
    }
  }
  assertEquals([...MODULES_LOADED_BY_NAME], [...found].sort());
});

Deno.test("no module of the program is loaded by a name that the list cannot be compared with", async () => {
  const found: string[] = [];
  for (const module of await listModules(join(REPOSITORY, "src"))) {
    if (module.endsWith("_test.ts")) continue;
    const code = (await Deno.readTextFile(module)).replaceAll(/\/\*[^]*?\*\//g, "");
    if (/(?<![\w.])import\((?!\s*["'])/.test(code)) found.push(relative(REPOSITORY, module));
  }
  assertEquals(found, ["src/commands/workflows.ts"]);
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
