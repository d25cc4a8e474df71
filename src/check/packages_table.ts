/**
 * Which package has a library or a command. Made by `scripts/gen_packages_table.ts`, which says where the
 * names come from; run it again to renew them, and change the list there, not here.
 *
 * Debian's names hold for Ubuntu too. Since Debian 13 and Ubuntu 24.04 some are called `…t64`; those
 * provide the old name, which apt then takes for them.
 * @module
 */

import type { ManagerName } from "../oci/package_managers.ts";

/** The package's name for each package manager that has it: Debian's for apt, Alpine's for apk. */
export type PackageNames = { readonly [Name in ManagerName]?: string };

/** A package, and the `VERSION_ID` of the distribution that it is for, if that decides. */
export type VersionedPackage = PackageNames & { readonly version?: string };

/** Packages by SONAME. */
export const LIBRARY_PACKAGES: Readonly<Record<string, PackageNames>> = {
  "libatomic.so.1": { apt: "libatomic1", apk: "libatomic" },
  "libstdc++.so.6": { apt: "libstdc++6", apk: "libstdc++" },
  "libgcc_s.so.1": { apt: "libgcc-s1", apk: "libgcc" },
  "libgomp.so.1": { apt: "libgomp1", apk: "libgomp" },
  "libquadmath.so.0": { apt: "libquadmath0", apk: "libquadmath" },
  "libgfortran.so.5": { apt: "libgfortran5", apk: "libgfortran" },
  "libunwind.so.8": { apt: "libunwind8", apk: "libunwind" },
  "libz.so.1": { apt: "zlib1g", apk: "zlib" },
  "libbz2.so.1.0": { apt: "libbz2-1.0" },
  "libbz2.so.1": { apk: "libbz2" },
  "liblzma.so.5": { apt: "liblzma5", apk: "xz-libs" },
  "libzstd.so.1": { apt: "libzstd1", apk: "zstd-libs" },
  "liblz4.so.1": { apt: "liblz4-1", apk: "lz4-libs" },
  "libbrotlidec.so.1": { apt: "libbrotli1", apk: "brotli-libs" },
  "libssl.so.3": { apt: "libssl3", apk: "libssl3" },
  "libcrypto.so.3": { apt: "libssl3", apk: "libcrypto3" },
  "libcrypt.so.1": { apt: "libcrypt1" },
  "libcurl.so.4": { apt: "libcurl4", apk: "libcurl" },
  "libnghttp2.so.14": { apt: "libnghttp2-14", apk: "nghttp2-libs" },
  "libssh2.so.1": { apt: "libssh2-1", apk: "libssh2" },
  "libgssapi_krb5.so.2": { apt: "libgssapi-krb5-2", apk: "krb5-libs" },
  "libkrb5.so.3": { apt: "libkrb5-3", apk: "krb5-libs" },
  "libffi.so.8": { apt: "libffi8", apk: "libffi" },
  "libreadline.so.8": { apt: "libreadline8", apk: "readline" },
  "libncursesw.so.6": { apt: "libncursesw6", apk: "libncursesw" },
  "libncurses.so.6": { apt: "libncurses6" },
  "libtinfo.so.6": { apt: "libtinfo6" },
  "libsqlite3.so.0": { apt: "libsqlite3-0", apk: "sqlite-libs" },
  "libxml2.so.2": { apt: "libxml2", apk: "libxml2" },
  "libxslt.so.1": { apt: "libxslt1.1", apk: "libxslt" },
  "libexpat.so.1": { apt: "libexpat1", apk: "libexpat" },
  "libyaml-0.so.2": { apt: "libyaml-0-2", apk: "yaml" },
  "libgmp.so.10": { apt: "libgmp10", apk: "gmp" },
  "libgdbm.so.6": { apt: "libgdbm6", apk: "gdbm" },
  "libdb-5.3.so": { apt: "libdb5.3", apk: "db" },
  "libuuid.so.1": { apt: "libuuid1", apk: "libuuid" },
  "libpcre2-8.so.0": { apt: "libpcre2-8-0", apk: "pcre2" },
  "libglib-2.0.so.0": { apt: "libglib2.0-0", apk: "glib" },
  "libgobject-2.0.so.0": { apt: "libglib2.0-0", apk: "glib" },
  "libpq.so.5": { apt: "libpq5", apk: "libpq" },
  "libicuuc.so.72": { apt: "libicu72" },
  "libelf.so.1": { apt: "libelf1", apk: "libelf" },
  "libnuma.so.1": { apt: "libnuma1", apk: "numactl" },
  "libseccomp.so.2": { apt: "libseccomp2", apk: "libseccomp" },
  "libcap.so.2": { apt: "libcap2", apk: "libcap2" },
  "libbsd.so.0": { apt: "libbsd0", apk: "libbsd" },
  "libnss3.so": { apt: "libnss3", apk: "nss" },
  "libnspr4.so": { apt: "libnspr4", apk: "nspr" },
  "libdbus-1.so.3": { apt: "libdbus-1-3", apk: "dbus-libs" },
  "libatk-1.0.so.0": { apt: "libatk1.0-0", apk: "libatk-1.0" },
  "libatk-bridge-2.0.so.0": { apt: "libatk-bridge2.0-0", apk: "libatk-bridge-2.0" },
  "libcups.so.2": { apt: "libcups2", apk: "cups-libs" },
  "libdrm.so.2": { apt: "libdrm2", apk: "libdrm" },
  "libgbm.so.1": { apt: "libgbm1", apk: "mesa-gbm" },
  "libX11.so.6": { apt: "libx11-6", apk: "libx11" },
  "libxcb.so.1": { apt: "libxcb1", apk: "libxcb" },
  "libXcomposite.so.1": { apt: "libxcomposite1", apk: "libxcomposite" },
  "libXdamage.so.1": { apt: "libxdamage1", apk: "libxdamage" },
  "libXext.so.6": { apt: "libxext6", apk: "libxext" },
  "libXfixes.so.3": { apt: "libxfixes3", apk: "libxfixes" },
  "libXrandr.so.2": { apt: "libxrandr2", apk: "libxrandr" },
  "libxkbcommon.so.0": { apt: "libxkbcommon0", apk: "libxkbcommon" },
  "libpango-1.0.so.0": { apt: "libpango-1.0-0", apk: "pango" },
  "libcairo.so.2": { apt: "libcairo2", apk: "cairo" },
  "libasound.so.2": { apt: "libasound2", apk: "alsa-lib" },
  "libfontconfig.so.1": { apt: "libfontconfig1", apk: "fontconfig" },
  "libfreetype.so.6": { apt: "libfreetype6", apk: "freetype" },
  "libpng16.so.16": { apt: "libpng16-16", apk: "libpng" },
  "libjpeg.so.8": { apk: "libjpeg-turbo" },
  "libGL.so.1": { apt: "libgl1", apk: "mesa-gl" },
};

