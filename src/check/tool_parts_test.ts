// Longer than 400 lines: a test for each part of tools.
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Cause } from "./cause.ts";
import { findingsOf, isFailure } from "./report/findings.ts";
import {
  check,
  type CheckOptions,
  type FileFixture,
  GLIBC,
  LOADER,
  MUSL,
} from "../../tests/support/check_fixture.ts";

type Files = Readonly<Record<string, FileFixture>>;

const DEBIAN: Files = {
  ...GLIBC,
  "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
  "etc/ssl/certs/ca-certificates.crt": { text: "", mode: 0o644 },
  "usr/bin/apt-get": { type: 2 },
  "bin/sh": { type: 2 },
  "usr/bin/env": { type: 2 },
};
const RUNTIME: FileFixture = { interpreter: LOADER, needed: ["libc.so.6"] };
const TOOL = "mise/installs/t/1";

/** A module that needs libraries. */
function module(...needed: readonly string[]): FileFixture {
  return { needed: [...needed, "libc.so.6"] };
}

/** Each finding of a tool's layer on Debian: severity, message, first remedy. */
function told(
  files: Files,
  { base = DEBIAN, ...options }: CheckOptions & { readonly base?: Files } = {},
): readonly (readonly [string, string, string | undefined])[] {
  const report = check([base, files], {
    labels: [{}, { kind: "tool", name: "t" }],
    env: [`PATH=/${TOOL}/bin:/usr/bin:/bin`],
    ...options,
  });
  return findingsOf(report).filter(({ ofBase }) => !ofBase)
    .map(({ severity, message, remedies }) => [severity, message, remedies[0]?.text]);
}

/** The first cause of the first finding. */
function firstCause(files: Files, options: CheckOptions = {}): Cause | undefined {
  const labels = [{}, { kind: "tool", name: "t" }];
  return check([DEBIAN, files], { labels, env: [`PATH=/${TOOL}/bin:/bin`], ...options })
    .problems[0]?.cause;
}

const NPM_SHIM = `#!/bin/sh
basedir=$(dirname "$(echo "$0" | sed -e 's,\\\\,/,g')")

case \`uname\` in
    *CYGWIN*|*MINGW*|*MSYS*) basedir=\`cygpath -w "$basedir"\` ;;
esac

if [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir/../prettier/bin/prettier.cjs" "$@"
else
  exec node  "$basedir/../prettier/bin/prettier.cjs" "$@"
fi
`;

Deno.test("T1a: the sh scripts that npm, pnpm and aube write for a package need its runtime", () => {
  const shim = { [`${TOOL}/bin/prettier`]: NPM_SHIM };
  assertEquals(told(shim), [[
    "start",
    "prettier does not start in the image: node is not on the image's PATH, which it starts",
    "Add node to [tools]",
  ]]);
  assertEquals(told({ ...shim, [`${TOOL}/bin/node`]: RUNTIME }), []);
  const aube = `#!/bin/sh\nbasedir="\${0%/*}"\nexec node "$basedir/../a/b.js" "$@"\n`;
  assertEquals(told({ [`${TOOL}/bin/a`]: aube })[0]?.[0], "start");
  // If a runtime does not start, neither do its shims.
  const broken = { ...shim, [`${TOOL}/bin/node`]: { interpreter: LOADER, needed: ["libx.so"] } };
  assertStringIncludes(told(broken)[0]?.[1] ?? "", "nor does prettier, which needs it");
});

Deno.test("T1f: an empty file, and a text without #!, are no program of a tool", () => {
  const npm = `${TOOL}/lib/node_modules/bun/bin/bun.exe`;
  const [finding] = told({ [npm]: "", [`${TOOL}/bin/bun`]: { link: `/${npm}` } });
  assertEquals(finding?.slice(0, 2), [
    "start",
    `bun does not start in the image: /${npm} is empty`,
  ]);
  assertStringIncludes(finding?.[2] ?? "", "install script of the npm package bun");
  assertEquals(told({ [`${TOOL}/bin/sg`]: "echo placeholder\n" }), [[
    "part",
    `sg starts from a shell only: /${TOOL}/bin/sg is a text without a "#!" line`,
    "Install it again",
  ]]);
});

