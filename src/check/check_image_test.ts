import { assertEquals } from "@std/assert";
import type { Cause } from "./cause.ts";
import type { ElfFixture } from "../../tests/support/elf_fixture.ts";
import { causes, check, GLIBC, LOADER } from "../../tests/support/check_fixture.ts";
import { parseScriptLine } from "./facts/env_line.ts";

const STATIC: ElfFixture = { type: 2 };
const DYNAMIC: ElfFixture = { interpreter: LOADER, needed: ["libc.so.6"] };
const ENV = { "usr/bin/env": STATIC };

Deno.test("checkImage() has nothing to say about programs that start", () => {
  const report = check([{
    ...GLIBC,
    ...ENV,
    "bin/static": STATIC,
    "bin/static-pie": { type: 3 },
    "bin/dynamic": DYNAMIC,
    "bin/i386": { ...STATIC, machine: 3, bits: 32 },
    "bin/script": "#!/bin/static -x\n",
    "bin/by-env": "#!/usr/bin/env dynamic\n",
    "bin/text": "echo for a shell\n",
    "bin/README": { text: "nothing to run", mode: 0o644 },
    "bin/link": { link: "/bin/dynamic" },
    "bin/directory/file": "",
  }]);
  assertEquals(report.problems, []);
  assertEquals(report.commands, 8);
});

Deno.test("checkImage() names the loader that is missing, in an empty image", () => {
  assertEquals(causes({ "bin/p": DYNAMIC }), [
    { type: "missing-loader", loader: LOADER, file: "/bin/p" },
  ]);
});

Deno.test("checkImage() finds programs for other machines and systems", () => {
  assertEquals(causes({ "bin/p": { ...STATIC, machine: 0xb7 } }), [
    { type: "wrong-architecture", file: "/bin/p", found: "arm64", expected: "amd64" },
  ]);
  assertEquals(causes({ "bin/p": { ...STATIC, osAbi: 9 } })[0]?.type, "wrong-system");
  assertEquals(causes({ "bin/p.exe": "MZ" + " ".repeat(100) })[0], {
    type: "wrong-system",
    file: "/bin/p.exe",
    found: "Windows",
  });
  assertEquals(causes({ "bin/p": { ...STATIC, machine: 0x28 } }, { architecture: "arm64" }), []);
});

Deno.test("checkImage() holds the loader against the program's machine", () => {
  const files = { "lib64/ld-linux-x86-64.so.2": { machine: 0xb7 }, "bin/p": DYNAMIC };
  assertEquals(causes(files)[0]?.type, "wrong-architecture");
});

Deno.test("checkImage() finds malformed ELF files and object files", () => {
  assertEquals(causes({ "bin/p": "\x7fELF and nothing else" })[0]?.type, "malformed");
  assertEquals(causes({ "bin/p": { type: 1 } })[0]?.type, "malformed");
});

Deno.test("checkImage() finds interpreters of scripts that are missing or do not run", () => {
  assertEquals(causes({ "bin/s": "#!/usr/bin/python3\n" }), [
    { type: "missing-interpreter", interpreter: "/usr/bin/python3", file: "/bin/s" },
  ]);
  assertEquals(causes({ "bin/s": "#!/bin/sh\r\n", "bin/sh": STATIC }), [
    { type: "missing-interpreter", interpreter: "/bin/sh\r", file: "/bin/s" },
  ]);
  assertEquals(causes({ "bin/s": "#!/opt/x\n", "opt/x": { text: "", mode: 0o644 } }), [
    { type: "not-executable", file: "/opt/x" },
  ]);
});

Deno.test("checkImage() finds what env does not find", () => {
  const node: Cause = { type: "missing-command", command: "node", file: "/bin/s" };
  assertEquals(causes({ ...ENV, "bin/s": "#!/usr/bin/env node\n" }), [node]);
  assertEquals(causes({ ...ENV, "bin/s": "#!/usr/bin/env -S A=1 node --x\n" }), [node]);
  assertEquals(causes({ ...ENV, "bin/s": "#!/usr/bin/env node --x\n", "bin/node": STATIC }), [
    { ...node, command: "node --x" },
  ]);
  assertEquals(causes({ "bin/s": "#!/usr/bin/env node\n", "bin/node": STATIC }), [
    { type: "missing-interpreter", interpreter: "/usr/bin/env", file: "/bin/s" },
  ]);
  const elsewhere = { ...ENV, "bin/s": "#!/usr/bin/env -S PATH=/opt:/srv node\n" };
  assertEquals(causes({ ...elsewhere, "srv/node": STATIC }), []);
  assertEquals(causes({ ...elsewhere, "bin/node": STATIC }), [node]);
});

Deno.test("checkImage() puts together who fails and who needs them", () => {
  const { problems } = check([{
    ...GLIBC,
    ...ENV,
    "bin/node": { ...DYNAMIC, needed: ["libatomic.so.1", "libc.so.6"] },
    "bin/prettier": { link: "../opt/prettier.js" },
    "opt/prettier.js": "#!/usr/bin/env node\n",
    "bin/eslint": "#!/bin/node\n",
  }]);
  assertEquals(problems, [{
    cause: { type: "missing-library", library: "libatomic.so.1", file: "/bin/node" },
    commands: ["node"],
    dependents: ["eslint", "prettier"],
    ofBase: false,
  }]);
});