/** Packages by command. */
export const COMMAND_PACKAGES: Readonly<Record<string, PackageNames>> = {
  python: { apt: "python-is-python3" },
  "python3": { apt: "python3", apk: "python3" },
  ruby: { apt: "ruby", apk: "ruby" },
  java: { apt: "default-jre-headless" },
  php: { apt: "php-cli" },
  lua: { apt: "lua5.4" },
  perl: { apt: "perl", apk: "perl" },
  bash: { apt: "bash", apk: "bash" },
  dash: { apt: "dash", apk: "dash" },
  zsh: { apt: "zsh", apk: "zsh" },
  fish: { apt: "fish", apk: "fish" },
  sh: { apt: "dash", apk: "busybox" },
  env: { apt: "coreutils", apk: "coreutils" },
  git: { apt: "git", apk: "git" },
  make: { apt: "make", apk: "make" },
  awk: { apt: "gawk", apk: "gawk" },
  gawk: { apt: "gawk", apk: "gawk" },
  sed: { apt: "sed", apk: "sed" },
  tclsh: { apt: "tcl", apk: "tcl" },
  expect: { apt: "expect", apk: "expect" },
  Rscript: { apt: "r-base-core", apk: "R" },
};

/** Packages by what programs need while they run. */
export const NEED_PACKAGES: Readonly<Record<string, readonly VersionedPackage[]>> = {
  "ca-certificates": [{ apt: "ca-certificates", apk: "ca-certificates-bundle" }],
  icu: [
    { apt: "libicu67", version: "11" },
    { apt: "libicu70", version: "22.04" },
    { apt: "libicu72", version: "12" },
    { apt: "libicu74", version: "24.04" },
    { apt: "libicu76", version: "13" },
    { apk: "icu-libs" },
  ],
  "time-zones": [{ apt: "tzdata", apk: "tzdata" }],
  locales: [{ apt: "locales-all", apk: "musl-locales" }],
  terminfo: [{ apt: "ncurses-base", apk: "ncurses-terminfo-base" }],
  fonts: [{ apt: "fonts-dejavu-core", apk: "font-dejavu" }],
  git: [{ apt: "git", apk: "git" }],
  debugger: [{ apt: "gdb", apk: "gdb" }],
  sh: [{ apt: "dash", apk: "busybox" }],
  "java-certificates": [{ apt: "ca-certificates-java", apk: "java-cacerts" }],
  musl: [{ apt: "musl" }],
};

/** mise's tools by command. */
export const COMMAND_TOOLS: Readonly<Record<string, string>> = {
  node: "node",
  npm: "node",
  npx: "node",
  bun: "bun",
  deno: "deno",
  python: "python",
  "python3": "python",
  ruby: "ruby",
  go: "go",
  java: "java",
  cargo: "rust",
  rustc: "rust",
  php: "php",
  lua: "lua",
  dotnet: "dotnet",
  pwsh: "powershell-core",
  pnpm: "pnpm",
  yarn: "yarn",
  uv: "uv",
  perl: "perl",
};

/** A base and the newest symbol versions that it has, by their prefix: `GLIBC`. */
export interface Release {
  /** The base as `from` takes it. */
  readonly base: string;
  /** `GLIBC`, `GLIBCXX` and `CXXABI` to the version. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Bases, oldest first. */
export const VERSION_RELEASES: readonly Release[] = [
  {
    base: "debian:bullseye-slim",
    versions: { GLIBC: "2.31", GLIBCXX: "3.4.28", CXXABI: "1.3.12" },
  },
  { base: "ubuntu:22.04", versions: { GLIBC: "2.35", GLIBCXX: "3.4.30", CXXABI: "1.3.13" } },
  {
    base: "debian:bookworm-slim",
    versions: { GLIBC: "2.36", GLIBCXX: "3.4.30", CXXABI: "1.3.13" },
  },
  { base: "ubuntu:24.04", versions: { GLIBC: "2.39", GLIBCXX: "3.4.33", CXXABI: "1.3.15" } },
  { base: "debian:trixie-slim", versions: { GLIBC: "2.41", GLIBCXX: "3.4.33", CXXABI: "1.3.15" } },
];