Deno.test("T1f: texts beside programs, data, and what the base has are left alone", () => {
  assertEquals(
    told({
      [`${TOOL}/bin/LICENSE`]: "MIT\n",
      [`${TOOL}/bin/notes.md`]: "text\n",
      [`${TOOL}/bin/_completion`]: "compdef\n",
      [`${TOOL}/bin/data`]: "\x01\x02binary",
    }, { base: { ...DEBIAN, "bin/helper": "echo for a shell\n", "bin/nothing": "" } }),
    [],
  );
});

Deno.test("T1h: wrappers that start a program of the host do not start", () => {
  const host = "/home/ann/.local/share/mise/installs/t/1";
  const wrapper =
    `#!/bin/sh\nHOST_INSTALL=${host}\nexport A=1\nexec "$HOST_INSTALL/libexec/real" "$@"\n`;
  assertEquals(firstCause({ [`${TOOL}/bin/w`]: wrapper }), {
    type: "missing-install",
    tool: "t",
    version: "1",
    file: `/${TOOL}/bin/w`,
  });
  assertEquals(firstCause({ [`${TOOL}/bin/w`]: "#!/bin/sh\nexec /opt/x/real\n" }), {
    type: "missing-exec",
    target: "/opt/x/real",
    file: `/${TOOL}/bin/w`,
  });
  const there = { "opt/x/real": RUNTIME, [`${TOOL}/bin/w`]: "#!/bin/sh\nexec /opt/x/real\n" };
  assertEquals(told(there), []);
});

Deno.test("T1h: a script that may not come to its exec is left alone", () => {
  for (
    const body of [
      "if true; then\nexec /opt/x/real\nfi\n",
      "[ -x /opt/x/real ] && exec /opt/x/real\necho no\n",
      'PATH=/opt/x:$PATH\nexec real "$@"\n',
      'exec "$(find_it)" "$@"\n',
    ]
  ) assertEquals(told({ [`${TOOL}/bin/w`]: `#!/bin/sh\n${body}` }), [], body);
});

Deno.test("T1h: a script that names an install directory of the host may not work", () => {
  const host = "/home/ann/.local/share/mise/installs/t/1";
  const script = `#!/bin/sh\n# ${host}/bin\nif true; then . "${host}/lib/env.sh"; fi\n`;
  const [finding] = told({ [`${TOOL}/bin/w`]: script });
  assertEquals(finding, [
    "part",
    `w may not work in the image: /${TOOL}/bin/w names "${host}", which is not in the image`,
    "Set host_links = true in [_.oci]: that path then leads to the image's tools",
  ]);
  const inImage = script.replaceAll(host, `/${TOOL}`);
  assertEquals(told({ [`${TOOL}/bin/w`]: inImage }), []);
  assertEquals(told({ [`${TOOL}/bin/w`]: `#!/bin/sh\n# ${host}/bin\necho\n` }), []);
});

Deno.test("B20: the stubs of a relocatable Ruby start the ruby beside them", () => {
  const stub = `#!/bin/sh
# -*- ruby -*-
_=_\\
=begin
bindir="\${0%/*}"
exec "$bindir/ruby" "-x" "$0" "$@"
=end
#!/usr/bin/env ruby
`;
  assertEquals(told({ [`${TOOL}/bin/rake`]: stub })[0]?.slice(0, 2), [
    "start",
    "rake does not start in the image: ruby is not on the image's PATH, which it starts",
  ]);
  assertEquals(told({ [`${TOOL}/bin/rake`]: stub, [`${TOOL}/bin/ruby`]: RUNTIME }), []);
});

Deno.test("T1b: a Ruby that was compiled for a path of the host finds nothing in the image", () => {
  const host = "/home/ann/.local/share/mise/installs/ruby/3.1.2";
  const ruby = { ...RUNTIME as object, soname: `${host}/lib/ruby/3.1.0` };
  const files = { [`${TOOL}/bin/ruby`]: ruby, [`${TOOL}/bin/rake`]: `#!/${TOOL}/bin/ruby\n` };
  const [finding] = told(files);
  assertEquals(finding?.[0], "part");
  assertEquals(
    finding?.[1],
    "ruby does not find its library in the image, and rake does not start: " +
      `/${TOOL}/bin/ruby was compiled to find its files in "${host}/lib/ruby", which is not in the image`,
  );
  assertEquals(told({ ...files, [`${host.slice(1)}/lib/ruby/set.rb`]: "" }), []);
});

