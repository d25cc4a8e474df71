/**
 * Programs that the tests compile or change, and scripts: one for each thing that can be missing.
 * @module
 */
import { Buffer } from "node:buffer";
import { join } from "@std/path";
import { run } from "../testbed/command.ts";

const HELLO = '#include <stdio.h>\nint main(void) { puts("ok"); return 0; }\n';
const HELLO_CXX =
  '#include <iostream>\n#include <string>\nint main() { std::cout << std::string("ok") << std::endl; }\n';
const ATOMIC = `#include <stdio.h>
struct s { long a, b, c; };
int main(void) { struct s x = {1, 2, 3}, y; __atomic_load(&x, &y, 5); printf("%ld\\n", y.c); return 0; }
`;
const CALL = "int mine(void);\nint main(void) { return mine() - 7; }\n";
const MINE = "int mine(void) { return 7; }\n";

/** What is run for each program: arguments of the compiler, in the directory of the sources. */
const COMPILED: readonly (readonly [string, string])[] = [
  ["c-hello", "gcc hello.c"],
  ["c-static", "gcc -static hello.c"],
  ["c-static-pie", "gcc -static-pie hello.c"],
  ["c-no-pie", "gcc -no-pie hello.c"],
  ["cxx-hello", "g++ hello.cc"],
  ["cxx-static-runtime", "g++ -static-libstdc++ -static-libgcc hello.cc"],
  ["c-atomic", "gcc atomic.c -Wl,--no-as-needed -latomic"],
  ["c-other-loader", "gcc hello.c -Wl,--dynamic-linker=/opt/none/ld.so"],
  ["c-missing-lib", "gcc call.c absent/libabsent.so.1"],
  ["c-runpath", "gcc call.c ../lib/libmine.so.1 -Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib"],
  ["c-rpath", "gcc call.c ../lib/libmine.so.1 -Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib"],
  ["c-rpath-of-other", "gcc call.c ../lib/libmine.so.1 -Wl,-rpath,/opt/none"],
  ["c-new-version", "gcc call.c new/libversioned.so.1 -Wl,-rpath,$ORIGIN/../lib"],
  ["c-new-glibc", "gcc call.c future/libm.so.6"],
  ["c-text-for-lib", "gcc call.c text/libtext.so.1 -Wl,-rpath,$ORIGIN/../lib"],
];

const SCRIPTS: Readonly<Record<string, string>> = {
  "s-sh": "#!/bin/sh\necho ok\n",
  "s-bash": "#!/bin/bash\necho ok\n",
  "s-dash-spaces": "#! /bin/dash -e\necho ok\n",
  "s-perl": '#!/usr/bin/perl\nprint "ok\\n";\n',
  "s-python": '#!/usr/bin/python3\nprint("ok")\n',
  "s-env-sh": "#!/usr/bin/env sh\necho ok\n",
  "s-env-bash": "#!/usr/bin/env bash\necho ok\n",
  "s-env-perl": '#!/usr/bin/env perl\nprint "ok\\n";\n',
  "s-env-python": '#!/usr/bin/env python3\nprint("ok")\n',
  "s-env-node": "#!/usr/bin/env node\nconsole.log(1);\n",
  "s-env-node26": "#!/usr/bin/env node26\nconsole.log(1);\n",
  "s-env-two-words": "#!/usr/bin/env node --no-warnings\nconsole.log(1);\n",
  "s-env-path": "#!/usr/bin/env -S PATH=/opt/none perl\nprint 1;\n",
  "s-nested": "#!/corpus/bin/s-sh\n",
  "s-carriage-return": "#!/bin/sh\r\necho ok\r\n",
  "s-missing": "#!/opt/none/interpreter\n",
};

async function library(
  directory: string,
  options: { readonly soname: string; readonly script?: string; readonly path: string },
): Promise<void> {
  const { soname, script, path } = options;
  const versions = script === undefined ? [] : ["-Wl,--version-script", join(directory, script)];
  const soFlag = `-Wl,-soname,${soname}`;
  await run([
    "gcc",
    "-shared",
    "-fPIC",
    soFlag,
    ...versions,
    join(directory, "mine.c"),
    "-o",
    path,
  ]);
}

