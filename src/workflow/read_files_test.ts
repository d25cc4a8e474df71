import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { makeTempDir } from "../../tests/support/testbed.ts";
import { put, text } from "../../tests/support/store_fixtures.ts";
import { type FixtureEntry, tar } from "../../tests/support/tar_fixture.ts";
import { encodeLayoutFile, MediaType } from "../oci/mod.ts";
import { createLayout } from "../store/mod.ts";
import type { ReportEvent } from "../ui/reporter.ts";
import { catFile } from "./read_files.ts";

/** The output of `cat` for an image with these layers, bottom first, and the number of layers it read. */
async function cat(
  layers: readonly (readonly FixtureEntry[])[],
  path: string,
): Promise<[content: string, layersRead: number]> {
  await using temp = await makeTempDir();
  const layout = await createLayout(join(temp.path, "image"));
  const descriptors = [];
  for (const entries of layers) {
    const bytes = tar(...entries);
    descriptors.push({
      mediaType: MediaType.layer,
      digest: await put(layout, bytes),
      size: bytes.length,
    });
  }
  const document = async (value: unknown): Promise<{ digest: string; size: number }> => {
    const bytes = text(JSON.stringify(value));
    return { digest: await put(layout, bytes), size: bytes.length };
  };
  const config = await document({
    os: "linux",
    architecture: "amd64",
    rootfs: { type: "layers", diff_ids: descriptors.map(({ digest }) => digest) },
  });
  const manifest = await document({
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, ...config },
    layers: descriptors,
  });
  await Deno.writeFile(join(temp.path, "image/oci-layout"), encodeLayoutFile());
  await Deno.writeTextFile(
    join(temp.path, "image/index.json"),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType: MediaType.manifest, ...manifest }],
    }),
  );
  const events: ReportEvent[] = [];
  const output = join(temp.path, "out");
  const location = join(temp.path, "image");
  await catFile(
    { source: { kind: "layout", location }, directory: temp.path, path, output },
    {
      reporter: { emit: (event) => void events.push(event) },
      signal: new AbortController().signal,
    },
  );
  return [await Deno.readTextFile(output), events.filter(({ type }) => type === "done").length];
}

const below = { name: "etc/f", content: "below" };
const above = { name: "etc/f", content: "above" };
const other = { name: "x", content: "x" };

Deno.test("cat reads no layer below the one that decides what a file is", async () => {
  assertEquals(await cat([[below], [above], [other]], "/etc/f"), ["above", 2]);
  assertEquals(await cat([[below], [other]], "etc/f"), ["below", 2]);
  // If a base directory is a link, it leads to the file in the layer above, or is replaced by it.
  const link = { name: "etc", link: "usr/etc" };
  assertEquals(await cat([[{ name: "usr/etc/f", content: "base" }, link], [above]], "/etc/f"), [
    "above",
    1,
  ]);
});

Deno.test("cat reads all layers where a link, a whiteout or a path with dots is in the way", async () => {
  const link = { name: "etc/g", link: "f" };
  assertEquals(await cat([[below], [link], [other]], "/etc/g"), ["below", 3]);
  assertEquals(await cat([[below], [above], [other]], "/x/../etc/f"), ["above", 3]);
  const gone = cat([[below], [{ name: "etc/.wh.f", content: "" }]], "/etc/f");
  assertStringIncludes(String(await gone.catch((error) => error)), 'Cannot find "/etc/f"');
  const opaque = cat([[below], [{ name: "etc/.wh..wh..opq", content: "" }]], "/etc/f");
  assertStringIncludes(String(await opaque.catch((error) => error)), 'Cannot find "/etc/f"');
  const again = [[below], [{ name: ".wh.etc", content: "" }], [above]];
  assertEquals(await cat(again, "/etc/f"), ["above", 1]);
});