Deno.test("checkImage() ends with scripts that run each other", () => {
  const found = causes({ "bin/a": "#!/bin/b\n", "bin/b": "#!/bin/a\n" });
  assertEquals(found.map(({ type }) => type), ["endless-scripts"]);
});

Deno.test("checkImage() finds links that lead nowhere and programs that may not be executed", () => {
  assertEquals(causes({ "bin/a": { link: "/opt/a" } }), [
    { type: "dangling-link", file: "/bin/a", target: "/opt/a" },
  ]);
  assertEquals(causes({ "bin/a": { text: "#!/bin/sh\n", mode: 0o644 }, "bin/sh": STATIC }), [
    { type: "not-executable", file: "/bin/a" },
  ]);
});

Deno.test("checkImage() does not take libraries, and Windows programs without execute bits, for commands", () => {
  const mode = 0o644;
  const files = {
    "bin/liba.so.1": { soname: "liba.so.1", mode },
    "bin/b.exe": { text: "MZ" + " ".repeat(100), mode },
    "bin/damaged": { text: "\x7fELF and nothing else", mode },
  };
  assertEquals(causes(files), []);
  const foreign = { "bin/c.dll": "MZ" + " ".repeat(100), "bin/libc.so.6": { machine: 0xb7 } };
  assertEquals(causes(foreign), []);
  assertEquals(causes({ "bin/a": { ...STATIC, mode } }).map(({ type }) => type), [
    "not-executable",
  ]);
});

Deno.test("checkImage() passes over what the shell passes over on its way along PATH", () => {
  const env = ["PATH=/one:/two"];
  const files = { "one/a": { text: "#!/x\n", mode: 0o644 }, "two/a": STATIC };
  assertEquals(causes(files, { env }), []);
  assertEquals(causes({ "one/a": { link: "nowhere" }, "two/a": STATIC }, { env }), []);
  assertEquals(causes({ "one/a": STATIC, "two/a": "#!/x\n" }, { env }), []);
});

Deno.test("checkImage() applies layers: whiteouts, replaced files, links in parents", () => {
  const removed = { "lib/x86_64-linux-gnu/.wh.libc.so.6": { text: "", mode: 0o644 } };
  const layers = [{ ...GLIBC, "bin/p": DYNAMIC }, removed];
  assertEquals(check(layers).problems[0]?.cause.type, "missing-library");
  assertEquals(check([...layers, { "lib/libc.so.6": { soname: "libc.so.6" } }]).problems, []);
  const merged = { bin: { link: "usr/bin" }, "usr/bin/p": "#!/usr/bin/sh\n", "usr/bin/sh": STATIC };
  assertEquals(causes(merged), []);
});

Deno.test("checkImage() says which of two tools wins, and nothing about base and tool", () => {
  const labels = [{}, { kind: "tool", name: "node" }, { kind: "tool", name: "bun" }];
  const { duplicates } = check([
    { "base/x": STATIC },
    { "one/x": STATIC, "one/y": STATIC },
    { "two/x": STATIC },
  ], { labels, env: ["PATH=/two:/one:/base"] });
  assertEquals(duplicates, [{
    command: "x",
    winner: { path: "/two/x", tool: "bun" },
    shadowed: [{ path: "/one/x", tool: "node" }],
  }]);
});

Deno.test("checkImage() tells the base's own problems from the project's", () => {
  const labels = [{}, { kind: "tool", name: "t" }];
  const layers = [{ "bin/b": "#!/nowhere\n" }, { "bin/t": "#!/none\n" }];
  const { problems } = check(layers, { labels });
  assertEquals(problems.map(({ commands, ofBase }) => [commands, ofBase]), [[["t"], false], [
    ["b"],
    true,
  ]]);
  assertEquals(check(layers).problems.map(({ ofBase }) => ofBase), [false, false]);
});

Deno.test("checkImage() checks what the image starts", () => {
  assertEquals(causes({}, { cmd: ["bash"] }), [
    { type: "missing-entrypoint", command: "bash", field: "Cmd" },
  ]);
  assertEquals(causes({}, { cmd: ["-x"], entrypoint: ["/opt/app"] }), [
    { type: "missing-entrypoint", command: "/opt/app", field: "Entrypoint" },
  ]);
  assertEquals(
    causes({ "opt/app": DYNAMIC }, { entrypoint: ["/opt/app"] })[0]?.type,
    "missing-loader",
  );
  assertEquals(causes({ "opt/app": STATIC }, { entrypoint: ["/opt/app"] }), []);
  assertEquals(check([{ "bin/a": STATIC }], { cmd: ["bash"] }).commands, 2);
});

Deno.test("parseScriptLine() splits as the kernel does", () => {
  assertEquals(parseScriptLine(" /bin/sh  -e x \t"), { interpreter: "/bin/sh", argument: "-e x" });
  assertEquals(parseScriptLine("/bin/sh"), { interpreter: "/bin/sh" });
  assertEquals(parseScriptLine(""), { interpreter: "" });
});
