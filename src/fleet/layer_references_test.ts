import { assertEquals } from "@std/assert";
import type { TarEntry } from "../tar/parser.ts";
import { ReferenceCollector } from "./layer_references.ts";

const OWN = "/mise/installs/npm-prettier/3.6.2";

function entry(path: string, more: Partial<TarEntry> = {}): TarEntry {
  const base = { path, type: "file", mode: 0o644, uid: 0, gid: 0, size: 0 } as const;
  return { ...base, ...more } as TarEntry;
}

function collect(entries: readonly (readonly [TarEntry, readonly string[]])[]): ReferenceCollector {
  const hosts = ["/home/me/.local/share/mise/installs/npm-prettier/3.6.2"];
  const collector = new ReferenceCollector({ image: OWN, hosts });
  for (const [one, chunks] of entries) {
    collector.entry(one);
    for (const chunk of chunks) collector.data(new TextEncoder().encode(chunk));
    collector.end();
  }
  return collector;
}

Deno.test("a layer's references are the other tools that links and any content name", () => {
  const { references, hostPath } = collect([
    [entry("a"), ["#!/mise/installs/node/24.11.0/bin/node\n", `${OWN}/lib`]],
    [entry("b", { type: "symlink", linkTarget: "/mise/installs/python/3.13/bin/python" }), []],
    [entry("c"), ["\0binary\0/mise/inst", "alls/ruby/3.4.1/bin\0"]],
    [entry("d"), ["/mise/installs/ and /other/installs/go/1.25"]],
  ]);
  assertEquals(references, [
    "/mise/installs/node/24.11.0",
    "/mise/installs/python/3.13",
    "/mise/installs/ruby/3.4.1",
  ]);
  assertEquals(hostPath, undefined);
});

Deno.test("content cut in two files makes no reference", () => {
  const { references } = collect([
    [entry("a"), ["/mise/installs/no"]],
    [entry("b"), ["de/24.11.0"]],
  ]);
  assertEquals(references, []);
});

Deno.test("a layer that names another tool of this machine cannot be shared; its own directory is no reason", () => {
  const data = "/home/me/.local/share/mise/installs";
  assertEquals(collect([[entry("a"), [`${data}/npm-prettier/3.6.2/x`]]]).hostPath, undefined);
  assertEquals(
    collect([[entry("a"), [`#!${data}/python/3.13/bin/python`]]]).hostPath,
    `${data}/python/3.13`,
  );
});
