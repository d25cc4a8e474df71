import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type FixtureEntry, streamOf, tar } from "../../../tests/support/tar_fixture.ts";
import { NO_BASE, toolPlan, withTree } from "../../../tests/support/layer.ts";
import { MiseOciError } from "../../errors.ts";
import { scanLayer } from "../../layer/mod.ts";
import { TarParser } from "../../tar/parser.ts";
import { MediaType, parseDiffId } from "../../oci/mod.ts";
import { buildElf } from "../../../tests/support/elf_fixture.ts";
import { encodeFacts, type LayerFacts, maybeParseFacts } from "./layer_facts.ts";
import { parseLoaderCache } from "./loader_cache.ts";
import { ContentCollector } from "./collected_content.ts";
import { FactsCollector, readBlobFacts } from "./read_blob_facts.ts";
import { readTreeFacts } from "./read_tree_facts.ts";

const ELF = buildElf({ soname: "liba.so.1", needed: ["libc.so.6"] });

function facts(...entries: readonly FixtureEntry[]): Promise<LayerFacts> {
  const archive = tar(...entries);
  const diffId = parseDiffId(`sha256:${createHash("sha256").update(archive).digest("hex")}`);
  const blob = streamOf(new Uint8Array(gzipSync(archive)));
  return readBlobFacts(blob, MediaType.layerGzip, { diffId });
}

/** What was found at each path. */
function summary({ programs }: LayerFacts): Readonly<Record<string, string>> {
  return Object.fromEntries([...programs].map(([{ path }, program]) => [path, program.kind]));
}

Deno.test("readBlobFacts() looks into what can be executed, libraries, and what is where commands are", async () => {
  const found = await facts(
    { name: "opt/p", content: ELF, mode: 0o755 },
    { name: "lib/liba.so.1", content: ELF },
    { name: "lib/liba.so.1.2.3", content: ELF },
    { name: "lib/data", content: ELF },
    { name: "bin/s", content: "#!/bin/sh\n" },
    { name: "bin/text", content: "hello", mode: 0o755 },
    { name: "opt/empty", content: "", mode: 0o755 },
    { name: "opt/broken", content: ELF.subarray(0, 70), mode: 0o755 },
    { name: "opt/link", link: "p" },
  );
  assertEquals(summary(found), {
    "opt/p": "elf",
    "lib/liba.so.1": "elf",
    "lib/liba.so.1.2.3": "elf",
    "bin/s": "script",
    "bin/text": "text",
    "opt/empty": "empty",
    "opt/broken": "malformed",
  });
  assertEquals(found.entries.length, 9);
  assertEquals(found.entries.at(-1)?.link, "p");
});

Deno.test("readBlobFacts() reads ELF files of any size, and leaves no file behind", async () => {
  const temporary = (): number =>
    [...Deno.readDirSync(Deno.env.get("TMPDIR") ?? "/tmp")].filter(({ name }) =>
      name.startsWith("mise-oci-check-")
    ).length;
  const before = temporary();
  const big = new Uint8Array(9 * 1024 * 1024);
  big.set(ELF);
  const found = await facts(
    { name: "bin/middle", content: big.slice(0, 200_000), mode: 0o755 },
    { name: "bin/big", content: big, mode: 0o755 },
    { name: "bin/small", content: ELF, mode: 0o755 },
    { name: "bin/big2", content: big, mode: 0o755 },
  );
  for (const program of found.programs.values()) {
    assertEquals(program.kind === "elf" && program.elf.needed, ["libc.so.6"]);
  }
  assertEquals(found.programs.size, 4);
  assertEquals(temporary(), before);
});

Deno.test("FactsCollector has nothing of a large program where no temporary file can be written", () => {
  const big = new Uint8Array(9 * 1024 * 1024);
  big.set(ELF);
  const collector = new FactsCollector();
  using contents = new ContentCollector([collector], () => {
    throw new Deno.errors.PermissionDenied();
  });
  const parser = new TarParser(contents);
  const mode = 0o755;
  parser.push(tar({ name: "bin/big", content: big, mode }, { name: "bin/p", content: ELF, mode }));
  parser.finish();
  assertEquals(summary(collector), { "bin/p": "elf" });
  assertEquals(collector.entries.length, 2);
});

Deno.test("readBlobFacts() keeps the texts that loaders and remedies need", async () => {
  const found = await facts(
    { name: "etc/os-release", content: "ID=debian\n" },
    { name: "etc/ld-musl-x86_64.path", content: "/lib\n" },
    { name: "etc/passwd", content: "root" },
    { name: "etc/ld.so.cache", content: "no cache" },
  );
  assertEquals([...found.texts], [
    ["etc/os-release", "ID=debian\n"],
    ["etc/ld-musl-x86_64.path", "/lib\n"],
    ["etc/ld.so.cache", ""],
  ]);
});

Deno.test("readBlobFacts() refuses a layer whose diff ID is another", async () => {
  const diffId = parseDiffId(`sha256:${"0".repeat(64)}`);
  const error = await assertRejects(
    () => readBlobFacts(streamOf(tar()), MediaType.layer, { diffId }),
    MiseOciError,
  );
  assertEquals(error.code, "integrity");
});

