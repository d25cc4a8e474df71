import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { cacheBase } from "../../tests/support/cached_base.ts";
import { withTree } from "../../tests/support/layer.ts";
import { tar } from "../../tests/support/tar_fixture.ts";
import { MiseOciError } from "../errors.ts";
import { type LayerTree, scanLayer } from "../layer/mod.ts";
import type { LayerPlan } from "../plan/mod.ts";
import { openCache } from "../store/mod.ts";
import { readBaseDirectories } from "./base/base_facts.ts";
import { hiddenFiles, refuseConflicts, refuseReplacements } from "./inspect_tree.ts";
import type { WorkflowContext } from "../context.ts";

const BASE = tar(
  { name: "usr/" },
  { name: "usr/lib/" },
  { name: "usr/lib/private/", mode: 0o700, uid: 7, gid: 8 },
  { name: "lib", link: "usr/lib" },
  { name: "etc/" },
  { name: "etc/passwd", content: "root:x:0:0\n" },
  { name: "etc/deep", link: "../lib/private" },
  { name: "loop", link: "loop" },
);

function copyPlan(hostPath: string, imagePath: string): LayerPlan {
  return {
    kind: "copy",
    name: imagePath,
    owner: { uid: 0, gid: 0 },
    sources: [{ type: "tree", hostPath, imagePath }],
    relocations: [],
    exclude: [],
    policies: {},
    createdBy: "test",
    annotations: {},
  };
}

/** Scans a copy onto {@linkcode BASE} and checks what it would replace. */
async function copyOnto(root: string, hostPath: string, imagePath: string): Promise<LayerTree> {
  const cache = await openCache(join(root, "cache"));
  const ground = await cacheBase(cache, BASE);
  const context: WorkflowContext = {
    signal: new AbortController().signal,
    reporter: { emit: () => {} },
  };
  const plan = copyPlan(hostPath, imagePath);
  const once = async (): Promise<LayerTree> => {
    const baseDirectories = await readBaseDirectories(ground, cache, context);
    const tree = await scanLayer(plan, { baseDirectories });
    await refuseReplacements(plan, tree, { ground, baseDirectories, cache }, context);
    return tree;
  };
  const first = await once();
  // The second time, the directories come from the cache.
  assertEquals((await once()).entries, first.entries);
  return first;
}

async function copiedPaths(
  root: string,
  hostPath: string,
  imagePath: string,
): Promise<readonly string[]> {
  const { entries } = await copyOnto(root, hostPath, imagePath);
  return entries.map(({ path, type }) => type === "directory" ? `${path}/` : path);
}

Deno.test("what goes below a link of the base is written where the link leads", async () => {
  await withTree(async (root) => {
    const app = join(root, "app");
    await Deno.mkdir(join(app, "lib/more"), { recursive: true });
    await Deno.writeTextFile(join(app, "lib/more/a"), "1");
    await Deno.symlink("a", join(app, "lib/more/link"));
    const more = join(app, "lib/more");
    assertEquals(await copiedPaths(root, more, "/lib/x"), [
      "usr/lib/x/",
      "usr/lib/x/a",
      "usr/lib/x/link",
    ]);
    assertEquals(await copiedPaths(root, more, "/lib"), ["usr/lib/a", "usr/lib/link"]);
    // A link to a link, to a directory with special attributes.
    assertEquals(await copiedPaths(root, more, "/etc/deep/y"), [
      "usr/lib/private/",
      "usr/lib/private/y/",
      "usr/lib/private/y/a",
      "usr/lib/private/y/link",
    ]);
    assertEquals(await copiedPaths(root, more, "/srv/lib"), [
      "srv/",
      "srv/lib/",
      "srv/lib/a",
      "srv/lib/link",
    ]);
  });
});

Deno.test("a directory of the base that is reserved stays so below a link", async () => {
  await withTree(async (root) => {
    const file = join(root, "file");
    await Deno.writeTextFile(file, "1");
    const { entries } = await copyOnto(root, file, "/etc/deep/f");
    const [directory] = entries;
    assertEquals(directory, {
      path: "usr/lib/private",
      type: "directory",
      mode: 0o700,
      uid: 7,
      gid: 8,
      target: "",
    });
  });
});

