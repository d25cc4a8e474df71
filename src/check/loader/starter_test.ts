/** What scripts of tools start and load, read from their lines. */
import { assertEquals } from "@std/assert";
import { check, type FileFixture, GLIBC, LOADER } from "../../../tests/support/check_fixture.ts";
import { findingsOf } from "../report/findings.ts";
import { SCRIPT_BYTES } from "../facts/script_body.ts";

type Files = Readonly<Record<string, FileFixture>>;

const RUNTIME: FileFixture = { interpreter: LOADER, needed: ["libc.so.6"] };
const TOOL = "mise/installs/t/1";
const DEBIAN: Files = {
  ...GLIBC,
  "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
  "etc/ssl/certs/ca-certificates.crt": { text: "", mode: 0o644 },
  "usr/bin/apt-get": { type: 2 },
  "usr/bin/env": { type: 2 },
  "usr/bin/perl": { type: 2 },
  "bin/sh": { type: 2 },
};

/** Each finding of a tool's layer on Debian: severity, message, first remedy. */
function told(
  files: Files,
  { env = [], base = DEBIAN }: { readonly env?: readonly string[]; readonly base?: Files } = {},
): readonly (readonly [string, string, string | undefined])[] {
  const report = check([base, files], {
    labels: [{}, { kind: "tool", name: "t" }],
    env: [`PATH=/${TOOL}/bin:/usr/bin:/bin`, ...env],
  });
  return findingsOf(report).filter(({ ofBase, severity }) => !ofBase && severity !== "detail")
    .map(({ severity, message, remedies }) => [severity, message, remedies[0]?.text]);
}

const NO_JAVA = [
  "start",
  "a does not start in the image: java is not on the image's PATH, which it starts",
  "Add java to [tools]",
] as const;

Deno.test("T1h: the start scripts of Java programs need the Java of JAVA_HOME, or else of PATH", () => {
  const licence = "# As long as licences are.\n".repeat(300);
  const script = `#!/bin/sh
${licence}
if [ -n "$JAVA_HOME" ] ; then
  if [ -x "$JAVA_HOME/jre/sh/java" ] ; then JAVACMD="$JAVA_HOME/jre/sh/java"
  else JAVACMD="$JAVA_HOME/bin/java"; fi
else
  JAVACMD=java
fi
exec "$JAVACMD" -jar "$APP_HOME/lib/a.jar" "$@"
`;
  const file = { [`${TOOL}/bin/a`]: script };
  assertEquals(told(file), [NO_JAVA]);
  const java = { "usr/bin/java": RUNTIME };
  assertEquals(told(file, { base: { ...DEBIAN, ...java } }), []);
  const env = ["JAVA_HOME=/mise/installs/java/25"];
  assertEquals(told({ ...file, "mise/installs/java/25/bin/java": RUNTIME }, { env }), []);
  // Such scripts do not look at PATH once JAVA_HOME is set.
  assertEquals(told(file, { env, base: { ...DEBIAN, ...java } }), [[
    "start",
    `a does not start in the image: /${TOOL}/bin/a needs java 25, which is not in the image`,
    'Add java = "25" to [tools]',
  ]]);
  // A program that brings its own Java along does without.
  const own = 'if [ -d "$here/../jre" ]; then JAVA_HOME="$here/../jre"; fi\n';
  assertEquals(told({ [`${TOOL}/bin/a`]: script.replace(licence, own) }), []);
});

Deno.test("T1h: a self-starting archive, longer than what is read of it, needs what its lines start", () => {
  const jar = `#!/bin/sh\n\nexec java -Xmx512m -jar "$0" "$@"\n\n\nPK\x03\x04${
    "\0\n".repeat(SCRIPT_BYTES)
  }`;
  assertEquals(told({ [`${TOOL}/bin/a`]: jar }), [NO_JAVA]);
  // What is cut off is no line: nothing is said of the half of a name.
  const cut = `#!/bin/sh\n${"# x\n".repeat(SCRIPT_BYTES / 4 - 5)}exec node "$0"\n`;
  assertEquals(told({ [`${TOOL}/bin/a`]: cut }), []);
});

