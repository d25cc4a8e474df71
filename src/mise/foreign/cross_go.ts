/**
 * `go:` tools for another platform. Go compiles for any, but installs what it has cross-compiled only into
 * GOPATH, and mise sets GOBIN. So mise is given a `go` of ours in front of the machine's own: a script that
 * takes GOBIN away from `go install` and puts there what comes out.
 * @module
 */
import { DELIMITER, join } from "@std/path";
import { formatPlatform, type Platform } from "../../oci/mod.ts";
import type { ForeignPlatform } from "./foreign_platform.ts";

/** Go's names of architectures are those of OCI; these have variants that must be named. */
const VARIANTS: Readonly<Record<string, string>> = { arm: "GOARM=7" };

/** A shell word. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The script. Go's module cache stays the user's; without cgo, whose C compiler would be this machine's.
 *
 * @param go Absolute path of the machine's own `go`.
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

/** The first `go` of a PATH; `undefined` if there is none, or no shell to run the script. */
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
 * Puts a `go` that compiles for the platform in front of a PATH.
 *
 * @returns the new PATH; or why there can be none.
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
