import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import { makeTempDir } from "../../tests/support/testbed/command.ts";
import { readTar } from "../tar/read_tar.ts";
import { retainInBuildCache } from "./engines.ts";

const ignore = Deno.build.os === "windows";

/** What a daemon was asked. */
interface Asked {
  readonly url: URL;
  readonly files: Readonly<Record<string, string>>;
}

async function filesOf(request: Request): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  if (request.body === null) return files;
  for await (const entry of readTar(request.body)) {
    const chunks = await Array.fromAsync(entry.content(), (chunk) => chunk.slice());
    files[entry.path] = await new Blob(chunks).text();
  }
  return files;
}

/** Calls `action` with the address of a daemon that answers so, and gives what it was asked. */
async function withDaemon(
  answer: () => Response,
  action: (host: string) => Promise<void>,
): Promise<readonly Asked[]> {
  await using temp = await makeTempDir();
  const path = join(temp.path, "docker.sock");
  const asked: Asked[] = [];
  const server = Deno.serve({ transport: "unix", path, onListen: () => {} }, async (request) => {
    asked.push({ url: new URL(request.url), files: await filesOf(request) });
    return answer();
  });
  try {
    await action(`unix://${path}`);
  } finally {
    await server.shutdown();
  }
  return asked;
}

Deno.test({
  name: "the daemon builds FROM the image and exports nothing",
  ignore,
  fn: async () => {
    const asked = await withDaemon(
      () => new Response('{"id":"moby.buildkit.trace","aux":"x"}\n'),
      (host) => retainInBuildCache(host, { image: "a.local/run:1", platform: "linux/arm64" }),
    );
    assertEquals(asked.map(({ files }) => files), [
      { Dockerfile: "FROM --platform=linux/arm64 a.local/run:1\n" },
    ]);
    const { pathname, searchParams } = asked[0]!.url;
    assertEquals([pathname, searchParams.get("version"), searchParams.get("outputs")], [
      "/build",
      "2",
      '[{"Type":"cacheonly"}]',
    ]);
  },
});

Deno.test({
  name: "a build that fails, a daemon without BuildKit and one that is not there are errors",
  ignore,
  fn: async () => {
    const progress = '{"aux":1}\n{"errorDetail":{"message":"boom"},"error":"boom"}\n';
    for (
      const [answer, text] of [
        [(): Response => new Response(progress), "boom"],
        [(): Response => new Response("no buildkit here", { status: 500 }), "no buildkit here"],
      ] as const
    ) {
      await withDaemon(answer, async (host) => {
        const error = await assertRejects(
          () => retainInBuildCache(host, { image: "x:1" }),
          MiseOciError,
        );
        assertStringIncludes(error.message, text);
      });
    }
    for (const host of ["unix:///nowhere/docker.sock", "ssh://somebody@elsewhere"]) {
      await assertRejects(() => retainInBuildCache(host, { image: "x:1" }), MiseOciError);
    }
  },
});
