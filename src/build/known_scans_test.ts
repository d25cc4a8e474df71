import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { NO_BASE, toolPlan, withTree } from "../../tests/support/layer.ts";
import { fingerprintTree, scanLayer } from "../layer/mod.ts";
import type { BuildPlan, LayerPlan } from "../plan/mod.ts";
import { type Cache, openCache } from "../store/mod.ts";
import type { ReportEvent } from "../ui/reporter.ts";
import { KnownScan, type KnownScanOptions } from "./known_scans.ts";
import { makeLayers } from "./layers.ts";

const COMPRESSION = { kind: "gzip" } as const;

type Options = Omit<KnownScanOptions, "cache">;
const OPTIONS: Options = { groundKey: "", plan: { compression: COMPRESSION } };

const LIB = "lib/pkg";

/** Writes a small tool. */
async function writeTool(directory: string): Promise<void> {
  await Deno.mkdir(join(directory, "bin"), { recursive: true });
  await Deno.mkdir(join(directory, LIB), { recursive: true });
  await Deno.writeTextFile(join(directory, LIB, "a.js"), "aaaa");
  await Deno.writeTextFile(join(directory, LIB, "b.js"), "bbbb");
  await Deno.writeTextFile(join(directory, "lib/run"), "#!/bin/sh\n", { mode: 0o755 });
  await Deno.symlink("../lib/run", join(directory, "bin/run"));
}

/** Everything that `change` does to a file, but for its change time. */
async function keepingTimes(path: string, change: () => Promise<void>): Promise<void> {
  const { atime, mtime } = await Deno.stat(path);
  await change();
  await Deno.utime(path, atime ?? 0, mtime ?? 0);
}

/** What may happen to a tool, and whether its layer is another one then. */
const CHANGES: Readonly<Record<string, (directory: string) => Promise<void>>> = {
  "a file edited in place, same size and time": (directory) => {
    const path = join(directory, LIB, "a.js");
    return keepingTimes(path, () => Deno.writeTextFile(path, "AAAA"));
  },
  "a file replaced, same size and time": async (directory) => {
    const path = join(directory, LIB, "a.js");
    const { atime, mtime } = await Deno.stat(path);
    await Deno.writeTextFile(`${path}.new`, "AAAA");
    await Deno.utime(`${path}.new`, atime ?? 0, mtime ?? 0);
    await Deno.rename(`${path}.new`, path);
  },
  "two files exchanged": async (directory) => {
    const [a, b, c] = ["a.js", "b.js", "c"].map((name) => join(directory, LIB, name)) as [
      string,
      string,
      string,
    ];
    await Deno.rename(a, c);
    await Deno.rename(b, a);
    await Deno.rename(c, b);
  },
  "another mode": (directory) => Deno.chmod(join(directory, LIB, "a.js"), 0o755),
  "another time": (directory) => Deno.utime(join(directory, LIB, "a.js"), 1, 1),
  "a link to something else": async (directory) => {
    await Deno.remove(join(directory, "bin/run"));
    await Deno.symlink("../lib/ran", join(directory, "bin/run"));
  },
  "a link in the place of a file": async (directory) => {
    await Deno.remove(join(directory, LIB, "b.js"));
    await Deno.symlink("a.js", join(directory, LIB, "b.js"));
  },
  "a file more": (directory) => Deno.writeTextFile(join(directory, LIB, "c.js"), ""),
  "an empty directory more": (directory) => Deno.mkdir(join(directory, LIB, "c")),
  "a file less": (directory) => Deno.remove(join(directory, LIB, "b.js")),
  "another name": (directory) =>
    Deno.rename(join(directory, LIB, "b.js"), join(directory, LIB, "c.js")),
  "a file in another directory": (directory) =>
    Deno.rename(join(directory, LIB, "b.js"), join(directory, "lib/b.js")),
  "a hard link": (directory) =>
    Deno.link(join(directory, LIB, "a.js"), join(directory, "lib/a.js")),
  "another tool in its place": async (directory) => {
    await Deno.rename(directory, `${directory}.old`);
    await writeTool(directory);
  },
};

/** Looks at a layer as a build does; what a scan leads to is kept. */
async function look(
  plan: LayerPlan,
  cache: Cache,
  options: Options = OPTIONS,
): Promise<{ readonly known: string | undefined; readonly scanned: string }> {
  const known = await KnownScan.maybe(plan, { ...options, cache });
  if (known === undefined) throw new Error("The layer is always scanned");
  const tree = await scanLayer(plan, { baseDirectories: NO_BASE });
  const scanned = await fingerprintTree(plan, tree, COMPRESSION);
  await known.keep(tree, { fingerprint: scanned, searched: false });
  return { known: known.fingerprint, scanned };
}

