import { assertEquals } from "@std/assert";
import type { Cause } from "../cause.ts";
import { remediesFor, type RemedyContext } from "./remedies.ts";

const DEBIAN: RemedyContext = { packageManager: "apt", musl: false, glibc: true };
const UBUNTU: RemedyContext = { packageManager: "apt", musl: false, glibc: true };
const ALPINE: RemedyContext = { packageManager: "apk", musl: true, glibc: false };
const NOTHING: RemedyContext = { musl: false, glibc: false };

function first(cause: Cause, context: RemedyContext): string | undefined {
  return remediesFor([cause], context)[0]?.text;
}

const ATOMIC: Cause = { type: "missing-library", library: "libatomic.so.1", file: "/node" };

Deno.test("remediesFor() names the package of the image's own distribution", () => {
  assertEquals(remediesFor([ATOMIC], DEBIAN), [{
    text: 'Add "apt:libatomic1" to [bootstrap.packages]',
    packages: [{ manager: "apt", name: "libatomic1" }],
  }]);
  assertEquals(first(ATOMIC, UBUNTU), 'Add "apt:libatomic1" to [bootstrap.packages]');
  assertEquals(first(ATOMIC, ALPINE), 'Add "apk:libatomic" to [bootstrap.packages]');
  assertEquals(first(ATOMIC, NOTHING), "Use a base that has libatomic.so.1");
  assertEquals(
    first({ ...ATOMIC, library: "libstdc++.so.6" }, NOTHING),
    "Use a base that has it, such as debian:bookworm-slim",
  );
  const unknown = { ...ATOMIC, library: "libmine.so.1" };
  assertEquals(
    first(unknown, DEBIAN),
    "Add the package that has libmine.so.1 to [bootstrap.packages]",
  );
});

Deno.test("remediesFor() names all packages of several libraries, and what has none", () => {
  const libraries = ["libnss3.so", "libnspr4.so", "libmine.so.1", "libz.so.1"] as const;
  const [nss, ...more] = libraries.map((library): Cause => ({ ...ATOMIC, library }));
  assertEquals(remediesFor([nss ?? ATOMIC, ...more], DEBIAN), [
    {
      text: 'Add "apt:libnss3", "apt:libnspr4" and "apt:zlib1g" to [bootstrap.packages]',
      packages: ["libnss3", "libnspr4", "zlib1g"].map((name) => ({
        manager: "apt" as const,
        name,
      })),
    },
    { text: "Add the package that has libmine.so.1 to [bootstrap.packages]" },
  ]);
});

Deno.test("remediesFor() says where a library is that the loader does not find", () => {
  assertEquals(
    first({ ...ATOMIC, elsewhere: "/opt/lib/libatomic.so.1" }, DEBIAN),
    "It is in /opt/lib, where the loader does not look: set LD_LIBRARY_PATH = " +
      '"/opt/lib" in [oci.env]',
  );
});

Deno.test("remediesFor() names the bases that have a version, and a lower version of the tool", () => {
  const need = (version: string): Cause => ({
    type: "missing-version",
    version,
    library: "/lib/libc.so.6",
    file: "/p",
  });
  assertEquals(remediesFor([need("GLIBC_2.38")], DEBIAN).map(({ text }) => text), [
    "Use a newer base: ubuntu:24.04 or debian:trixie-slim",
    "Use a lower version of the tool",
  ]);
  assertEquals(first(need("GLIBCXX_3.4.30"), DEBIAN)?.includes("debian:bookworm-slim"), true);
  assertEquals(first(need("GLIBC_9.9"), DEBIAN), "Use a newer base");
  assertEquals(first(need("OTHER_1"), DEBIAN), "Use a newer base");
});

Deno.test("remediesFor() names the bases that have every version", () => {
  const need = (version: string): Cause => ({
    type: "missing-version",
    version,
    library: "/lib/libstdc++.so.6",
    file: "/p",
  });
  const causes = [need("GLIBCXX_3.4.30"), need("CXXABI_1.3.15")] as const;
  assertEquals(
    remediesFor(causes, DEBIAN)[0]?.text,
    "Use a newer base: ubuntu:24.04 or debian:trixie-slim",
  );
});

Deno.test("remediesFor() tells tools from packages for commands", () => {
  const need = (command: string): Cause => ({ type: "missing-command", command, file: "/s" });
  assertEquals(first(need("node"), DEBIAN), "Add node to [tools]");
  assertEquals(first(need("bash"), ALPINE), 'Add "apk:bash" to [bootstrap.packages]');
  assertEquals(first(need("node --x"), DEBIAN)?.startsWith('Write "env -S node --x"'), true);
  assertEquals(remediesFor([need("constructor")], DEBIAN), []);
});

Deno.test("remediesFor() knows what a loader, an interpreter and a carriage return ask for", () => {
  const loader = (path: string): Cause => ({ type: "missing-loader", loader: path, file: "/p" });
  assertEquals(
    first(loader("/lib64/ld-linux-x86-64.so.2"), ALPINE),
    "Use a base with glibc, such as debian:bookworm-slim",
  );
  assertEquals(
    first(loader("/lib/ld-musl-x86_64.so.1"), DEBIAN),
    'Add "apt:musl" to [bootstrap.packages]',
  );
  const script = (interpreter: string): Cause => ({
    type: "missing-interpreter",
    interpreter,
    file: "/s",
  });
  assertEquals(first(script("/bin/bash"), ALPINE), 'Add "apk:bash" to [bootstrap.packages]');
  assertEquals(first(script("/bin/sh\r"), DEBIAN)?.includes("carriage return"), true);
});
