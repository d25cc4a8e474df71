/**
 * Writes src/check/report/packages_table.ts: which package has a library or a command.
 *
 * Source of the names: the list below. Debian's are verified on a machine with apt: each package is
 * downloaded from the mirror that its apt uses, and must contain the file. Alpine's are verified against the
 * `p:` lines that name what packages provide, of one or more files: an APKINDEX (unpacked from a mirror's
 * APKINDEX.tar.gz), or the database of an installed system, `/lib/apk/db/installed`. What none of them has is
 * listed as not verified.
 *
 *     deno run -A scripts/gen_packages_table.ts [--apkindex FILE]… [--no-verify]
 *
 * The names of 2026-11 were verified so: 51 libraries and 7 commands by the databases of ten Alpine systems,
 * 3.8 to 3.20, that are kept in public repositories; the others (libgfortran, libquadmath, libunwind, libelf,
 * libnuma, libpq, libseccomp, libxslt, libyaml, nspr, nss, alsa-lib, at-spi2-core's, and the interpreters)
 * by the subpackages in the APKBUILD files of github.com/alpinelinux/aports.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { fromFileUrl } from "@std/path";
import { describeError } from "../src/errors.ts";
import { MANAGER_NAMES } from "../src/oci/package_managers.ts";

const TABLE = fromFileUrl(new URL("../src/check/report/packages_table.ts", import.meta.url));

/** SONAME, then the package of each manager in the order of `PACKAGE_MANAGERS`; `-`, or nothing, where there is none. */
const LIBRARIES = `
libatomic.so.1 libatomic1 libatomic
libstdc++.so.6 libstdc++6 libstdc++
libgcc_s.so.1 libgcc-s1 libgcc
libgomp.so.1 libgomp1 libgomp
libquadmath.so.0 libquadmath0 libquadmath
libgfortran.so.5 libgfortran5 libgfortran
libunwind.so.8 libunwind8 libunwind
libz.so.1 zlib1g zlib
libbz2.so.1.0 libbz2-1.0 -
libbz2.so.1 - libbz2
liblzma.so.5 liblzma5 xz-libs
libzstd.so.1 libzstd1 zstd-libs
liblz4.so.1 liblz4-1 lz4-libs
libbrotlidec.so.1 libbrotli1 brotli-libs
libssl.so.3 libssl3 libssl3
libcrypto.so.3 libssl3 libcrypto3
libcrypt.so.1 libcrypt1 -
libcurl.so.4 libcurl4 libcurl
libnghttp2.so.14 libnghttp2-14 nghttp2-libs
libssh2.so.1 libssh2-1 libssh2
libgssapi_krb5.so.2 libgssapi-krb5-2 krb5-libs
libkrb5.so.3 libkrb5-3 krb5-libs
libffi.so.8 libffi8 libffi
libreadline.so.8 libreadline8 readline
libncursesw.so.6 libncursesw6 libncursesw
libncurses.so.6 libncurses6 -
libtinfo.so.6 libtinfo6 -
libsqlite3.so.0 libsqlite3-0 sqlite-libs
libxml2.so.2 libxml2 libxml2
libxslt.so.1 libxslt1.1 libxslt
libexpat.so.1 libexpat1 libexpat
libyaml-0.so.2 libyaml-0-2 yaml
libgmp.so.10 libgmp10 gmp
libgdbm.so.6 libgdbm6 gdbm
libdb-5.3.so libdb5.3 db
libuuid.so.1 libuuid1 libuuid
libpcre2-8.so.0 libpcre2-8-0 pcre2
libglib-2.0.so.0 libglib2.0-0 glib
libgobject-2.0.so.0 libglib2.0-0 glib
libpq.so.5 libpq5 libpq
libicuuc.so.72 libicu72 -
libelf.so.1 libelf1 libelf
libnuma.so.1 libnuma1 numactl
libseccomp.so.2 libseccomp2 libseccomp
libcap.so.2 libcap2 libcap2
libbsd.so.0 libbsd0 libbsd
libnss3.so libnss3 nss
libnspr4.so libnspr4 nspr
libdbus-1.so.3 libdbus-1-3 dbus-libs
libatk-1.0.so.0 libatk1.0-0 libatk-1.0
libatk-bridge-2.0.so.0 libatk-bridge2.0-0 libatk-bridge-2.0
libcups.so.2 libcups2 cups-libs
libdrm.so.2 libdrm2 libdrm
libgbm.so.1 libgbm1 mesa-gbm
libX11.so.6 libx11-6 libx11
libxcb.so.1 libxcb1 libxcb
libXcomposite.so.1 libxcomposite1 libxcomposite
libXdamage.so.1 libxdamage1 libxdamage
libXext.so.6 libxext6 libxext
libXfixes.so.3 libxfixes3 libxfixes
libXrandr.so.2 libxrandr2 libxrandr
libxkbcommon.so.0 libxkbcommon0 libxkbcommon
libpango-1.0.so.0 libpango-1.0-0 pango
libcairo.so.2 libcairo2 cairo
libasound.so.2 libasound2 alsa-lib
libfontconfig.so.1 libfontconfig1 fontconfig
libfreetype.so.6 libfreetype6 freetype
libpng16.so.16 libpng16-16 libpng
libjpeg.so.8 - libjpeg-turbo
libGL.so.1 libgl1 mesa-gl
`;