/** Compiles the C programs for this machine into `corpus/bin`; libraries go to `corpus/lib`. */
export async function compilePrograms(corpus: string): Promise<void> {
  const source = join(corpus, "src");
  const lib = join(corpus, "lib");
  const bin = join(corpus, "bin");
  await Deno.mkdir(lib);
  for (const name of ["absent", "new", "future", "text"]) {
    await Deno.mkdir(join(source, name), { recursive: true });
  }
  const texts = {
    "hello.c": HELLO,
    "hello.cc": HELLO_CXX,
    "atomic.c": ATOMIC,
    "call.c": CALL,
    "mine.c": MINE,
    "old.map": "V_1 { global: other; };\n",
    "new.map": "V_1 { };\nV_2 { global: mine; } V_1;\n",
    "future.map": "GLIBC_2.99 { global: mine; };\n",
  };
  for (const [name, text] of Object.entries(texts)) {
    await Deno.writeTextFile(join(source, name), text);
  }
  const make = (soname: string, path: string, script?: string): Promise<void> =>
    library(source, { soname, path, ...(script === undefined ? {} : { script }) });
  await make("libmine.so.1", join(lib, "libmine.so.1"));
  await make("libabsent.so.1", join(source, "absent/libabsent.so.1"));
  await make("libversioned.so.1", join(source, "new/libversioned.so.1"), "new.map");
  await make("libversioned.so.1", join(lib, "libversioned.so.1"), "old.map");
  await make("libm.so.6", join(source, "future/libm.so.6"), "future.map");
  await make("libtext.so.1", join(source, "text/libtext.so.1"));
  await Deno.writeTextFile(join(lib, "libtext.so.1"), "INPUT(libtext.so.2)\n".repeat(20));
  for (const [name, line] of COMPILED) {
    const [compiler = "gcc", ...args] = line.split(" ");
    await run([compiler, ...args, "-o", join(bin, name)], { cwd: source });
  }
  await run(["gcc", "-c", "hello.c", "-o", join(bin, "c-object")], { cwd: source });
  await Deno.chmod(join(bin, "c-object"), 0o755);
  await truncate(join(bin, "c-hello"), join(bin, "c-truncated"));
  await Deno.symlink("c-hello", join(bin, "l-hello"));
  await Deno.remove(source, { recursive: true });
}

async function truncate(program: string, to: string): Promise<void> {
  const whole = await Deno.readFile(program);
  await Deno.writeFile(to, whole.subarray(0, 100), { mode: 0o755 });
}

/** What replaces what of equal length in a program, where there is no compiler for its architecture. */
const PATCHES: readonly (readonly [name: string, program: string, from: string, to: string])[] = [
  ["p-missing-lib", "d-grep", "libpcre2-8.so.0", "libpcre9-8.so.0"],
  ["p-other-loader", "d-date", "/ld-linux-", "/no-linux-"],
  ["p-new-glibc", "d-date", "GLIBC_2.34", "GLIBC_2.94"],
];

/** Makes programs that lack something of those of Debian in `corpus/bin`. */
export async function patchPrograms(corpus: string): Promise<void> {
  const bin = join(corpus, "bin");
  for (const [name, program, from, to] of PATCHES) {
    const text = Buffer.from(await Deno.readFile(join(bin, program))).toString("latin1");
    if (!text.includes(from)) throw new Error(`"${program}" does not have "${from}"`);
    const bytes = new Uint8Array(Buffer.from(text.replaceAll(from, to), "latin1"));
    await Deno.writeFile(join(bin, name), bytes, { mode: 0o755 });
  }
  await truncate(join(bin, "d-date"), join(bin, "p-truncated"));
}

/** Writes the scripts, links and files without the right mode into `corpus/bin`. */
export async function writeScripts(corpus: string): Promise<void> {
  const bin = join(corpus, "bin");
  for (const [name, text] of Object.entries(SCRIPTS)) {
    await Deno.writeTextFile(join(bin, name), text, { mode: 0o755 });
  }
  await Deno.symlink("/opt/none/program", join(bin, "l-dangling"));
  await Deno.symlink("s-sh", join(bin, "l-script"));
  await Deno.writeTextFile(join(bin, "m-not-executable"), "#!/bin/sh\n", { mode: 0o644 });
}
