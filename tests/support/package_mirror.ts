/**
 * A mirror of the npm registry that this machine uses, which counts what it sends and asks once for each file.
 * @module
 */
import { join } from "@std/path";
import { exists, makeTempDir, run } from "./testbed.ts";

/** A mirror that runs until it is disposed of. */
export interface PackageMirror extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/`. What it says of packages leads to archives of its own. */
  readonly url: string;
}

/** Starts it, with nothing in it. @param sent is called with the number of bytes of each answer. */
export async function startPackageMirror(
  sent: (bytes: number) => void,
): Promise<PackageMirror> {
  const temp = await makeTempDir();
  const upstream = (await run(["npm", "config", "get", "registry"])).stdout.trim();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const wanted = `${pathname.slice(1)}${search}`;
      const file = join(
        temp.path,
        encodeURIComponent(`${request.headers.get("accept")} ${wanted}`),
      );
      if (!await exists(file)) {
        const accept = { Accept: request.headers.get("accept") ?? "*/*" };
        const answer = await fetch(new URL(wanted, upstream), { headers: accept });
        if (!answer.ok || request.method !== "GET") {
          return new Response(answer.body, { status: answer.status });
        }
        const type = answer.headers.get("content-type") ?? "application/octet-stream";
        await Deno.writeTextFile(`${file}.type`, type);
        if (type.includes("json")) {
          const text = await answer.text();
          const here = new URL("/", request.url).href;
          // Archives may be named at the registry's public address, whichever host answers.
          const archive = /("tarball":\s*")https?:\/\/[^"]*?\/((?:@[^/"]+\/)?[^/"]+\/-\/)/g;
          const own = text.replaceAll(`"${upstream}`, `"${here}`).replaceAll(
            archive,
            `$1${here}$2`,
          );
          await Deno.writeTextFile(file, own);
        } else await Deno.writeFile(file, new Uint8Array(await answer.arrayBuffer()));
      }
      const bytes = await Deno.readFile(file);
      sent(bytes.length);
      const type = await Deno.readTextFile(`${file}.type`);
      return new Response(bytes, { headers: { "Content-Type": type } });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      await temp[Symbol.asyncDispose]();
    },
  };
}
