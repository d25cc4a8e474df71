import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { cacheBase } from "../../../tests/support/cached_base.ts";
import { withTree } from "../../../tests/support/layer.ts";
import { tar } from "../../../tests/support/tar_fixture.ts";
import { openCache } from "../../store/mod.ts";
import { planConfigLayer } from "../../plan/layers/config.ts";
import type { BuildPlan, LayerPlan, Project } from "../../plan/mod.ts";
import type { PlannedImage } from "../types.ts";
import { settleUser } from "./base_facts.ts";

function planned(
  config: Partial<BuildPlan["config"]>,
  sources: LayerPlan["sources"] = [],
): PlannedImage {
  const { from, fromText } = { from: { kind: "scratch" }, fromText: "scratch" } as const;
  const copy: LayerPlan = {
    kind: "copy",
    name: "copy",
    owner: { uid: 0, gid: 0 },
    sources,
    relocations: [],
    exclude: [],
    policies: {},
    createdBy: "",
    annotations: {},
  };
  const all = { env: [], path: [], fixedEnv: [], labels: {}, created: "", ...config };
  const project: Project = {
    directory: "/p",
    misePath: "/mise",
    miseVersion: "1",
    configFiles: [],
    tools: [],
    env: [],
    oci: { copy: [], env: {}, labels: {}, allowEnv: [], dropEnv: [] },
    settings: { insecureRegistries: [] },
    warnings: [],
  };
  const top = planConfigLayer({
    project,
    mountPoint: "/mise",
    owner: { uid: 0, gid: 0 },
    config: all,
    login: true,
    directories: [],
  });
  const plan: BuildPlan = {
    platform: { os: "linux", architecture: "amd64" },
    from,
    fromText,
    mountPoint: "/mise",
    compression: { kind: "none" },
    layers: sources.length === 0 ? [top] : [copy, top],
    config: all,
    warnings: [],
  };
  return { project, plan };
}

const copyTo = (imagePath: string): LayerPlan["sources"] => [
  { type: "tree", hostPath: "/x", imagePath },
];

const owned = (imagePath: string, uid: number, gid: number): LayerPlan["sources"][number] => ({
  type: "directory",
  imagePath,
  owner: { uid, gid },
  home: imagePath,
});

Deno.test("the image's user is the one of the base's database: numbers, home, working directory", async () => {
  await withTree(async (root) => {
    const cache = await openCache(join(root, "cache"));
    const passwd = "root:x:0:0::/root:/bin/sh\napp:x:7:8::/home/app:/bin/sh\n";
    const ground = await cacheBase(
      cache,
      tar(
        { name: "etc/" },
        { name: "etc/passwd", content: passwd },
        { name: "etc/group", content: "staff:x:50:\n" },
      ),
    );
    const settle = async (image: PlannedImage, base = ground) => {
      const warnings: string[] = [];
      const settled = await settleUser(image, { ground: base, cache, request: {} }, {
        signal: new AbortController().signal,
        reporter: { emit: (event) => void (event.type === "warning" && warnings.push(event.text)) },
      });
      const top = settled.layers.at(-1);
      const directories = top?.sources.filter(({ type }) => type === "directory") ?? [];
      return { ...settled.config, warnings, directories };
    };
    for (let round = 0; round < 2; round++) {
      const named = await settle(planned({ user: "app" }));
      assertEquals([named.user, named.labels["dev.mise.user"]], ["7:8", "app"]);
      assertEquals(named.directories, [owned("/workspace", 7, 8)]);
      assertEquals([...named.env], []);
      assertEquals((await settle(planned({ user: "app:staff" }))).user, "7:50");
      const mixed = await settle(planned({ user: "7:staff" }));
      assertEquals([mixed.user, mixed.labels], ["7:50", {}]);
      // A numeric user stays numeric; without a row it gets a home.
      const number = await settle(planned({ user: "1000:1000", workdir: "/srv/app" }));
      assertEquals([number.user, number.labels], ["1000:1000", {}]);
      assertEquals(number.env, [["HOME", "/home/1000"]]);
      assertEquals(number.directories, [
        owned("/srv/app", 1000, 1000),
        owned("/home/1000", 1000, 1000),
      ]);
      const own = await settle(planned({ user: "1000", env: [["HOME", "/data"]] }));
      assertEquals(own.env, [["HOME", "/data"]]);
      for (const user of ["nobody", "nobody:app", "app:nobody"]) {
        const { warnings, user: kept } = await settle(planned({ user }));
        assertEquals([warnings.length, kept], [1, user]);
        const missing = user.startsWith("app:") ? 'Group "nobody"' : 'User "nobody"';
        assertStringIncludes(warnings[0] ?? "", `${missing} is not in /etc/`);
      }
    }
    assertEquals((await settle(planned({}))).directories, [owned("/workspace", 0, 0)]);
    assertEquals((await settle(planned({ workdir: "/" }))).directories, []);
    // A layer may provide a user database, or the working directory.
    for (const path of ["/etc/passwd", "/etc"]) {
      const { warnings } = await settle(planned({ user: "nobody" }, copyTo(path)));
      assertEquals(warnings, []);
    }
    assertEquals((await settle(planned({}, copyTo("/workspace/app")))).directories, []);
  });
});

Deno.test("an image from scratch has /tmp, and a user database where a user is asked for", async () => {
  await withTree(async (root) => {
    const cache = await openCache(join(root, "cache"));
    const scratch = { name: "scratch", layers: [] };
    const onScratch = async (user?: string): Promise<readonly string[]> => {
      const made = planned(user === undefined ? {} : { user });
      const { layers, config } = await settleUser(made, {
        ground: scratch,
        cache,
        request: {},
      }, { signal: new AbortController().signal, reporter: { emit: () => {} } });
      const files = (layers.at(-1)?.sources ?? []).flatMap((source) =>
        source.type === "content" && /^\/etc\/(?:passwd|group)$/.test(source.imagePath)
          ? [source.content]
          : source.type === "directory"
          ? [`${source.imagePath} ${(source.mode ?? 0o755).toString(8)}`]
          : []
      );
      return [config.user ?? "", ...files];
    };
    assertEquals(await onScratch(), ["", "/workspace 755", "/tmp 1777"]);
    assertEquals(await onScratch("app"), [
      "1000:1000",
      "/workspace 755",
      "/home/1000 755",
      "/tmp 1777",
      "root:x:0:0:root:/root:/sbin/nologin\napp:x:1000:1000::/home/1000:/sbin/nologin\n",
      "root:x:0:\napp:x:1000:\n",
    ]);
    assertEquals((await onScratch("7:8")).slice(-2), [
      "root:x:0:0:root:/root:/sbin/nologin\nuser:x:7:8::/home/7:/sbin/nologin\n",
      "root:x:0:\nuser:x:8:\n",
    ]);
    assertEquals((await onScratch("0")).at(-2), "root:x:0:0:root:/root:/sbin/nologin\n");
    const database = ["root:x:0:0:root:/root:/sbin/nologin\n", "root:x:0:\n"];
    for (const user of ["root", "root:root"]) {
      assertEquals(await onScratch(user), ["0:0", "/workspace 755", "/tmp 1777", ...database]);
    }
    const named = await onScratch("app:staff");
    assertEquals([named[0], named.at(-1)], ["1000:1000", "root:x:0:\nstaff:x:1000:\n"]);
    assertEquals([(await onScratch("app:root"))[0], (await onScratch("9:staff"))[0]], [
      "1000:0",
      "9:9",
    ]);
  });
});
