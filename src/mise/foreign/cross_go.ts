/**
 * Cross-compiles `go:` tools. Go refuses to install cross-compiled programs when GOBIN is set, as
 * mise does, so mise gets a wrapper of `go` on PATH that unsets GOBIN and moves the resulting
 * programs there.
 * @module
 */
import { DELIMITER, join } from "@std/path";
import { formatPlatform, type Platform } from "../../oci/mod.ts";
import type { ForeignPlatform } from "./foreign_platform.ts";

/** Variants to set for some architectures; Go and OCI use the same names for architectures. */
const VARIANTS: Readonly<Record<string, string>> = { arm: "GOARM=7" };

/** Quotes a shell word. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The wrapper script. It uses the user's Go module cache, and no cgo, because the C compiler would
 * be the host's.
 *
 * @param go Absolute path of the real `go`.
 */
function crossGoScript(go: string, { os, architecture }: Platform): string {
  const real = quote(go);
  const target = ["CGO_ENABLED=0", `GOOS=${os}`, `GOARCH=${architecture}`];
  const variant = VARIANTS[architecture];
  return `#!/bin/sh
# Written by mise-oci: go install for ${os}/${architecture}, although GOBIN is set.
set -eu
if [ "\${1-}" != install ] || [ -z "\${GOBIN-}" ]; then exec ${real} "$@"; fi
bin=$GOBIN
modules=$(${real} env GOMODCACHE)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset GOBIN
env GOPATH="$work" GOMODCACHE="$modules" \\
  ${[...target, ...(variant === undefined ? [] : [variant])].join(" ")} ${real} "$@"
mkdir -p "$bin"
mv "$work/bin/${os}_${architecture}/"* "$bin/"
`;
}

/** The first `go` on a PATH; `undefined` if there is none, or no shell for the script. */
async function maybeFindGo(path: string): Promise<string | undefined> {
  if (Deno.build.os === "windows") return undefined;
  for (const directory of path.split(DELIMITER)) {
    if (!directory.startsWith("/")) continue;
    const file = join(directory, "go");
    const info = await Deno.stat(file).catch(() => undefined);
    if (info?.isFile && ((info.mode ?? 0) & 0o111) !== 0) return file;
  }
  return undefined;
}

/**
 * Prepends the directory of the cross-compiling `go` to a PATH.
 *
 * @returns the new PATH, or why that is not possible.
 */
export async function prependCrossGo(
  path: string,
  { platform, directory }: ForeignPlatform,
): Promise<{ readonly path: string } | { readonly why: string }> {
  const go = await maybeFindGo(path);
  if (go === undefined) {
    return { why: `there is no go here to compile it for ${formatPlatform(platform)} with` };
  }
  const own = join(directory, "bin");
  await Deno.mkdir(own, { recursive: true });
  const temporary = join(own, `.go-${crypto.randomUUID()}`);
  await Deno.writeTextFile(temporary, crossGoScript(go, platform), { mode: 0o755 });
  await Deno.rename(temporary, join(own, "go"));
  return { path: [own, path].join(DELIMITER) };
}