Deno.test("a tool's Perl script needs its modules, which minimal images lack", () => {
  const script = `#!/usr/bin/env perl
use strict;
use v5.10;
use Text::Wrap qw(wrap);
use Digest::MD5;
  use Not::At::The::Beginning;
print "ok";
__END__
use Of::The::Documentation;
`;
  const file = { [`${TOOL}/bin/a`]: script };
  assertEquals(told(file), [[
    "start",
    "a does not start in the image: the Perl modules Text::Wrap and Digest::MD5 are missing, which it loads",
    'Add "apt:perl" to [bootstrap.packages]',
  ]]);
  const whole: Files = {
    "usr/share/perl/5.36.0/Text/Wrap.pm": { text: "1", mode: 0o644 },
    "usr/share/perl/5.36.0/CPAN.pm": { text: "1", mode: 0o644 },
  };
  assertEquals(told(file, { base: { ...DEBIAN, ...whole } }), [[
    "start",
    "a does not start in the image: the Perl module Digest::MD5 is missing, which it loads",
    "Install the module beside the script, or copy it with [[oci.copy]]",
  ]]);
  const own = { [`${TOOL}/lib/Digest/MD5.pm`]: { text: "1", mode: 0o644 } };
  assertEquals(told({ ...file, ...own }, { base: { ...DEBIAN, ...whole } }), []);
  // Scripts that have their modules inside, or say themselves where they are.
  for (const line of ["my %fatpacked;", "use lib '/x';", "BEGIN { $INC{'A.pm'} = 1 }"]) {
    const one = script.replace("use strict;", line);
    assertEquals(told({ [`${TOOL}/bin/a`]: one }), []);
  }
});

Deno.test("T1d: a Python package that opens a library by its name needs it, and only its tool does", () => {
  const venv = "mise/installs/pipx-cairosvg/2/cairosvg";
  const python: Files = {
    [`${TOOL}/bin/python3.12`]: RUNTIME,
    [`${TOOL}/bin/black`]: `#!/${TOOL}/bin/python3.12\n`,
  };
  const tool: Files = {
    [`${venv}/lib/python3.12/site-packages/cairocffi/__init__.py`]: { text: "", mode: 0o644 },
    [`${venv}/bin/python`]: { link: `/${TOOL}/bin/python3.12` },
    [`${venv}/bin/cairosvg`]: `#!/${venv}/bin/python\n`,
  };
  const options = {
    labels: [{}, { kind: "tool", name: "python" }, { kind: "tool", name: "pipx:cairosvg" }],
    env: [`PATH=/${TOOL}/bin:/${venv}/bin:/bin`],
  };
  const [finding, ...more] = findingsOf(check([DEBIAN, python, tool], options));
  assertEquals(more, []);
  assertEquals([finding?.message, finding?.commands, finding?.dependents, finding?.remedies[0]], [
    "pipx:cairosvg cannot load its module cairocffi: the library libcairo.so.2 is missing",
    [],
    ["cairosvg"],
    {
      text: 'Add "apt:libcairo2" to [bootstrap.packages]',
      packages: [{ manager: "apt", name: "libcairo2" }],
    },
  ]);
  const cairo = { "usr/lib/x86_64-linux-gnu/libcairo.so.2": { needed: ["libc.so.6"] } };
  assertEquals(findingsOf(check([{ ...DEBIAN, ...cairo }, python, tool], options)), []);
});

Deno.test("T1d: an extension of a gem is a module of the Ruby on PATH", () => {
  const file = "mise/installs/gem-x/1/libexec/extensions/x86_64-linux/3.1.0/x-1.0/x/x.so";
  const files = { [`${TOOL}/bin/ruby`]: RUNTIME, [file]: { needed: ["libyaml-0.so.2"] } };
  assertEquals(
    told(files)[0]?.[1],
    "t cannot load its module x/x: the library libyaml-0.so.2 is missing",
  );
});

Deno.test("T1c: of several toolchains RUSTUP_TOOLCHAIN says which one must start", () => {
  const toolchains = "mise/rustup/toolchains";
  const broken: FileFixture = { interpreter: LOADER, needed: ["libz.so.1", "libc.so.6"] };
  const files: Files = {
    [`${TOOL}/bin/rustup`]: RUNTIME,
    [`${TOOL}/bin/rustc`]: { link: "rustup" },
    [`${toolchains}/1.90.0-x86_64-unknown-linux-gnu/bin/rustc`]: RUNTIME,
    [`${toolchains}/1.95.0-x86_64-unknown-linux-gnu/bin/rustc`]: broken,
  };
  const messages = (toolchain: string): readonly string[] =>
    told(files, { env: ["RUSTUP_HOME=/mise/rustup", `RUSTUP_TOOLCHAIN=${toolchain}`] })
      .map(([, message]) => message);
  assertEquals(messages("1.90.0"), []);
  assertEquals(messages("1.95.0").length, 1);
  assertEquals(messages("stable"), [
    "rustc does not start in the image: rustup's commands hand on to a toolchain in " +
    '"/mise/rustup/toolchains/stable", and none is there',
  ]);
});