Deno.test("T1d, T1e: libraries that a runtime's modules lack are one finding, with packages", () => {
  const dynload = `${TOOL}/lib/python3.12/lib-dynload`;
  const tag = "cpython-312-x86_64-linux-gnu.so";
  const files: Files = {
    [`${TOOL}/bin/python3.12`]: RUNTIME,
    [`${dynload}/_ssl.${tag}`]: module("libssl.so.3", "libcrypto.so.3"),
    [`${dynload}/_sqlite3.${tag}`]: module("libsqlite3.so.0"),
    [`${dynload}/readline.${tag}`]: module("libreadline.so.8"),
    [`${dynload}/_json.${tag}`]: module(),
    [`${dynload}/_tkinter.${tag}`]: module("libtk8.6.so"),
    [`${dynload}/_testcapi.${tag}`]: module("libnothing.so"),
  };
  assertEquals(told(files), [
    [
      "part",
      "t cannot load its modules ssl, sqlite3 and readline: the libraries libssl.so.3, " +
      "libcrypto.so.3, libsqlite3.so.0 and libreadline.so.8 are missing",
      'Add "apt:libssl3", "apt:libsqlite3-0" and "apt:libreadline8" to [bootstrap.packages]',
    ],
    [
      "detail",
      "t cannot load its module tkinter: the library libtk8.6.so is missing",
      "Add the package that has libtk8.6.so to [bootstrap.packages]",
    ],
  ]);
  const ruby: Files = {
    [`${TOOL}/bin/ruby`]: RUNTIME,
    [`${TOOL}/lib/ruby/3.1.0/x86_64-linux/openssl.so`]: module("libssl.so.3"),
    [`${TOOL}/lib/ruby/3.1.0/x86_64-linux/json/ext/parser.so`]: module(),
  };
  assertStringIncludes(told(ruby)[0]?.[1] ?? "", "t cannot load its module openssl");
  const node = { [`${TOOL}/bin/node`]: RUNTIME, [`${TOOL}/lib/a.node`]: module("libpq.so.5") };
  assertStringIncludes(told(node)[0]?.[1] ?? "", "t cannot load its module a");
});

Deno.test("T1d: modules of another Python, machine or C library, and what packages load themselves, pass", () => {
  const site = `${TOOL}/lib/python3.12/site-packages`;
  assertEquals(
    told({
      [`${TOOL}/bin/python3.12`]: RUNTIME,
      [`${TOOL}/bin/node`]: RUNTIME,
      [`${site}/a/_a.cpython-311-x86_64-linux-gnu.so`]: module("libnothing.so"),
      [`${site}/a/_b.abi3.so`]: { needed: ["libc.musl-x86_64.so.1", "libnothing.so"] },
      [`${site}/a/_c.abi3.so`]: { machine: 0xb7, needed: ["libnothing.so"] },
      [`${site}/a/_d.abi3.so`]: module("libowned.so"),
      [`${site}/a.libs/libowned.so`]: module(),
      [`${site}/a/libplugin.so`]: module("libnothing.so"),
      [`${TOOL}/lib/x/musl.node`]: { needed: ["libc.musl-x86_64.so.1", "libnothing.so"] },
    }),
    [],
  );
});

Deno.test("T1d: scripts of a runtime whose modules lack libraries are said to depend on it", () => {
  const report = check([DEBIAN, {
    [`${TOOL}/bin/python3.12`]: RUNTIME,
    [`${TOOL}/lib/python3.12/lib-dynload/_ssl.cpython-312-x86_64-linux-gnu.so`]: module(
      "libssl.so.3",
    ),
    "mise/installs/u/1/venv/bin/python": { link: `/${TOOL}/bin/python3.12` },
    "mise/installs/u/1/bin/http": "#!/mise/installs/u/1/venv/bin/python\n",
    "mise/installs/u/1/bin/by-env": "#!/usr/bin/env python3.12\n",
    "mise/installs/u/1/bin/other": "#!/bin/sh\n",
  }], {
    labels: [{}, { kind: "tool", name: "t" }],
    env: [`PATH=/${TOOL}/bin:/mise/installs/u/1/bin:/bin`],
  });
  assertEquals(report.problems.map(({ commands, dependents }) => [commands, dependents]), [
    [["python3.12"], ["by-env", "http"]],
  ]);
});