/** Waits until what was written before can be trusted. */
async function outwait(since: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, since + 3100 - Date.now())));
}

Deno.test("D18: a tool is scanned again once anything in it has changed, and not before", async () => {
  await withTree(async (root) => {
    const cache = await openCache(join(root, "cache"));
    const names = Object.keys(CHANGES);
    const tools = names.map((_, i) => join(root, `tool-${i}`, "1.0"));
    for (const directory of tools) await writeTool(directory);
    const young = await look(toolPlan(tools[0] ?? ""), cache);
    assertEquals((await look(toolPlan(tools[0] ?? ""), cache)).known, undefined, "too young");
    await outwait(Date.now());
    for (const [i, directory] of tools.entries()) {
      const plan = toolPlan(directory);
      const { scanned } = await look(plan, cache);
      if (i === 0) assertEquals(scanned, young.scanned);
      assertEquals((await look(plan, cache)).known, scanned, `unchanged: ${names[i]}`);
      await CHANGES[names[i] ?? ""]?.(directory);
      const changed = await look(plan, cache);
      assertEquals(changed.known, undefined, names[i]);
      assertNotEquals(changed.scanned, scanned, names[i]);
    }
  });
});

/** A tool of an hour ago, as far as the program can tell. */
async function withOldTool(
  test: (tool: {
    readonly directory: string;
    readonly plan: LayerPlan;
    readonly cache: Cache;
  }) => Promise<void>,
): Promise<void> {
  await withTree(async (root) => {
    const directory = join(root, "installs/tool/1.0");
    await writeTool(directory);
    const { now } = Date;
    Date.now = () => now() + 3_600_000;
    try {
      await test({ directory, plan: toolPlan(directory), cache: await openCache(join(root, "c")) });
    } finally {
      Date.now = now;
    }
  });
}

Deno.test("D18: everything that a scan depends on besides the files is part of what is known of it", async () => {
  await withOldTool(async ({ directory, plan, cache }) => {
    const other = { host: join(dirname(dirname(directory)), "other/1.0"), image: "/mise/other" };
    const { scanned } = await look(plan, cache);
    assertEquals((await look(plan, cache)).known, scanned);
    const others: readonly LayerPlan[] = [
      { ...plan, owner: { uid: 7, gid: 0 } },
      { ...plan, exclude: ["*.js"] },
      { ...plan, policies: { isInstall: true } },
      { ...plan, sources: plan.sources.map((one) => ({ ...one, imagePath: "/elsewhere" })) },
      { ...plan, relocations: [] },
    ];
    for (const one of others) assertEquals((await look(one, cache)).known, undefined);
    const { plan: exposure } = OPTIONS;
    const options: readonly Options[] = [
      { ...OPTIONS, groundKey: "another base" },
      { ...OPTIONS, plan: { ...exposure, allowed: ["/a"] } },
      { ...OPTIONS, plan: { ...exposure, compression: { kind: "gzip", level: 9 } } },
    ];
    for (const one of options) assertEquals((await look(plan, cache, one)).known, undefined);
    // Another tool's place is of no interest to a tree whose links stay in it.
    const bumped = { ...plan, relocations: [...plan.relocations, other] };
    assertEquals((await look(bumped, cache)).known, scanned);
  });
});

Deno.test("D18: a tool that links to another one is scanned again when that one moves", async () => {
  await withOldTool(async ({ directory, plan, cache }) => {
    const host = join(dirname(dirname(directory)), "other/1.0");
    await Deno.symlink(`${host}/bin/x`, join(directory, "bin/x"));
    const withOther = (image: string): LayerPlan => ({
      ...plan,
      relocations: [...plan.relocations, { host, image }],
    });
    const { scanned } = await look(withOther("/mise/other/1.0"), cache);
    assertEquals((await look(withOther("/mise/other/1.0"), cache)).known, scanned);
    const moved = await look(withOther("/mise/other/1.1"), cache);
    assertEquals(moved.known, undefined);
    assertNotEquals(moved.scanned, scanned);
  });
});