/** Command, mise's tool, then the package of each manager. */
const COMMANDS = `
node node - -
npm node - -
npx node - -
bun bun - -
deno deno - -
python python python-is-python3 -
python3 python python3 python3
ruby ruby ruby ruby
go go - -
java java default-jre-headless -
cargo rust - -
rustc rust - -
php php php-cli -
lua lua lua5.4 -
dotnet dotnet - -
pwsh powershell-core - -
pnpm pnpm - -
yarn yarn - -
uv uv - -
perl perl perl perl
bash - bash bash
dash - dash dash
zsh - zsh zsh
fish - fish fish
sh - dash busybox
env - coreutils coreutils
git - git git
make - make make
awk - gawk gawk
gawk - gawk gawk
sed - sed sed
tclsh - tcl tcl
expect - expect expect
Rscript - r-base-core R
`;

/** What `src/check/needs.ts` names, the `VERSION_ID` that the packages are for, then the package of each manager. */
const NEEDS = `
ca-certificates - ca-certificates ca-certificates-bundle
icu 11 libicu67
icu 22.04 libicu70
icu 12 libicu72
icu 24.04 libicu74
icu 13 libicu76
icu - - icu-libs
time-zones - tzdata tzdata
locales - locales-all musl-locales
terminfo - ncurses-base ncurses-terminfo-base
fonts - fonts-dejavu-core font-dejavu
git - git git
debugger - gdb gdb
sh - dash busybox
java-certificates - ca-certificates-java java-cacerts
musl - musl
`;

/** What the bases have: the C library's and libstdc++'s newest symbol versions. */
const RELEASES = `
debian:bullseye-slim GLIBC=2.31 GLIBCXX=3.4.28 CXXABI=1.3.12
ubuntu:22.04 GLIBC=2.35 GLIBCXX=3.4.30 CXXABI=1.3.13
debian:bookworm-slim GLIBC=2.36 GLIBCXX=3.4.30 CXXABI=1.3.13
ubuntu:24.04 GLIBC=2.39 GLIBCXX=3.4.33 CXXABI=1.3.15
debian:trixie-slim GLIBC=2.41 GLIBCXX=3.4.33 CXXABI=1.3.15
`;

function rows(text: string): readonly string[][] {
  return text.trim().split("\n").map((line) => line.split(" "));
}

async function output(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    ...(cwd === undefined ? {} : { cwd }),
  }).output();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}

