import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { deflateSync } from "node:zlib";
import { accessBytes } from "../../check/elf/random_access.ts";
import { classifyProgram } from "./classifiers.ts";
import { maybeParseRpmHeader, parseApk, parseCopyright, parseDpkg } from "./distributions.ts";
import type { FoundPackage } from "./found.ts";
import { parseGemspec, parsePackageJson, parsePythonMetadata } from "./languages.ts";
import { fileKind } from "./layer_book.ts";
import { readProgramPackages } from "./programs.ts";
import { readRpmDatabase } from "./rpm_database.ts";

function purls(found: readonly FoundPackage[]): readonly (string | undefined)[] {
  return found.map(({ purl }) => purl);
}

/** A 64-bit ELF file with the given sections. */
function elfWith(sections: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const names = ["", ...Object.keys(sections), ".shstrtab"];
  const strings = new TextEncoder().encode(names.map((name) => `${name}\0`).join(""));
  const contents = [new Uint8Array(), ...Object.values(sections), strings];
  const offsets: number[] = [];
  let end = 64;
  for (const bytes of contents) {
    end = Math.ceil(end / 16) * 16;
    offsets.push(end);
    end += bytes.length;
  }
  const file = new Uint8Array(end + 64 * names.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setBigUint64(40, BigInt(end), true);
  view.setUint16(58, 64, true);
  view.setUint16(60, names.length, true);
  view.setUint16(62, names.length - 1, true);
  let name = 0;
  contents.forEach((bytes, i) => {
    file.set(bytes, offsets[i]);
    const at = end + 64 * i;
    view.setUint32(at, name, true);
    view.setUint32(at + 4, i === 0 ? 0 : 1, true);
    view.setBigUint64(at + 24, BigInt(offsets[i] ?? 0), true);
    view.setBigUint64(at + 32, BigInt(bytes.length), true);
    name += (names[i]?.length ?? 0) + 1;
  });
  return file;
}

function goInfo(version: string, lines: readonly string[]): Uint8Array {
  const text = (bytes: Uint8Array): Uint8Array => {
    const length: number[] = [];
    for (let rest = bytes.length;; rest >>= 7) {
      length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
      if (rest <= 0x7f) break;
    }
    return new Uint8Array([...length, ...bytes]);
  };
  const encode = (source: string): Uint8Array => new TextEncoder().encode(source);
  const header = new Uint8Array(32);
  header.set([0xff, ...encode(" Go buildinf:"), 8, 2]);
  const modules = [
    ...new Uint8Array(16),
    ...encode(lines.join("\n") + "\n"),
    ...new Uint8Array(16),
  ];
  return new Uint8Array([...header, ...text(encode(version)), ...text(new Uint8Array(modules))]);
}

function rpmHeader(): Uint8Array {
  const data = new TextEncoder().encode("bash\0" + "5.2.26\0" + "3.fc40\0" + "x86_64\0");
  const tags = [[1000, 0], [1001, 5], [1002, 12], [1022, 19]] as const;
  const blob = new Uint8Array(8 + 16 * tags.length + data.length);
  const view = new DataView(blob.buffer);
  view.setUint32(0, tags.length);
  view.setUint32(4, data.length);
  tags.forEach(([tag, offset], i) => {
    view.setUint32(8 + 16 * i, tag);
    view.setUint32(12 + 16 * i, 6);
    view.setUint32(16 + 16 * i, offset);
  });
  blob.set(data, 8 + 16 * tags.length);
  return blob;
}

const RPM = rpmHeader();

Deno.test("a dpkg database names packages, their source and architecture, and not what was removed", () => {
  const found = parseDpkg(
    "Package: libc6\nStatus: install ok installed\nSource: glibc (2.36)\nArchitecture: amd64\n" +
      "Version: 2.36-9+deb12u10\nDescription: x\n more: text\n\n\n" +
      "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n\n" +
      "Package: tzdata\nVersion: 2025b\nArchitecture: all\n",
  );
  assertEquals(found, [
    {
      ecosystem: "deb",
      name: "libc6",
      version: "2.36-9+deb12u10",
      distribution: { arch: "amd64", upstream: "glibc@2.36" },
    },
    { ecosystem: "deb", name: "tzdata", version: "2025b", distribution: { arch: "all" } },
  ]);
  const copyright = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n" +
    "License: GPL-2+\n text\nLicense: BSD-3-clause\n";
  assertEquals(parseCopyright(copyright), ["BSD-3-clause", "GPL-2+"]);
  assertEquals(parseCopyright("License: none of a machine"), []);
});

Deno.test("an apk database names packages and the files that they own; an rpm header is one package", () => {
  const { packages, owned } = parseApk(
    "P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nL:MIT\nF:lib\nR:ld-musl-x86_64.so.1\n\n" +
      "P:libcrypto3\nV:3.3.1-r0\nA:x86_64\no:openssl\n",
  );
  assertEquals(packages.map(({ name, distribution }) => [name, distribution]), [
    ["musl", { arch: "x86_64" }],
    ["libcrypto3", { arch: "x86_64", upstream: "openssl" }],
  ]);
  assertEquals(owned, ["lib/ld-musl-x86_64.so.1"]);
  assertEquals(maybeParseRpmHeader(RPM)?.version, "5.2.26-3.fc40");
  assertEquals(maybeParseRpmHeader(RPM.subarray(0, 20)), undefined);
});

Deno.test("the package database of rpm is read as SQLite, also one that was not closed", async () => {
  const path = await Deno.makeTempFile();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; CREATE TABLE Packages (hnum INTEGER, blob BLOB)");
  database.prepare("INSERT INTO Packages VALUES (1, ?), (2, ?)").run(RPM, new Uint8Array(3));
  database.close();
  const found = await readRpmDatabase(path);
  assertEquals(found.map(({ name, version }) => [name, version]), [["bash", "5.2.26-3.fc40"]]);
  await Deno.remove(path);
});

Deno.test("packages of npm, Python and Ruby are found by what their installers leave", () => {
  const npm = '{"name":"@scope/x","version":"1.0.0","license":{"type":"MIT"}}';
  assertEquals(purls(parsePackageJson(npm)), ["pkg:npm/%40scope/x@1.0.0"]);
  assertEquals(parsePackageJson(npm)[0]?.licenses, ["MIT"]);
  assertEquals(parsePackageJson('{"type":"module"}'), []);
  assertEquals(parsePackageJson("{"), []);
  const python = "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 2.0+x\nLicense: MIT\n\nName: no\n";
  assertEquals(purls(parsePythonMetadata(python)), ["pkg:pypi/foo-bar@2.0%2Bx"]);
  const gem = 's.name = "rake".freeze\n  s.version = "13.2.1"\n  s.licenses = ["MIT".freeze]\n';
  assertEquals(purls(parseGemspec(gem)), ["pkg:gem/rake@13.2.1"]);
  const kinds = [
    "a/node_modules/x/package.json",
    "lib/python3.12/site-packages/x-1.dist-info/METADATA",
    "lib/ruby/gems/3.3.0/specifications/default/json-2.gemspec",
    "var/lib/dpkg/status.d/base",
    "var/lib/dpkg/status.d/base.md5sums",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages",
  ].map(fileKind);
  assertEquals(kinds, ["npm", "python", "gem", "dpkg", "program", "rpm", "unread"]);
});

Deno.test("modules that are compiled into a program are found: Go's and those of cargo auditable", () => {
  const go = elfWith({
    ".go.buildinfo": goInfo("go1.24.1 X:nodwarf5", [
      "path\tgithub.com/a/b/cmd/c",
      "mod\tgithub.com/a/b\t(devel)\t",
      "dep\tgolang.org/x/Sys\tv0.30.0\th1:x=",
      "dep\texample.com/old\tv1.0.0\th1:x=",
      "=>\texample.com/new\tv1.1.0\th1:x=",
      "build\t-ldflags=-s -X main.version=1.2.3",
    ]),
  });
  assertEquals(purls(readProgramPackages(accessBytes(go))), [
    "pkg:golang/github.com/a/b@v1.2.3",
    "pkg:golang/golang.org/x/sys@v0.30.0",
    "pkg:golang/example.com/new@v1.1.0",
    "pkg:golang/stdlib@1.24.1",
  ]);
  const list = {
    packages: [
      { name: "serde", version: "1.0.1" },
      { name: "cc", version: "1.0.0", kind: "build" },
    ],
  };
  const cargo = elfWith({ ".dep-v0": deflateSync(JSON.stringify(list)) });
  assertEquals(purls(readProgramPackages(accessBytes(cargo))), ["pkg:cargo/serde@1.0.1"]);
  // A file that is truncated or modified anywhere has no packages.
  for (let at = 0; at < go.length; at += 7) {
    const changed = go.slice();
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    readProgramPackages(accessBytes(changed));
    readProgramPackages(accessBytes(go.subarray(0, at)));
  }
});

Deno.test("programs that carry their version are known by their name", () => {
  const program = (path: string, text: string): readonly (string | undefined)[] =>
    purls(classifyProgram(path, accessBytes(new TextEncoder().encode(text))));
  assertEquals(program("mise/installs/node/24.11.0/bin/node", "..node.js/v24.11.0.."), [
    "pkg:generic/node@24.11.0",
  ]);
  assertEquals(program("usr/bin/python3.12", "\0" + "3.12.4\0"), ["pkg:generic/python@3.12.4"]);
  assertEquals(program("usr/bin/python3.12", "\0" + "3.11.4\0"), []);
  assertEquals(program("usr/bin/other", "node.js/v24.11.0"), []);
  assertEquals(program("x/distlib/t32.exe", "MZ.."), []);
});

/** A 64-bit Windows program with the given strings in its version resource, if any. */
function windowsWith(strings: Readonly<Record<string, string>>, isNet = false): Uint8Array {
  const wide = (text: string): Uint8Array =>
    new Uint8Array(Uint16Array.from(text, (char) => char.charCodeAt(0)).buffer);
  const texts = Object.entries(strings).map(([key, value]) => `${key}\0${"\0"}${value}\0`);
  const resources = wide(texts.length === 0 ? "" : `..VS_VERSION_INFO\0${texts.join("..")}`);
  const [start, sections, content] = [64, 64 + 24 + 240, 512];
  const file = new Uint8Array(content + resources.length);
  const view = new DataView(file.buffer);
  file.set(new TextEncoder().encode("MZ"));
  view.setUint32(0x3c, start, true);
  file.set(new TextEncoder().encode("PE\0\0"), start);
  view.setUint16(start + 6, 1, true);
  view.setUint16(start + 20, 240, true);
  view.setUint16(start + 24, 0x20b, true);
  if (isNet) view.setUint32(start + 24 + 224, 0x2008, true);
  file.set(new TextEncoder().encode(".rsrc"), sections);
  view.setUint32(sections + 16, resources.length, true);
  view.setUint32(sections + 20, content, true);
  file.set(resources, content);
  return file;
}

Deno.test("programs for Windows are known by their version resource, or else by their file", () => {
  const program = (bytes: Uint8Array): readonly (string | undefined)[] =>
    purls(classifyProgram("x/distlib/t32.exe", accessBytes(bytes)));
  const launcher = { FileVersion: "1.1.0.14", ProductName: "Simple Launcher" };
  assertEquals(program(windowsWith(launcher)), ["pkg:generic/Simple%20Launcher@1.1.0.14"]);
  const microsoft = { FileDescription: "Shell", ProductName: "Microsoft Windows" };
  assertEquals(program(windowsWith({ ...microsoft, ProductVersion: "10.0 (x)" })), [
    "pkg:generic/Shell@10.0",
  ]);
  assertEquals(program(windowsWith({})), ["pkg:generic/t32"]);
  assertEquals(program(windowsWith(launcher, true)), []);
  const whole = windowsWith(launcher);
  for (let at = 0; at < whole.length; at++) {
    const changed = whole.slice();
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    program(changed);
    program(whole.subarray(0, at));
  }
});

Deno.test("classifyProgram() looks for versions in the constants of a program before its code", () => {
  const old = new TextEncoder().encode("node.js/v1.0.0");
  const now = new TextEncoder().encode("node.js/v24.11.0 ");
  const program = elfWith({ ".text": old, ".rodata": now });
  assertEquals(purls(classifyProgram("bin/node", accessBytes(program))), [
    "pkg:generic/node@24.11.0",
  ]);
  const plain = elfWith({ ".text": now, ".rodata": new Uint8Array(8) });
  assertEquals(purls(classifyProgram("bin/node", accessBytes(plain))), [
    "pkg:generic/node@24.11.0",
  ]);
});
