import { assertEquals } from "@std/assert";
import type { Cause } from "../cause.ts";
import type { ElfFixture } from "../../../tests/support/elf_fixture.ts";
import {
  causes,
  type CheckOptions,
  type FileFixture,
  GLIBC,
  LOADER,
} from "../../../tests/support/check_fixture.ts";

const LIB: ElfFixture = { soname: "liba.so.1", needed: ["libc.so.6"] };

function run(
  program: ElfFixture,
  files: Readonly<Record<string, FileFixture>> = {},
  options: CheckOptions = {},
): readonly Cause[] {
  const p = { interpreter: LOADER, needed: ["liba.so.1", "libc.so.6"], ...program };
  return causes({ ...GLIBC, "bin/p": p, ...files }, options);
}

const MISSING: readonly Cause[] = [{
  type: "missing-library",
  library: "liba.so.1",
  file: "/bin/p",
}];

Deno.test("glibc: a library in no directory of the loader is missing", () => {
  assertEquals(run({}), MISSING);
});

Deno.test("glibc: a library is found in each default directory, multiarch first", () => {
  for (const dir of ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib", "usr/lib"]) {
    assertEquals(run({}, { [`${dir}/liba.so.1`]: LIB }), [], dir);
  }
  assertEquals(run({}, { "lib/aarch64-linux-gnu/liba.so.1": LIB })[0]?.type, "missing-library");
});

Deno.test("glibc: a file of the name elsewhere is named, if it would fit", () => {
  assertEquals(run({}, { "usr/local/lib/liba.so.1": LIB }), [
    { ...MISSING[0], elsewhere: "/usr/local/lib/liba.so.1" } as Cause,
  ]);
  assertEquals(run({}, { "usr/local/lib/liba.so.1": { ...LIB, machine: 0xb7 } }), MISSING);
});

Deno.test("glibc: RUNPATH counts for the file that has it only", () => {
  const files = {
    "opt/liba.so.1": { soname: "liba.so.1", needed: ["libb.so.1"] },
    "opt/libb.so.1": { soname: "libb.so.1" },
  };
  assertEquals(run({ runpath: "/opt" }, files), [{
    type: "missing-library",
    library: "libb.so.1",
    file: "/opt/liba.so.1",
    elsewhere: "/opt/libb.so.1",
  }]);
});

Deno.test("glibc: RPATH counts for what is loaded by the file too", () => {
  const files = {
    "opt/liba.so.1": { soname: "liba.so.1", needed: ["libb.so.1"] },
    "opt/libb.so.1": { soname: "libb.so.1" },
  };
  assertEquals(run({ rpath: "/opt" }, files), []);
});

Deno.test("glibc: RPATH is nothing to a file with RUNPATH", () => {
  assertEquals(run({ rpath: "/opt", runpath: "/srv" }, { "opt/liba.so.1": LIB })[0], {
    ...MISSING[0],
    elsewhere: "/opt/liba.so.1",
  } as Cause);
});

Deno.test("glibc: $ORIGIN is where the program is with all links resolved", () => {
  const program = { interpreter: LOADER, needed: ["liba.so.1"], runpath: "$ORIGIN/../lib" };
  const files = {
    ...GLIBC,
    "bin/p": { link: "../opt/app/bin/p" },
    "opt/app/bin/p": program,
    "opt/app/lib/liba.so.1": LIB,
  };
  assertEquals(causes(files), []);
  const { "opt/app/lib/liba.so.1": _, ...without } = files;
  assertEquals(causes({ ...without, "lib/other/liba.so.1": LIB })[0]?.type, "missing-library");
});

Deno.test("glibc: $LIB and $PLATFORM stand for what the loader was built with", () => {
  const runpath = "/opt/${LIB}/$PLATFORM";
  assertEquals(run({ runpath }, { "opt/lib/x86_64-linux-gnu/x86_64/liba.so.1": LIB }), []);
  assertEquals(run({ runpath }, { "opt/lib64/x86_64/liba.so.1": LIB }), []);
});

Deno.test("glibc: LD_LIBRARY_PATH of the image counts, before RUNPATH", () => {
  const env = ["PATH=/bin", "LD_LIBRARY_PATH=/first:/second"];
  assertEquals(run({}, { "second/liba.so.1": LIB }, { env }), []);
  const broken = { "first/liba.so.1": { text: "no ELF", mode: 0o644 }, "opt/liba.so.1": LIB };
  assertEquals(run({ runpath: "/opt" }, broken, { env })[0], {
    type: "malformed",
    file: "/first/liba.so.1",
    reason: "it is not an ELF file",
  });
});