/** Fails unless Debian's package contains the library. */
async function verifyDebian(library: string, name: string): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await output("apt-get", ["download", "-q", name], directory);
    const [file] = Array.from(Deno.readDirSync(directory), (entry) => entry.name);
    const listing = await output("dpkg-deb", ["--contents", `${directory}/${file}`]);
    const has = listing.split("\n").some((line) =>
      line.split(" -> ")[0]?.endsWith(`/${library}`) ?? false
    );
    if (!has) throw new Error(`Package "${name}" of Debian does not contain ${library}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** What Alpine's packages provide, `so:libz.so.1` or `cmd:bash`, to their names. */
type Provided = ReadonlyMap<string, ReadonlySet<string>>;

async function readProvided(paths: readonly string[]): Promise<Provided> {
  const provided = new Map<string, Set<string>>();
  for (const path of paths) {
    for (const stanza of (await Deno.readTextFile(path)).split("\n\n")) {
      const name = /^P:(.*)$/m.exec(stanza)?.[1];
      const all = /^p:(.*)$/m.exec(stanza)?.[1]?.split(" ") ?? [];
      for (const one of name === undefined ? [] : all) {
        const what = one.replace(/=.*/, "");
        provided.set(what, (provided.get(what) ?? new Set()).add(name ?? ""));
      }
    }
  }
  return provided;
}

/** Fails if another package provides it; whether any does. */
function verifyAlpine(provided: Provided, what: string, name: string): boolean {
  const packages = provided.get(what);
  if (packages !== undefined && !packages.has(name)) {
    throw new Error(`Alpine has ${what} in ${[...packages].join(", ")}, not in "${name}"`);
  }
  return packages !== undefined;
}

function names(columns: readonly string[]): string {
  return MANAGER_NAMES.flatMap((manager, at) => {
    const name = columns[at] ?? "-";
    return name === "-" ? [] : [`${manager}: "${name}"`];
  }).join(", ");
}

const key = (text: string): string => /^[a-z]+$/i.test(text) ? text : `"${text}"`;

function table(): string {
  const libraries = rows(LIBRARIES).map(([library = "", ...rest]) =>
    `  ${key(library)}: { ${names(rest)} },`
  );
  const commands = rows(COMMANDS).filter(([, , ...rest]) => names(rest) !== "")
    .map(([command = "", , ...rest]) => `  ${key(command)}: { ${names(rest)} },`);
  const tools = rows(COMMANDS).filter(([, tool]) => tool !== "-")
    .map(([command = "", tool]) => `  ${key(command)}: "${tool}",`);
  const needs = [...Map.groupBy(rows(NEEDS), ([need = ""]) => need)].map(([need, list]) => {
    const items = list.map(([, version, ...rest]) =>
      `{ ${names(rest)}${version === "-" ? "" : `, version: "${version}"`} }`
    );
    return `  ${key(need)}: [${items.join(", ")}],`;
  });
  const releases = rows(RELEASES).map(([base, ...versions]) => {
    const fields = versions.map((text) => text.split("=")).map(([name, version]) =>
      `${name}: "${version}"`
    );
    return `  { base: "${base}", versions: { ${fields.join(", ")} } },`;
  });
  const record = (name: string, doc: string, type: string, lines: readonly string[]): string =>
    `\n/** ${doc} */\nexport const ${name}: Readonly<Record<string, ${type}>> = {\n${
      lines.join("\n")
    }\n};\n`;
  return record("LIBRARY_PACKAGES", "Packages by SONAME.", "PackageNames", libraries) +
    record("COMMAND_PACKAGES", "Packages by command.", "PackageNames", commands) +
    record(
      "NEED_PACKAGES",
      "Packages by what programs need at run time.",
      "readonly VersionedPackage[]",
      needs,
    ) +
    record("COMMAND_TOOLS", "Tools of mise by command.", "string", tools) +
    `
/** A base and its newest symbol versions, by prefix: \`GLIBC\`. */
export interface Release {
  /** The base as a value of \`from\`. */
  readonly base: string;
  /** Versions of \`GLIBC\`, \`GLIBCXX\` and \`CXXABI\`. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Bases, oldest first. */
export const VERSION_RELEASES: readonly Release[] = [
${releases.join("\n")}
];
`;
}

/** Verifies the lists. @throws {Error} with everything that is wrong. */
async function verify({ debian, provided }: {
  readonly debian: boolean;
  readonly provided: Provided;
}): Promise<void> {
  const wrong: string[] = [];
  const unverified: string[] = [];
  const attempt = async (action: () => void | Promise<void>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      wrong.push(describeError(error));
    }
  };
  const alpine = (what: string, name: string): void => {
    if (name !== "-" && !verifyAlpine(provided, what, name)) unverified.push(`${what} (${name})`);
  };
  for (const [library = "", apt = "-", apk = "-"] of rows(LIBRARIES)) {
    if (debian && apt !== "-") await attempt(() => verifyDebian(library, apt));
    await attempt(() => alpine(`so:${library}`, apk));
  }
  for (const [command = "", , , apk = "-"] of rows(COMMANDS)) {
    await attempt(() => alpine(`cmd:${command}`, apk));
  }
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
  if (unverified.length > 0) {
    const text = `Not verified for Alpine: ${unverified.join(", ")}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}

async function main(): Promise<void> {
  const { apkindex = [], "no-verify": unverified = false } = parseArgs({
    args: Deno.args,
    options: {
      apkindex: { type: "string", multiple: true },
      "no-verify": { type: "boolean" },
    },
  }).values;
  await verify({ debian: !unverified, provided: await readProvided(apkindex) });
  const old = await Deno.readTextFile(TABLE);
  const begin = old.indexOf("\n/** Packages by SONAME");
  await Deno.writeTextFile(TABLE, old.slice(0, begin) + table());
  await output(Deno.execPath(), ["fmt", "--quiet", TABLE]);
}

await main();
