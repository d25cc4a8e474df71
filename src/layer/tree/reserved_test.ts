import { assertEquals } from "@std/assert";
import { toolPlan, withTree } from "../../../tests/support/layer.ts";
import { scanLayer } from "./scan.ts";

Deno.test("a directory that the base reserves is written as the base has it, others are not", async () => {
  await withTree(async (tree) => {
    Deno.writeTextFileSync(`${tree}/f`, "");
    const base = new Set(["srv", "srv/app", "srv/app/mise"]);
    const plan = toolPlan(tree, {
      owner: { uid: 7, gid: 7 },
      sources: [{ type: "tree", hostPath: tree, imagePath: "/srv/app/mise/t" }],
    });
    const { entries } = await scanLayer(plan, {
      baseDirectories: {
        has: (path) => base.has(path),
        maybeReserved: (path) =>
          path === "srv/app" ? { mode: 0o2750, uid: 1000, gid: 50 } : undefined,
      },
    });
    assertEquals(entries.map(({ path, mode, uid, gid }) => [path, mode, uid, gid]), [
      ["srv/app", 0o2750, 1000, 50],
      ["srv/app/mise/t", 0o755, 7, 7],
      ["srv/app/mise/t/f", 0o644, 7, 7],
    ]);
  });
});

Deno.test("directories above a home are the layer's, those from it on are the user's", async () => {
  await withTree(async (tree) => {
    Deno.writeTextFileSync(`${tree}/f`, "");
    const common = { owner: { uid: 1000, gid: 100 }, home: "/home/app" } as const;
    const plan = toolPlan(tree, {
      owner: { uid: 0, gid: 0 },
      sources: [
        { type: "tree", hostPath: tree, imagePath: "/home/app/.config/x", ...common },
        { type: "content", content: "", imagePath: "/home/app/.c", mode: 0o600, ...common },
      ],
    });
    const { entries } = await scanLayer(plan, { baseDirectories: { has: () => false } });
    assertEquals(entries.map(({ path, uid, gid }) => `${path} ${uid}:${gid}`), [
      "home 0:0",
      "home/app 1000:100",
      "home/app/.c 1000:100",
      "home/app/.config 1000:100",
      "home/app/.config/x 1000:100",
      "home/app/.config/x/f 1000:100",
    ]);
  });
});
