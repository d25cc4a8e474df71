import { assertEquals } from "@std/assert";
import type { Cause } from "../cause.ts";
import { describeProblem, listNames } from "./describe.ts";
import { findingsOf } from "./findings.ts";
import { check, type FileFixture, GLIBC, LOADER } from "../../../tests/support/check_fixture.ts";

const ATOMIC: Cause = { type: "missing-library", library: "libatomic.so.1", file: "/node" };

/** The messages and first remedies for an image with these files on Debian. */
function told(files: Readonly<Record<string, FileFixture>>): readonly (string | undefined)[][] {
  const release = { "etc/os-release": "ID=debian\n", "usr/bin/apt-get": { type: 2 } };
  return findingsOf(check([{ ...release, ...files }])).map(({ message, remedies }) => [
    message,
    remedies[0]?.text,
  ]);
}

Deno.test("findingsOf() tells once of all libraries that the same commands lack", () => {
  const needed = ["libnss3.so", "libX11.so.6", "libmine.so.1"];
  assertEquals(
    told({
      ...GLIBC,
      "bin/chrome": { interpreter: LOADER, needed },
      "bin/shell": { interpreter: LOADER, needed: ["libz.so.1"] },
    }),
    [
      [
        "chrome does not start in the image: the libraries libnss3.so, libX11.so.6 and " +
        "libmine.so.1 are missing, which /bin/chrome needs",
        'Add "apt:libnss3" and "apt:libx11-6" to [bootstrap.packages]',
      ],
      [
        "shell does not start in the image: the library libz.so.1 is missing, which /bin/shell needs",
        'Add "apt:zlib1g" to [bootstrap.packages]',
      ],
    ],
  );
});

Deno.test("findingsOf() tells once of all symbol versions that a library lacks", () => {
  const versionNeeds = [{ library: "libc.so.6", versions: ["GLIBC_2.38", "GLIBC_2.39"] }];
  const program: FileFixture = { interpreter: LOADER, needed: ["libc.so.6"], versionNeeds };
  assertEquals(told({ ...GLIBC, "bin/a": program, "bin/b": program }), [[
    "a and b do not start in the image: /bin/a needs GLIBC_2.38 and GLIBC_2.39, which " +
    "/lib/x86_64-linux-gnu/libc.so.6 does not have",
    "Use a newer base: ubuntu:24.04 or debian:trixie-slim",
  ]]);
});

Deno.test("findingsOf() tells once of a directory of programs for another machine", () => {
  const foreign: FileFixture = { machine: 0xb7 };
  const windows = "MZ" + " ".repeat(100);
  const files = { "bin/a": foreign, "bin/b": foreign, "bin/c": foreign, "bin/w": windows };
  assertEquals(told(files).map(([message]) => message), [
    "a, b and c do not start in the image: /bin/a is for arm64, not for amd64 (and 2 other files " +
    "there)",
    "w does not start in the image: /bin/w is for Windows, not for Linux",
  ]);
  const links = { "bin/x": { link: "/opt/x" }, "bin/y": { link: "/opt/y" } };
  assertEquals(told(links), [[
    'x and y do not start in the image: /bin/x is a link to "/opt/x", which is not in the image ' +
    "(and 1 other file there)",
    'Copy "/opt/x" with [[oci.copy]]',
  ]]);
});

Deno.test("findingsOf() tells once of the scripts of an interpreter", () => {
  const script = "#!/usr/bin/python3\n";
  assertEquals(told({ "bin/a": script, "bin/b": script })[0], [
    'a and b do not start in the image: "/usr/bin/python3" is missing, which their first lines name',
    'Add "apt:python3" to [bootstrap.packages]',
  ]);
});

Deno.test("describeProblem() says who fails, why, and who depends on them", () => {
  const problem = { causes: [ATOMIC], commands: ["node"] } as const;
  assertEquals(
    describeProblem({ ...problem, dependents: ["eslint", "prettier", "tsc"] }),
    "node does not start in the image: the library libatomic.so.1 is missing, which /node needs, " +
      "nor do eslint, prettier and tsc, which need it",
  );
  assertEquals(
    describeProblem({ ...problem, commands: ["node", "npm"], dependents: [] }),
    "node and npm do not start in the image: the library libatomic.so.1 is missing, which /node needs",
  );
});

Deno.test("listNames() shortens long lists", () => {
  assertEquals(listNames(["a"]), "a");
  assertEquals(listNames([..."abcdef"]), "a, b, c, d, e and f");
  assertEquals(listNames([..."abcdefg"]), "a, b, c, d, e and 2 more");
});