Deno.test("nothing is kept of what only a scan can judge", async () => {
  await withOldTool(async ({ directory, plan, cache }) => {
    using _listener = Deno.listen({ transport: "unix", path: join(directory, "bin/socket") });
    await look(plan, cache);
    assertEquals((await look(plan, cache)).known, undefined, "a socket");
  });
  await withOldTool(async ({ directory, plan, cache }) => {
    await Deno.writeTextFile(`${directory}.cfg`, "home = /usr");
    await Deno.symlink(`${directory}.cfg`, join(directory, "lib/pyvenv.cfg"));
    await look(plan, cache);
    assertEquals((await look(plan, cache)).known, undefined, "a venv described elsewhere");
  });
  await withOldTool(async ({ directory, plan, cache }) => {
    assertEquals(
      await KnownScan.maybe({ ...plan, policies: {} }, { ...OPTIONS, cache }),
      undefined,
    );
    await Deno.remove(directory, { recursive: true });
    assertEquals(await KnownScan.maybe(plan, { ...OPTIONS, cache }), undefined);
  });
});

Deno.test("D18: a damaged record of a scan is none", async () => {
  await withOldTool(async ({ plan, cache }) => {
    await look(plan, cache);
    const get = cache.getDocument.bind(cache);
    for (const field of ["state", "fingerprint", "relocations", "searched"]) {
      cache.getDocument = async (namespace, key) => {
        const { [field]: _, ...rest } = (await get(namespace, key)) as Record<string, unknown>;
        return rest;
      };
      const known = await KnownScan.maybe(plan, { ...OPTIONS, cache });
      assertEquals(known?.fingerprint, undefined, field);
    }
  });
});

/** Makes the layer; tells whether it was scanned, and what was said. */
async function makeTool(
  layer: LayerPlan,
  cache: Cache,
  exposure: Pick<BuildPlan, "declared" | "allowed"> = {},
): Promise<{ readonly scanned: boolean; readonly status: string; readonly warnings: string }> {
  const events: ReportEvent[] = [];
  let scanned = false;
  const plan: BuildPlan = {
    platform: { os: "linux", architecture: "amd64" },
    from: { kind: "scratch" },
    fromText: "scratch",
    mountPoint: "/mise",
    compression: COMPRESSION,
    layers: [layer],
    config: {} as BuildPlan["config"],
    warnings: [],
    ...exposure,
  };
  const [made] = await makeLayers(plan, {
    cache,
    useCache: true,
    baseDirectories: NO_BASE,
    strict: false,
    jobs: 1,
    inspect: () => {
      scanned = true;
      return Promise.resolve();
    },
    known: { groundKey: "", isNeeded: () => false },
  }, {
    reporter: { emit: (event) => void events.push(event) },
    signal: new AbortController().signal,
  });
  const warnings = events.flatMap((event) => event.type === "warning" ? event.text : []).join("\n");
  return { scanned, status: made?.status ?? "", warnings };
}

Deno.test("makeLayers() scans a tool once, and again if its layer is gone", async () => {
  await withOldTool(async ({ plan, cache }) => {
    const made = async (): Promise<string> => {
      const { scanned, status } = await makeTool(plan, cache);
      return `${status}${scanned ? ", scanned" : ""}`;
    };
    assertEquals(await made(), "built, scanned");
    assertEquals(await made(), "cached");
    for await (const { key } of cache.layers.list()) await cache.layers.remove(key);
    assertEquals(await made(), "built, scanned");
  });
});

Deno.test("A17: credentials in a tool are a warning of every build, and declared values are looked for", async () => {
  await withOldTool(async ({ directory, plan, cache }) => {
    await Deno.writeTextFile(join(directory, "lib/.env"), "API_TOKEN=abc123def456\n");
    for (let i = 0; i < 2; i++) {
      const { scanned, warnings } = await makeTool(plan, cache);
      assert(scanned && warnings.includes(".env"), warnings);
    }
    const allowed = ["/**/.env"];
    for (const scanned of [true, false]) {
      assertEquals((await makeTool(plan, cache, { allowed })).scanned, scanned);
    }
  });
  await withOldTool(async ({ directory, plan, cache }) => {
    await Deno.writeTextFile(join(directory, "lib/.npmrc"), "color=false\n");
    for (const scanned of [true, false]) {
      assertEquals((await makeTool(plan, cache)).scanned, scanned);
    }
    const declared = [{
      name: "COLOR",
      value: "nothing like it",
      places: [],
    }] as unknown as BuildPlan["declared"];
    for (let i = 0; i < 2; i++) {
      assert((await makeTool(plan, cache, { ...(declared && { declared }) })).scanned);
    }
  });
});