Deno.test("what would make a file of a directory of the base, or the reverse, is refused", async () => {
  await withTree(async (root) => {
    const [file, directory] = [join(root, "file"), join(root, "directory")];
    await Deno.writeTextFile(file, "1");
    await Deno.mkdir(directory);
    for (
      const [host, image, says] of [
        [file, "/usr/lib", '"/usr/lib" is a directory of the base image, and would become a file'],
        [file, "/lib", '"/lib" is a directory of the base image, and would become a file'],
        [directory, "/etc/passwd", '"/etc/passwd" is a file of the base image'],
        [directory, "/etc/passwd/x", '"/etc/passwd" is a file of the base image'],
        [file, "/loop/x", '"/loop" is a file of the base image'],
      ] as const
    ) {
      const error = await assertRejects(() => copyOnto(root, host, image), MiseOciError, says);
      assertEquals(error.code, "invalid");
    }
    assertEquals(await copiedPaths(root, file, "/etc/passwd"), ["etc/passwd"]);
    assertEquals(await copiedPaths(root, file, "/loop"), ["loop"]);
  });
});

Deno.test("layers that are a file and a directory in one place are refused, whichever comes first", async () => {
  await withTree(async (root) => {
    const [file, directory] = [join(root, "file"), join(root, "directory")];
    await Deno.writeTextFile(file, "1");
    await Deno.mkdir(join(directory, "sub"), { recursive: true });
    await Deno.writeTextFile(join(directory, "sub/x"), "1");
    const scan = async (host: string, image: string): Promise<[LayerPlan, LayerTree]> => {
      const plan = copyPlan(host, image);
      return [plan, await scanLayer(plan, { baseDirectories: { has: () => false } })];
    };
    const clash = async (a: [string, string], b: [string, string]): Promise<string | undefined> => {
      const [one, other] = [await scan(...a), await scan(...b)];
      const said = [[one, other] as const, [other, one] as const].map(([first, second]) => {
        try {
          refuseConflicts(...second, new Map([first, second]));
          return undefined;
        } catch (error) {
          assertEquals(error instanceof MiseOciError && error.code, "invalid");
          return (error as Error).message;
        }
      });
      assertEquals(said[0], said[1]);
      return said[0];
    };
    assertEquals(
      await clash([file, "/w"], [file, "/w/x"]),
      'Cannot put copy "/w" and copy "/w/x" in one image: "/w" is a file in the first and a ' +
        "directory in the second",
    );
    assertEquals((await clash([directory, "/w"], [file, "/w/sub"]))?.includes('"/w/sub"'), true);
    assertEquals(await clash([directory, "/w"], [file, "/w/sub/x"]), undefined);
    assertEquals(await clash([directory, "/w"], [directory, "/w/sub"]), undefined);
    assertEquals(await clash([file, "/w"], [file, "/ww/x"]), undefined);
  });
});

Deno.test("a copy whose place mise-oci's own layers take is told so, whichever is looked at first", async () => {
  await withTree(async (root) => {
    const file = join(root, "config.toml");
    await Deno.writeTextFile(file, "1");
    const scan = async (plan: LayerPlan): Promise<[LayerPlan, LayerTree]> => [
      plan,
      await scanLayer(plan, { baseDirectories: { has: () => false } }),
    ];
    const config = await scan({
      ...copyPlan(file, "/etc/mise/config.toml"),
      kind: "config",
      policies: { isTop: true },
    });
    const said = async (image: string): Promise<readonly string[]> => {
      const copy = await scan(copyPlan(image.endsWith("/mise") ? root : file, image));
      const both = [
        hiddenFiles(...copy, new Map([config])),
        hiddenFiles(...config, new Map([copy])),
      ];
      assertEquals(both[0], both[1]);
      return both[0] ?? [];
    };
    for (const image of ["/etc/mise/config.toml", "/etc/mise"]) {
      assertEquals(await said(image), [
        `"/etc/mise/config.toml" of copy "${image}" is not what the image has: the config layer ` +
        "takes its place",
      ]);
    }
    assertEquals(await said("/etc/mise/other.toml"), []);
  });
});
