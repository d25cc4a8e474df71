import { assertEquals } from "@std/assert";
import type { Cause } from "../cause.ts";
import type { ElfFixture } from "../../../tests/support/elf_fixture.ts";
import {
  causes,
  type CheckOptions,
  type FileFixture,
  GLIBC,
  LOADER,
  MUSL,
} from "../../../tests/support/check_fixture.ts";

const LIBC: Readonly<Record<string, FileFixture>> = {
  "lib/ld-musl-x86_64.so.1": { soname: "libc.so" },
};

function run(
  program: ElfFixture,
  files: Readonly<Record<string, FileFixture>> = {},
  options: CheckOptions = {},
): readonly Cause[] {
  const p = { interpreter: MUSL, needed: ["liba.so.1", "libc.musl-x86_64.so.1"], ...program };
  return causes({ ...LIBC, "bin/p": p, ...files }, options);
}

const LIB: ElfFixture = { soname: "liba.so.1" };
const MISSING: readonly Cause[] = [{
  type: "missing-library",
  library: "liba.so.1",
  file: "/bin/p",
}];

Deno.test("musl: the parts of libc are the loader itself, under any version", () => {
  const needed = ["libc.musl-x86_64.so.1", "libc.so.6", "libpthread.so.0", "libm.so", "libdl.so.2"];
  assertEquals(run({ needed }), []);
});

Deno.test("musl: the built-in directories are /lib, /usr/local/lib and /usr/lib", () => {
  assertEquals(run({}), MISSING);
  for (const directory of ["lib", "usr/local/lib", "usr/lib"]) {
    assertEquals(run({}, { [`${directory}/liba.so.1`]: LIB }), [], directory);
  }
  assertEquals(run({}, { "lib/x86_64-linux-gnu/liba.so.1": LIB })[0]?.type, "missing-library");
});

Deno.test("musl: /etc/ld-musl-ARCH.path replaces the built-in directories", () => {
  const path = { "etc/ld-musl-x86_64.path": { text: "/opt\n/srv:/var\n", mode: 0o644 } };
  assertEquals(run({}, { ...path, "srv/liba.so.1": LIB }), []);
  assertEquals(run({}, { ...path, "var/liba.so.1": LIB }), []);
  assertEquals(run({}, { ...path, "lib/liba.so.1": LIB })[0]?.type, "missing-library");
});

Deno.test("musl: RPATH and RUNPATH count alike, also for what is loaded by the file", () => {
  const files = {
    "opt/liba.so.1": { soname: "liba.so.1", needed: ["libb.so.1"] },
    "opt/libb.so.1": { soname: "libb.so.1" },
  };
  assertEquals(run({ runpath: "$ORIGIN/../opt" }, files), []);
  assertEquals(run({ rpath: "/opt" }, files), []);
});

Deno.test("musl: LD_LIBRARY_PATH counts first; the first file of the name is taken, whatever it is", () => {
  const env = ["PATH=/bin", "LD_LIBRARY_PATH=/opt"];
  assertEquals(run({}, { "opt/liba.so.1": LIB }, { env }), []);
  const arm = { "opt/liba.so.1": { ...LIB, machine: 0xb7 }, "lib/liba.so.1": LIB };
  assertEquals(run({}, arm, { env }), [{
    type: "wrong-architecture",
    file: "/opt/liba.so.1",
    found: "arm64",
    expected: "amd64",
  }]);
});

Deno.test("musl: symbol versions are not looked at", () => {
  const versionNeeds = [{ library: "libc.so.6", versions: ["GLIBC_2.99"] }];
  assertEquals(run({ needed: ["libc.so.6"], versionNeeds }), []);
});

Deno.test("musl: programs of both C libraries go by their own loader's rules in one image", () => {
  const files = {
    ...GLIBC,
    "bin/q": { interpreter: LOADER, needed: ["liba.so.1", "libc.so.6"] },
    "usr/local/lib/liba.so.1": LIB,
  };
  assertEquals(run({}, files), [{
    type: "missing-library",
    library: "liba.so.1",
    file: "/bin/q",
    elsewhere: "/usr/local/lib/liba.so.1",
  }]);
});

Deno.test("musl: the loader may have the name libc.so and be reached by a link, as Debian has it", () => {
  const files = {
    "lib/ld-musl-x86_64.so.1": { link: "../usr/lib/x86_64-linux-musl/libc.so" },
    "usr/lib/x86_64-linux-musl/libc.so": { soname: "libc.so" },
  };
  assertEquals(run({ needed: ["libc.so"] }, files), []);
});
