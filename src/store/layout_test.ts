import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Annotation, encodeIndex, encodeLayoutFile, MediaType } from "../oci/mod.ts";
import {
  AMD64,
  ARM64,
  inTempDir,
  put,
  readAll,
  rejected,
  sha256,
  text,
  tree,
  writeImage,
} from "./fixtures_test.ts";
import { createLayout, type Disk, openLayout, realDisk } from "./mod.ts";

Deno.test("a layout that was written opens, resolves and verifies", () =>
  inTempDir(async (dir) => {
    const layout = await createLayout(`${dir}/out`);
    await layout.setTag(await writeImage(layout), "latest");
    const opened = await openLayout(`${dir}/out`);
    const image = await opened.resolve();
    assertEquals(image.tag, "latest");
    assertEquals(image.platform, AMD64);
    assertEquals((await opened.verify()).blobs, 3);
    const [layer] = image.manifest.layers;
    assert(layer !== undefined);
    assertEquals(await readAll(await image.source.open(layer.digest)), text("hello"));
    const names = (await tree(`${dir}/out`)).filter((name) =>
      !/^blobs\/sha256\/[0-9a-f]{64}$/.test(name)
    );
    assertEquals(names, ["blobs", "blobs/sha256", "index.json", "oci-layout"]);
  }));
