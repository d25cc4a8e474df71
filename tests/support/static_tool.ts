/**
 * A tool that needs nothing of the image: busybox, linked statically, of two platforms, as mise's `github:` backend
 * installs it from a server of the test's own.
 * @module
 */
import { join } from "@std/path";
import { type FileServer, serveFiles } from "./node_mirror.ts";
import { archiveOf } from "./platforms.ts";
import { extractPackages, makeTempDir } from "./testbed.ts";
import { cached } from "./testbed/kept.ts";

/** Architectures as OCI and mise call them. */
const ARCHITECTURES = { amd64: "x64", arm64: "arm64" } as const;

type Architecture = keyof typeof ARCHITECTURES;

/** The directory of the archives, `ARCHITECTURE.tar.gz` with `bin/busybox` in it. Made the first time. */
async function makeArchives(): Promise<string> {
  return await cached({ name: "static-tool", sources: [import.meta.url] }, async (into) => {
    for (const architecture of Object.keys(ARCHITECTURES) as Architecture[]) {
      await using temp = await makeTempDir();
      await extractPackages(temp.path, { architecture, packages: ["busybox-static"] });
      const program = await Deno.readFile(join(temp.path, "bin/busybox"));
      const archive = await archiveOf("busybox", program);
      await Deno.writeFile(join(into, `${architecture}.tar.gz`), archive);
    }
  });
}

/** A server that has the tool, and the tool's entry of `mise.toml`. */
export interface StaticTool extends FileServer {
  /** The `[tools]` table. */
  readonly toml: string;
}

/** What the API of GitHub says of a release. */
function releaseOf(url: string): unknown {
  const created = "2026-01-01T00:00:00Z";
  const assets = Object.entries(ARCHITECTURES).map(([architecture, name]) => ({
    name: `busybox-linux-${name}.tar.gz`,
    browser_download_url: `${url}/${architecture}.tar.gz`,
    url: `${url}/${architecture}.tar.gz`,
  }));
  const flags = { draft: false, prerelease: false };
  return { tag_name: "1.0.0", created_at: created, published_at: created, ...flags, assets };
}

/** Serves the tool on a loopback port. */
export async function serveStaticTool(): Promise<StaticTool> {
  const archives = await makeArchives();
  const server: FileServer = serveFiles(async (path) => {
    if (path.endsWith(".tar.gz")) return await Deno.readFile(join(archives, path));
    const release = releaseOf(server.url);
    if (path.endsWith("/releases")) return JSON.stringify([release]);
    return /\/releases\/(?:tags\/1\.0\.0|latest)$/.test(path) ? JSON.stringify(release) : undefined;
  });
  const toml = `[tools."github:test/busybox"]\nversion = "1.0.0"\napi_url = "${server.url}"\n`;
  return { url: server.url, toml, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