Deno.test("T1b: a Ruby whose path of the host leads through a closed directory is root's alone", () => {
  const found = (mode: number): readonly (readonly [string, string, string | undefined])[] => {
    const prefix = "/root/.local/share/mise/installs/ruby/3.1.2";
    const ruby = { ...RUNTIME as object, soname: `${prefix}/lib/ruby/3.1.0` };
    return told({
      root: { directory: mode },
      "root/.local/share/mise/installs": { link: "/mise/installs" },
      "mise/installs/ruby/3.1.2/lib/ruby/3.1.0/set.rb": { text: "", mode: 0o644 },
      [`${TOOL}/bin/ruby`]: ruby,
      [`${TOOL}/bin/rake`]: `#!/${TOOL}/bin/ruby\n`,
    });
  };
  assertEquals(found(0o755), []);
  assertEquals(found(0o700), [[
    "need",
    "Only root can enter the directory of this machine that leads to the tools: other users of the image cannot " +
    "load the library of ruby",
    "Install the tools in a MISE_DATA_DIR that every user can enter",
  ]]);
});

Deno.test("T1c: cargo-fmt does not start where rustfmt does not", () => {
  const broken: FileFixture = { interpreter: LOADER, needed: ["libz.so.1", "libc.so.6"] };
  const bin = "mise/rustup/toolchains/1.95.0-x86_64-unknown-linux-gnu/bin";
  const report = check([DEBIAN, {
    [`${TOOL}/bin/rustup`]: RUNTIME,
    [`${TOOL}/bin/cargo-fmt`]: { link: "rustup" },
    [`${TOOL}/bin/rustfmt`]: { link: "rustup" },
    [`${bin}/cargo-fmt`]: RUNTIME,
    [`${bin}/rustfmt`]: broken,
  }], {
    labels: [{}, { kind: "tool", name: "rust" }],
    env: [`PATH=/${TOOL}/bin`, "RUSTUP_HOME=/mise/rustup", "RUSTUP_TOOLCHAIN=1.95.0"],
  });
  assertEquals(report.problems.map(({ commands, dependents }) => [commands, dependents]), [
    [["rustfmt"], ["cargo-fmt"]],
  ]);
});

Deno.test("T1d: what a runtime lacks is said of every name that it has on PATH", () => {
  const report = check([DEBIAN, {
    [`${TOOL}/bin/python3.12`]: RUNTIME,
    [`${TOOL}/bin/python3`]: { link: "python3.12" },
    [`${TOOL}/bin/python`]: { link: "python3" },
    [`${TOOL}/lib/python3.12/lib-dynload/_bz2.cpython-312-x86_64-linux-gnu.so`]: {
      needed: ["libbz2.so.1.0"],
    },
  }], { labels: [{}, { kind: "tool", name: "python" }], env: [`PATH=/${TOOL}/bin`] });
  assertEquals(report.problems.map(({ commands }) => commands), [
    ["python", "python3", "python3.12"],
  ]);
});

Deno.test("T1h: a wrapper that sets a variable for its exec starts what it names, as those of gems", () => {
  const wrapper = (more: string): Files => ({
    [`${TOOL}/bin/acme`]:
      `#!/bin/sh\n${more}GEM_HOME="/${TOOL}/libexec" exec /${TOOL}/libexec/acme "$@"\n`,
    [`${TOOL}/libexec/acme`]: "#!/usr/bin/env ruby\n",
  });
  const missing =
    "acme does not start in the image: ruby is not on the image's PATH, which its first line asks env for";
  assertEquals(told(wrapper("")).map(([, message]) => message), [missing]);
  assertEquals(told(wrapper("A='b c' ")).map(([, message]) => message), [missing]);
  assertEquals(told(wrapper("PATH=/x:$PATH ")), []);
});

Deno.test("T1g: links beside a tool's tree dangle in the image; without its archives a Java program fails", () => {
  const files: Files = {
    [`${TOOL}/bin/mvn`]: "#!/bin/sh\necho\n",
    [`${TOOL}/boot/launcher.jar`]: { link: "../../java/launcher.jar" },
    [`${TOOL}/lib/own.jar`]: { link: "../other/own.jar" },
  };
  const report = check([DEBIAN, files], {
    labels: [{}, { kind: "tool", name: "maven" }],
    env: [`PATH=/${TOOL}/bin`],
  });
  assertEquals(
    findingsOf(report).map(({ severity, message, dependents }) => [severity, message, dependents]),
    [[
      "part",
      "maven lacks files that it has links to: launcher.jar of /mise/installs/t/java is not in the image",
      ["mvn"],
    ]],
  );
});
