/**
 * A tool that needs nothing of the image: busybox, linked statically, of two platforms, as mise's `http:` backend
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

/** Serves the tool on a loopback port. */
export async function serveStaticTool(): Promise<StaticTool> {
  const archives = await makeArchives();
  const server = serveFiles(async (path) => await Deno.readFile(join(archives, path)));
  const platforms = Object.entries(ARCHITECTURES).map(([architecture, name]) =>
    `linux-${name} = { url = "${server.url}/${architecture}.tar.gz" }\n`
  );
  const toml = '[tools."http:busybox"]\nversion = "1.0.0"\nbin_path = "bin"\n' +
    `[tools."http:busybox".platforms]\n${platforms.join("")}`;
  return { ...server, toml, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