Deno.test("facts survive their JSON, and damaged ones are none", async () => {
  const made = await facts(
    { name: "bin/p", content: ELF, mode: 0o4755 },
    { name: "bin/q", type: "1", link: "bin/p" },
    { name: "etc/os-release", content: "ID=x" },
  );
  const text = encodeFacts(made);
  const parsed = maybeParseFacts(text);
  assertEquals(parsed?.entries, made.entries);
  assertEquals(parsed === undefined ? undefined : summary(parsed), { "bin/p": "elf" });
  assertEquals(parsed?.texts, made.texts);
  for (
    const damaged of [
      undefined,
      7,
      "",
      "{}",
      text.slice(1),
      text.replace('"format":4', '"format":0'),
    ]
  ) {
    assertEquals(maybeParseFacts(damaged), undefined);
  }
});

Deno.test("readTreeFacts() says what the layer's blob will say, #! lines relocated", async () => {
  await withTree(async (directory) => {
    Deno.mkdirSync(`${directory}/bin`);
    Deno.writeFileSync(`${directory}/bin/p`, ELF, { mode: 0o755 });
    Deno.writeTextFileSync(`${directory}/bin/s`, `#!${directory}/bin/p -x\n`, { mode: 0o755 });
    Deno.symlinkSync("p", `${directory}/bin/l`);
    Deno.writeTextFileSync(`${directory}/README`, "#!/not/looked/at\n");
    const tree = await scanLayer(toolPlan(directory), { baseDirectories: NO_BASE });
    const found = readTreeFacts(tree);
    const [script] = [...found.programs.values()].filter(({ kind }) => kind === "script");
    const root = tree.relocations.own[0];
    assertEquals(script, { kind: "script", line: `${root}/bin/p -x` });
    assertEquals(Object.values(summary(found)).sort(), ["elf", "script"]);
    assertEquals(found.entries.filter(({ type }) => type === "symlink")[0]?.link, "p");
  });
});

Deno.test("T8: readTreeFacts() gives the loader and the search path that a program has in the layer", async () => {
  await withTree(async (directory) => {
    Deno.mkdirSync(`${directory}/bin`);
    const interpreter = `${directory}/a/rather/long/way/to/the/lib/of/the/loader/ld.so`;
    const elf = buildElf({ interpreter, needed: ["l.so"], runpath: `/usr/lib:${directory}/lib` });
    Deno.writeFileSync(`${directory}/bin/p`, elf, { mode: 0o755 });
    const tree = await scanLayer(toolPlan(directory), { baseDirectories: NO_BASE });
    const [program] = readTreeFacts(tree).programs.values();
    assert(program?.kind === "elf");
    const root = tree.relocations.own[0];
    assertEquals(program.elf.interpreter, interpreter.replace(directory, root ?? ""));
    assertEquals(program.elf.runpath, "/usr/lib:$ORIGIN/../lib");
  });
});

/** A cache in the format of ldconfig, of glibc 2.2 and later. */
function loaderCache(entries: readonly (readonly [string, string, bigint])[]): Uint8Array {
  const strings = new TextEncoder().encode(
    entries.map(([name, path]) => `${name}\0${path}\0`).join(""),
  );
  const bytes = new Uint8Array(48 + entries.length * 24 + strings.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("glibc-ld.so.cache1.1"));
  view.setUint32(20, entries.length, true);
  view.setUint32(24, strings.length, true);
  let at = 48 + entries.length * 24;
  bytes.set(strings, at);
  entries.forEach(([name, path, hwcap], i) => {
    const entry = 48 + i * 24;
    view.setUint32(entry + 4, at, true);
    view.setUint32(entry + 8, at + name.length + 1, true);
    view.setBigUint64(entry + 16, hwcap, true);
    at += name.length + path.length + 2;
  });
  return bytes;
}

Deno.test("parseLoaderCache() lists names and paths, without those for special CPUs", () => {
  const bytes = loaderCache([["liba.so.1", "/opt/liba.so.1", 0n], ["libb.so", "/x/libb.so", 4n]]);
  assertEquals(parseLoaderCache(bytes), "liba.so.1\t/opt/liba.so.1");
  const old = new Uint8Array(16 + 12 * 2 + bytes.length);
  old.set(new TextEncoder().encode("ld.so-1.7.0"));
  new DataView(old.buffer).setUint32(12, 2, true);
  old.set(bytes, 40);
  assertEquals(parseLoaderCache(old), "liba.so.1\t/opt/liba.so.1");
});

Deno.test("parseLoaderCache() ends with what there is, whatever the bytes are", () => {
  const sound = loaderCache([["liba.so.1", "/opt/liba.so.1", 0n]]);
  for (let length = 0; length < sound.length; length++) {
    assertEquals(parseLoaderCache(sound.subarray(0, length)), "", `cut to ${length}`);
  }
  const endless = sound.slice();
  new DataView(endless.buffer).setUint32(20, 0xffffffff, true);
  parseLoaderCache(endless);
});

Deno.test("parseLoaderCache() reads this machine's cache", { ignore: !hasCache() }, () => {
  const lines = parseLoaderCache(Deno.readFileSync("/etc/ld.so.cache")).split("\n");
  assertEquals(lines.some((line) => line.startsWith("libc.so.6\t/")), true);
});

function hasCache(): boolean {
  try {
    return Deno.statSync("/etc/ld.so.cache").isFile;
  } catch {
    return false;
  }
}
