import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cacheBase } from "../../tests/support/cached_base.ts";
import { withTree } from "../../tests/support/layer.ts";
import { tar } from "../../tests/support/tar_fixture.ts";
import { openCache } from "../store/mod.ts";
import { type UserPlan, warnOfUnknownUser } from "./check_user.ts";

function planOf(user: string | undefined, imagePath = "/srv"): UserPlan {
  const source = { type: "tree", hostPath: "/x", imagePath } as const;
  return { config: user === undefined ? {} : { user }, layers: [{ sources: [source] }] };
}

Deno.test("a user of [oci] that the base does not know is a warning, now and with a warm cache", async () => {
  await withTree(async (root) => {
    const cache = await openCache(join(root, "cache"));
    const ground = await cacheBase(
      cache,
      tar({ name: "etc/" }, { name: "etc/passwd", content: "app:x:7:8::/home/app:/bin/sh\n" }),
    );
    const warned = async (plan: UserPlan, base = ground): Promise<number> => {
      const said: string[] = [];
      await warnOfUnknownUser(plan, { ground: base, cache }, {
        signal: new AbortController().signal,
        reporter: { emit: (event) => void (event.type === "warning" && said.push(event.text)) },
      });
      for (const text of said) assertEquals(text.includes('"nobody"'), true, text);
      return said.length;
    };
    for (let round = 0; round < 2; round++) {
      assertEquals(await warned(planOf("nobody")), 1);
      assertEquals(await warned(planOf("nobody:app")), 1);
      for (const user of [undefined, "app", "app:app", "7", "1000", "1000:1000"]) {
        assertEquals(await warned(planOf(user)), 0, user);
      }
    }
    assertEquals(await warned(planOf("nobody"), { name: "scratch", layers: [] }), 1);
    assertEquals(await warned(planOf("nobody", "/etc/passwd")), 0);
    assertEquals(await warned(planOf("nobody", "/etc")), 0);
  });
});