Deno.test("glibc: the loader's cache counts, ld.so.conf without it does not", () => {
  const there = { "usr/local/lib/liba.so.1": LIB };
  const conf = { "etc/ld.so.conf": { text: "/usr/local/lib\n", mode: 0o644 } };
  const cache = {
    "etc/ld.so.cache": { text: "liba.so.1\t/usr/local/lib/liba.so.1\n", mode: 0o644 },
  };
  assertEquals(run({}, { ...there, ...conf })[0]?.type, "missing-library");
  assertEquals(run({}, { ...there, ...cache }), []);
  assertEquals(run({}, cache), MISSING); // the library was removed after the cache was made
});

Deno.test("glibc: default directories are nothing to a file with DF_1_NODEFLIB", () => {
  const files = { "lib/liba.so.1": LIB };
  assertEquals(run({ flags1: 0x800 }, files).map(({ type }) => type), [
    "missing-library",
    "missing-library",
  ]);
});

Deno.test("glibc: a library for another machine or word size is passed over", () => {
  const arm = { "lib/x86_64-linux-gnu/liba.so.1": { ...LIB, machine: 0xb7 } };
  const small = { "lib/x86_64-linux-gnu/liba.so.1": { ...LIB, machine: 3, bits: 32 as const } };
  assertEquals(run({}, arm), MISSING);
  assertEquals(run({}, small), MISSING);
  assertEquals(run({}, { ...arm, "usr/lib/liba.so.1": LIB }), []);
});

Deno.test("glibc: a needed path with a slash is taken as it is", () => {
  const needed = ["$ORIGIN/../x/liba.so.1"];
  assertEquals(run({ needed }, { "x/liba.so.1": LIB }), []);
  assertEquals(run({ needed })[0]?.type, "missing-library");
});

Deno.test("glibc: what is loaded under the name already is not searched again", () => {
  const files = { "opt/libx.so": { soname: "liba.so.1" } };
  assertEquals(run({ needed: ["/opt/libx.so", "liba.so.1"] }, files), []);
});

Deno.test("glibc: a version that the library does not have is missing", () => {
  const versionNeeds = [{ library: "libc.so.6", versions: ["GLIBC_2.36", "GLIBC_2.38"] }];
  assertEquals(run({ needed: ["libc.so.6"], versionNeeds }), [{
    type: "missing-version",
    version: "GLIBC_2.38",
    library: "/lib/x86_64-linux-gnu/libc.so.6",
    file: "/bin/p",
  }]);
});

Deno.test("glibc: a library's own needs are checked, the loader's versions too", () => {
  const versionNeeds = [
    { library: "libc.so.6", versions: ["GLIBC_2.99"] },
    { library: "ld-linux-x86-64.so.2", versions: ["GLIBC_2.3", "GLIBC_2.4"] },
  ];
  const found = run({}, { "lib/liba.so.1": { ...LIB, versionNeeds } });
  assertEquals(
    found.map((cause) => cause.type === "missing-version" ? [cause.version, cause.file] : cause),
    [["GLIBC_2.99", "/lib/liba.so.1"], ["GLIBC_2.4", "/lib/liba.so.1"]],
  );
});

Deno.test("glibc: a library without versions gives any version", () => {
  const versionNeeds = [{ library: "liba.so.1", versions: ["A_1"] }];
  assertEquals(run({ versionNeeds }, { "lib/liba.so.1": LIB }), []);
});

Deno.test("glibc: libraries that need each other end", () => {
  const files = {
    "lib/liba.so.1": { soname: "liba.so.1", needed: ["libb.so.1"] },
    "lib/libb.so.1": { soname: "libb.so.1", needed: ["liba.so.1"] },
  };
  assertEquals(run({}, files), []);
});

Deno.test("glibc: a program that has too many places looked at ends early, and nothing is said of it", () => {
  const runpath = Array.from({ length: 5000 }, (_, i) => `/${i.toString(36)}`).join(":");
  const needed = Array.from({ length: 400 }, (_, i) => `l${i}.so`);
  assertEquals(run({ runpath, needed }), []);
});