Deno.test("T1d: modules of a musl runtime go by musl's rules", () => {
  const base: Files = {
    ...DEBIAN,
    "etc/os-release": "ID=alpine\n",
    "sbin/apk": { type: 2 },
    [MUSL.slice(1)]: { soname: "libc.musl-x86_64.so.1" },
  };
  const files: Files = {
    [`${TOOL}/bin/python3.12`]: { interpreter: MUSL, needed: ["libc.musl-x86_64.so.1"] },
    [`${TOOL}/lib/python3.12/lib-dynload/_ssl.so`]: {
      needed: ["libssl.so.3", "libc.musl-x86_64.so.1"],
    },
  };
  assertEquals(told(files, { base }), [[
    "part",
    "t cannot load its module ssl: the library libssl.so.3 is missing",
    'Add "apk:libssl3" to [bootstrap.packages]',
  ]]);
});

Deno.test("T1g: links of a tool that lead out of the image are one finding a directory", () => {
  const etc = "/etc/java-17-openjdk/security";
  const [finding, ...more] = told({
    [`${TOOL}/conf/java.security`]: { link: `${etc}/java.security` },
    [`${TOOL}/conf/java.policy`]: { link: `${etc}/java.policy` },
    [`${TOOL}/lib/cacerts`]: { link: "/etc/ssl/certs/java/cacerts" },
    [`${TOOL}/docs`]: { link: "/usr/share/doc/openjdk-17" },
    [`${TOOL}/inside`]: { link: `/${TOOL}/conf` },
  });
  assertEquals(finding, [
    "part",
    `t lacks files that it has links to: java.policy and java.security of ${etc} are not in the image`,
    `Copy "${etc}" with [[oci.copy]], or let mise install the tool`,
  ]);
  assertEquals(more.map(([, , remedy]) => remedy), [
    'Add "apt:ca-certificates-java" to [bootstrap.packages]',
  ]);
});

Deno.test("T1g: without java.security every command of its Java but java itself is said to lack it", () => {
  const report = check([DEBIAN, {
    [`${TOOL}/conf/security/java.security`]: {
      link: "/etc/java-17-openjdk/security/java.security",
    },
    [`${TOOL}/bin/java`]: RUNTIME,
    [`${TOOL}/bin/javac`]: RUNTIME,
    "mise/installs/u/1/bin/other": RUNTIME,
  }], {
    labels: [{}, { kind: "tool", name: "java" }],
    env: [`PATH=/${TOOL}/bin:/mise/installs/u/1/bin:/bin`],
  });
  assertEquals(
    report.problems.filter(({ cause }) => cause.type === "dangling-file")
      .map(({ commands, dependents }) => [commands, dependents]),
    [[["java"], ["javac"]]],
  );
});

Deno.test("Rust's scripts for debuggers need the debugger of their name, which fails no check", () => {
  const files: Files = { [`${TOOL}/bin/rust-gdb`]: RUNTIME, [`${TOOL}/bin/rust-lldb`]: RUNTIME };
  assertEquals(told(files), [[
    "detail",
    "The image has no debugger: they start the one of their name: rust-gdb and rust-lldb",
    'Add "apt:gdb" to [bootstrap.packages]',
  ]]);
  assertEquals(
    told(files, { base: { ...DEBIAN, "usr/bin/gdb": RUNTIME, "usr/bin/lldb": RUNTIME } }),
    [],
  );
});

Deno.test("T1c: rustup's commands need a toolchain", () => {
  const files: Files = {
    [`${TOOL}/bin/rustup`]: RUNTIME,
    [`${TOOL}/bin/cargo`]: { link: "rustup" },
    [`${TOOL}/bin/rustc`]: { link: "rustup" },
    [`${TOOL}/bin/cargo-outdated`]: RUNTIME,
  };
  const env = [`PATH=/${TOOL}/bin`, "RUSTUP_HOME=/mise/rustup"];
  assertEquals(told(files, { env }).map(([, message]) => message), [
    "cargo and rustc do not start in the image: rustup's commands hand on to a toolchain in " +
    '"/mise/rustup/toolchains", and none is there',
  ]);
  const rustc = "mise/rustup/toolchains/1.95.0/bin/rustc";
  assertEquals(told({ ...files, [rustc]: RUNTIME }, { env }), []);
  assertEquals(told({ ...files, [rustc]: module("libz.so.1") }, { env }), []);
  const program = { interpreter: LOADER, needed: ["libz.so.1", "libc.so.6"] };
  assertStringIncludes(
    told({ ...files, [rustc]: program }, { env })[0]?.[1] ?? "",
    "rustc does not start in the image: the library libz.so.1 is missing",
  );
});

