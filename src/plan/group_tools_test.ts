import { assertEquals } from "@std/assert";
import { chooseGroup, groupTools } from "./group_tools.ts";
import type { BuildPlan, LayerPlan } from "./types.ts";

const layer = (name: string, kind: LayerPlan["kind"] = "tool"): LayerPlan => ({
  kind,
  name,
  version: "1.0",
  owner: { uid: 0, gid: 0 },
  sources: [{ type: "tree", hostPath: `/h/${name}`, imagePath: `/mise/installs/${name}/1.0` }],
  relocations: [],
  exclude: [],
  policies: {},
  createdBy: `mise-oci: tool ${name}@1.0`,
  annotations: {
    "dev.mise.layer.kind": kind,
    "dev.mise.tool.short": name,
    "dev.mise.tool.version": "1.0",
    "dev.mise.layer.prefix": `mise/installs/${name}/1.0`,
    "dev.mise.layer.format": "3",
  },
});
const candidate = (name: string, bytes: number, pinned = true) => ({
  layer: layer(name),
  bytes,
  pinned,
});
const names = (chosen: ReadonlySet<LayerPlan>): readonly string[] =>
  [...chosen].map(({ name }) => name);

Deno.test("chooseGroup() takes the smallest tools, those of an exact version first, and sees no small growth", () => {
  const all = [
    candidate("huge", 1 << 30),
    candidate("loose", 1 << 20, false),
    candidate("b", 1.5 * (1 << 20)),
    candidate("a", 1.2 * (1 << 20)),
    candidate("tiny", 1000),
  ];
  assertEquals(names(chooseGroup(all, 3)), ["tiny", "a", "b"]);
  const grown = all.map((one) => one.layer.name === "a" ? { ...one, bytes: 1.9 * (1 << 20) } : one);
  assertEquals(names(chooseGroup(grown, 3)), ["tiny", "a", "b"]);
  assertEquals(names(chooseGroup(all, 4)).at(-1), "loose");
});

Deno.test("groupTools() makes one layer of several tools, which says whose it is and is no single tool's", () => {
  const layers = [layer("a"), layer("big"), layer("b"), layer("config", "config")];
  const plan = { layers } as unknown as BuildPlan;
  const chosen = new Set(layers.filter(({ name }) => name.length === 1));
  const grouped = groupTools(plan, chosen).layers;
  assertEquals(grouped.map(({ name }) => name), ["2 tools", "big", "config"]);
  const [group] = grouped;
  assertEquals(group?.version, undefined);
  assertEquals(group?.createdBy, "mise-oci: tools a@1.0 b@1.0");
  assertEquals(group?.sources.map(({ imagePath }) => imagePath), [
    "/mise/installs/a/1.0",
    "/mise/installs/b/1.0",
  ]);
  assertEquals(group?.annotations, {
    "dev.mise.layer.kind": "tool",
    "dev.mise.layer.format": "3",
    "dev.mise.layer.tools":
      '[{"short":"a","version":"1.0","prefix":"mise/installs/a/1.0"},{"short":"b","version":"1.0","prefix":"mise/installs/b/1.0"}]',
  });
  assertEquals(groupTools(plan, new Set()), plan);
});
