import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { toolPlan, withTree } from "../../../tests/support/layer.ts";
import type { LayerPlan } from "../../plan/types.ts";
import { expandRelocations } from "./relocation_host.ts";

/** Two tools with shared relocations; the second one has a version link next to it. */
async function withTools(
  test: (plans: [LayerPlan, LayerPlan], data: string) => void,
): Promise<void> {
  await withTree(async (data) => {
    for (const path of ["a/1.0", "b/2.1"]) await Deno.mkdir(`${data}/${path}`, { recursive: true });
    await Deno.symlink("2.1", `${data}/b/2`);
    const relocations = ["a/1.0", "b/2.1"].map((path) => ({
      host: `${data}/${path}`,
      image: `/mise/installs/${path}`,
    }));
    const plan = (index: number): LayerPlan => {
      const { host = "", image = "" } = relocations[index] ?? {};
      const sources = [{ type: "tree" as const, hostPath: host, imagePath: image }];
      return toolPlan(data, { sources, relocations });
    };
    test([plan(0), plan(1)], data);
  });
}

Deno.test("expandRelocations() makes one map for all tools: 300 are not looked up 300 times", async () => {
  await withTools(([a, b], data) => {
    const [mapA, mapB] = [expandRelocations(a), expandRelocations(b)];
    assertStrictEquals(mapA.rules, mapB.rules);
    assertEquals([mapA.own, mapB.own], [["/mise/installs/a/1.0"], ["/mise/installs/b/2.1"]]);
    assertEquals(
      mapA.rules.find(({ host }) => host === `${data}/b/2`)?.image,
      "/mise/installs/b/2.1",
    );
  });
});

Deno.test("expandRelocations() adds a layer's own tree if the shared map has it not", async () => {
  await withTools(([a], data) => {
    const sources = [{ type: "tree" as const, hostPath: `${data}/b`, imagePath: "/opt/b" }];
    const map = expandRelocations({ ...a, sources });
    assert(map.rules !== expandRelocations(a).rules);
    assertEquals(map.rules.find(({ host }) => host === `${data}/b`)?.image, "/opt/b");
  });
});