Deno.test("T6: CA certificates are needed by what has none of its own, and fail no check", () => {
  const { "etc/ssl/certs/ca-certificates.crt": _, ...bare } = DEBIAN;
  const commands = (...names: readonly string[]): Files =>
    Object.fromEntries(names.map((name) => [`${TOOL}/bin/${name}`, RUNTIME]));
  assertEquals(told(commands("git", "python3.12", "node"), { base: bare }), [[
    "need",
    "The image has no CA certificates: HTTPS fails for git and python3.12",
    'Add "apt:ca-certificates" to [bootstrap.packages]',
  ]]);
  assertEquals(told(commands("node", "deno", "uv"), { base: bare }), []);
  assertEquals(told(commands("git"), { base: DEBIAN }), []);
  const distroless = { ...bare, "usr/bin/apt-get": { text: "", mode: 0o644 } };
  delete (distroless as Record<string, unknown>)["usr/bin/apt-get"];
  assertEquals(
    told(commands("git"), { base: distroless })[0]?.[2],
    'Name certificates under [_.oci]: ca = ["FILE.pem"]',
  );
  assertEquals(isFailure({ severity: "need", ofBase: false }), false);
  assertEquals(isFailure({ severity: "part", ofBase: false }), true);
});

Deno.test("T6: ICU, time zones, locales, git and sh are needed where they would be opened", () => {
  const env = (...more: readonly string[]): CheckOptions => ({
    env: [`PATH=/${TOOL}/bin:/bin`, ...more],
  });
  const dotnet = { [`${TOOL}/bin/dotnet`]: RUNTIME };
  assertEquals(told(dotnet)[0]?.[0], "part");
  assertEquals(told(dotnet)[0]?.[2], 'Add "apt:libicu72" to [bootstrap.packages]');
  assertEquals(told(dotnet, env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1")), []);
  const icu = { "usr/lib/x86_64-linux-gnu/libicuuc.so.72": module() };
  assertEquals(told(dotnet, { base: { ...DEBIAN, ...icu } }), []);
  assertEquals(
    told({}, env("TZ=Europe/Berlin"))[0]?.[2],
    'Add "apt:tzdata" to [bootstrap.packages]',
  );
  assertEquals(told({}, env("TZ=UTC", "LANG=C.UTF-8")), []);
  assertEquals(told({}, env("LANG=de_DE.UTF-8"))[0]?.[0], "need");
  assertStringIncludes(
    told({ [`${TOOL}/bin/lazygit`]: RUNTIME })[0]?.[1] ?? "",
    "The image has no git: it is run by lazygit",
  );
  const { "bin/sh": _, ...shellless } = DEBIAN;
  const npm = { [`${TOOL}/bin/npm`]: RUNTIME };
  assertStringIncludes(told(npm, { base: shellless })[0]?.[1] ?? "", "no /bin/sh");
});

Deno.test("T13: a Python environment without its Python names the tool to add, once", () => {
  const python = "/home/ann/.local/share/mise/installs/python/3.12.1/bin/python3";
  const venv = `${TOOL}/poetry/bin`;
  const found = told({
    [`${venv}/python`]: { link: python },
    [`${venv}/poetry`]: `#!/${venv}/python\n`,
    [`${TOOL}/bin/poetry`]: { link: `/${venv}/poetry` },
    [`${TOOL}/bin/other`]: `#!${python}\n`,
  });
  assertEquals(found.map(([, , remedy]) => remedy), ['Add python = "3.12.1" to [tools]']);
});

Deno.test("T13: no package is named where no package manager is, and no package for a gdb script", () => {
  const distroless: Files = { "etc/os-release": "ID=debian\n" };
  const script = { [`${TOOL}/bin/s`]: "#!/usr/bin/python3.11\n" };
  assertEquals(told(script, { base: distroless })[0]?.[2], "Use a base that has python3.11");
  const loader = { [`${TOOL}/bin/p`]: { interpreter: "/opt/ld.so", needed: [] } };
  assertEquals(
    told(loader)[0]?.[2],
    "Install a build of the tool that does not ask for /opt/ld.so",
  );
  assertEquals(told({ [`${TOOL}/bin/python3.12-gdb.py`]: "#!/usr/bin/python\n" }), []);
});
