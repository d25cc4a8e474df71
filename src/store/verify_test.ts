import { assert, assertEquals } from "@std/assert";
import { inTempDir, put, text } from "../../tests/support/store_fixtures.ts";
import { createLayout } from "./mod.ts";

Deno.test("a blob's state tells a change whose size and time of change are as before, or there is none", () =>
  inTempDir(async (dir) => {
    const layout = await createLayout(`${dir}/out`);
    const digest = await put(layout, text("hello"));
    const path = layout.blobs.pathOf(digest);
    assertEquals(await layout.state(digest), undefined);
    await Deno.utime(path, 1000, 1000);
    assertEquals(await layout.state(digest), undefined);
    let state: string | undefined;
    while ((state = await layout.state(digest)) === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assertEquals(await layout.state(digest), state);
    await Deno.writeTextFile(path, "jello");
    await Deno.utime(path, 1000, 1000);
    assert(await layout.state(digest) !== state);
  }));
