/**
 * A mirror of nodejs.org with one release for two architectures, made of packages of the npm registry,
 * and a server for files of a test's own.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { run } from "./testbed/command.ts";
import { cached } from "./testbed/kept.ts";

/** The release that the mirror has. */
export const NODE_VERSION = "24.20.0";

async function unpack(name: string, into: string): Promise<void> {
  await Deno.mkdir(into, { recursive: true });
  const packed = await run(["npm", "pack", "--silent", "--pack-destination", into, name]);
  const archive = join(into, packed.stdout.trim().split("\n").at(-1) ?? "");
  await run(["tar", "-xzf", archive, "-C", into, "--strip-components=1", "--no-same-owner"]);
  await Deno.remove(archive);
}

/** The directory of the mirror. Made the first time, then cached; nobody may change it. */
export async function buildNodeMirror(): Promise<string> {
  return await cached({ name: `node-mirror-${NODE_VERSION}` }, async (root) => {
    const release = `v${NODE_VERSION}`;
    await Deno.mkdir(join(root, release));
    const sums: string[] = [];
    for (const arch of ["x64", "arm64"]) {
      const name = `node-${release}-linux-${arch}`;
      await unpack(`node-linux-${arch}@${NODE_VERSION}`, join(root, name));
      await unpack("npm@11.6.1", join(root, name, "lib/node_modules/npm"));
      await Deno.symlink("../lib/node_modules/npm/bin/npm-cli.js", join(root, name, "bin/npm"));
      const archive = join(root, release, `${name}.tar.gz`);
      await run(["tar", "-C", root, "-czf", archive, name]);
      await Deno.remove(join(root, name), { recursive: true });
      const hash = createHash("sha256").update(await Deno.readFile(archive)).digest("hex");
      sums.push(`${hash}  ${name}.tar.gz\n`);
    }
    await Deno.writeTextFile(join(root, release, "SHASUMS256.txt"), sums.join(""));
    const files = ["linux-arm64", "linux-x64"];
    const index = [{ version: release, date: "2026-01-01", files, lts: false, security: false }];
    await Deno.writeTextFile(join(root, "index.json"), JSON.stringify(index));
  });
}

/** A server on a loopback port of its own. */
export interface FileServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
}

/** Serves what `answer` gives for a path; `undefined` is a 404. */
export function serveFiles(
  answer: (path: string) => BodyInit | undefined | Promise<BodyInit | undefined>,
): FileServer {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = await answer(new URL(request.url).pathname);
      return body === undefined ? new Response(null, { status: 404 }) : new Response(body);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Serves the mirror. */
export async function startNodeMirror(): Promise<FileServer> {
  const root = await buildNodeMirror();
  return serveFiles(async (path) => {
    const file = await Deno.open(join(root, path)).catch(() => undefined);
    return file?.readable;
  });
}
