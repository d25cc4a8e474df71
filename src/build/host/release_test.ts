import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { fakeClock } from "../../../tests/support/faultreg/fake_clock.ts";
import type { FaultRule } from "../../../tests/support/faultreg/faults.ts";
import { type Server, startServer } from "../../../tests/support/faultreg/http_server.ts";
import { withTree } from "../../../tests/support/layer.ts";
import { MiseOciError } from "../../errors.ts";
import { maybeMiseRelease, type MiseRelease } from "../../mise/mod.ts";
import { parsePlatform } from "../../oci/mod.ts";
import { type Cache, openCache } from "../../store/mod.ts";
import { downloadRelease, maybeCachedRelease } from "./release.ts";
import type { WorkflowContext } from "../../context.ts";

const FILE = "mise-v2026.9.15-linux-arm64";
const EXECUTABLE = new TextEncoder().encode("\x7fELF".padEnd(300_000, "mise "));
const context: WorkflowContext = {
  signal: new AbortController().signal,
  reporter: { emit: () => {} },
};

interface ReleasePage {
  readonly server: Server;
  readonly cache: Cache;
  readonly release: MiseRelease;
  download(): Promise<string>;
}

/** A release page with one executable and its checksum, and an empty cache. */
async function withPage(
  rules: readonly FaultRule[],
  run: (page: ReleasePage) => Promise<void>,
): Promise<void> {
  const hex = createHash("sha256").update(EXECUTABLE).digest("hex");
  await using server = await startServer({
    handle: ({ path }) => {
      if (path === `/mirror/v2026.9.15/${FILE}`) return { status: 200, body: EXECUTABLE };
      if (path !== "/mirror/v2026.9.15/SHASUMS256.txt") return { status: 404 };
      return { status: 200, body: `${"0".repeat(64)}  ./${FILE}.tar.gz\n${hex}  ./${FILE}\n` };
    },
  });
  for (const rule of rules) server.faults.add(rule);
  const from = "https://github.com/jdx/mise/releases/download";
  const release = maybeMiseRelease("2026.9.15", parsePlatform("linux/arm64"), {
    replacements: [[from, `${server.url}/mirror`]],
  });
  assert(release !== undefined);
  await withTree(async (root) => {
    const cache = await openCache(root);
    const options = { cache, clock: fakeClock(), idleTimeoutMs: 300 };
    await run({
      server,
      cache,
      release,
      download: () => downloadRelease(release, options, context),
    });
    const names = Array.from(Deno.readDirSync(cache.blobs.directory.path), ({ name }) => name);
    assertEquals(names.filter((name) => name.startsWith(".tmp-")), [], "a part was left behind");
  });
}

async function failure(page: ReleasePage): Promise<MiseOciError> {
  const error = await assertRejects(page.download, MiseOciError);
  assertEquals(await maybeCachedRelease(page.release, page.cache), undefined);
  return error;
}

Deno.test("downloadRelease() stores the executable with its checksum; the cache has it from then on", async () => {
  await withPage([], async ({ server, release, cache, download }) => {
    assertEquals(await maybeCachedRelease(release, cache), undefined);
    const path = await download();
    assertEquals(await Deno.readFile(path), EXECUTABLE);
    assertEquals(server.log.map(({ path }) => path.split("/").pop()), ["SHASUMS256.txt", FILE]);
    assertEquals(await maybeCachedRelease(release, cache), path);
    const listed = (await cache.list()).map(({ kind, description }) => `${kind}: ${description}`);
    assertEquals(listed.sort(), [`blob: ${FILE}`, `document: mise-releases of ${FILE}`]);
  });
});

Deno.test("downloadRelease() refuses bytes that do not have the checksum", async () => {
  const rule: FaultRule = { path: /arm64$/, fault: { kind: "wrongBytes", at: 1000 } };
  await withPage([rule], async (page) => {
    const { code, message } = await failure(page);
    assertEquals(code, "integrity");
    assertStringIncludes(message, `/mirror/v2026.9.15/${FILE}: its bytes do not have the checksum`);
  });
});

Deno.test("downloadRelease() fetches again after a connection that was cut off, or an overloaded server", async () => {
  const rules: FaultRule[] = [
    { path: /SHASUMS/, fault: { kind: "status", status: 503 } },
    { path: /arm64$/, nth: 1, fault: { kind: "closeAfter", bytes: 100_000 } },
    { path: /arm64$/, nth: 1, fault: { kind: "stallAfter", bytes: 1000 } },
  ];
  await withPage(rules, async ({ server, download }) => {
    assertEquals(await Deno.readFile(await download()), EXECUTABLE);
    assertEquals(server.log.length, 5);
  });
});

Deno.test("downloadRelease() gives up on a server that cuts off every time", async () => {
  const fault = { kind: "closeAfter", bytes: 100_000 } as const;
  await withPage([{ path: /arm64$/, times: Infinity, fault }], async (page) => {
    assertEquals((await failure(page)).code, "network");
    assertEquals(page.server.log.length, 4);
  });
});

Deno.test("downloadRelease() names what a server answers that has no such release", async () => {
  const fault = { kind: "status", status: 404 } as const;
  await withPage([{ path: /SHASUMS/, fault }], async (page) => {
    const { code, message } = await failure(page);
    assertEquals(code, "network");
    assertStringIncludes(message, "SHASUMS256.txt answered 404");
    assertEquals(page.server.log.length, 1);
  });
});

Deno.test("downloadRelease() downloads nothing without a checksum to hold it against", async () => {
  for (const body of ["", "<html>", "0".repeat(2 << 20)]) {
    const fault = { kind: "status", status: 200, body } as const;
    await withPage([{ path: /SHASUMS/, fault }], async (page) => {
      assertEquals((await failure(page)).code, "invalid");
      assertEquals(page.server.log.length, 1);
    });
  }
});

Deno.test("downloadRelease() follows redirects to http and https only, and not for ever", async () => {
  const redirect = (url: string, times = 1): FaultRule => ({
    path: /SHASUMS/,
    times,
    fault: { kind: "redirect", status: 302, url },
  });
  await withPage([redirect("SHASUMS256.txt")], async ({ download }) => {
    assertEquals(await Deno.readFile(await download()), EXECUTABLE);
  });
  for (const rule of [redirect("file:///etc/passwd"), redirect("SHASUMS256.txt", Infinity)]) {
    await withPage([rule], async (page) => {
      assertEquals((await failure(page)).code, "network");
    });
  }
});
