import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseImageArgument } from "../oci/mod.ts";
import { inTempDir, rejected, writeImage } from "../../tests/support/store_fixtures.ts";
import { createLayout } from "../store/mod.ts";
import { type OpenedImages, openImages } from "./open.ts";
import { resolveImage, resolveRoot, writeOciArchive } from "./mod.ts";

/** Opens an argument below a directory, which is the home directory too. */
function open(text: string, directory: string): Promise<OpenedImages> {
  return openImages(parseImageArgument(text), {
    directory,
    home: directory,
    connect: () => Promise.reject(new Error(`a registry was asked for "${text}"`)),
  });
}

async function digestOf(text: string, directory: string): Promise<string> {
  await using opened = await open(text, directory);
  return (await resolveImage(opened.store, opened.selector)).descriptor.digest;
}

Deno.test("openImages() takes tags with colons and slashes, digests, and directories with colons", () =>
  inTempDir(async (root) => {
    const dir = `${root}/a:b c`;
    const digests: string[] = [];
    for (const name of ["lay", "co:lon"]) {
      const layout = await createLayout(`${dir}/${name}`);
      for (const tag of ["dev:latest", "ghcr.io/team/dev:v1"]) {
        const entry = await writeImage(layout, tag);
        await layout.setTag(entry, tag);
        digests.push(entry.digest);
      }
    }
    const [dev, team] = digests;
    for (
      const text of [
        "oci:lay:dev:latest",
        "./lay:dev:latest",
        "oci:co:lon:dev:latest",
        "oci:~/lay:dev:latest",
        `oci:${dir}/lay:dev:latest`,
        `oci:lay@${dev}`,
        `lay@${dev}`.replace("lay", "./lay"),
        "oci:lay:latest",
      ]
    ) assertEquals(await digestOf(text, dir), dev, text);
    assertEquals(await digestOf("oci:lay:ghcr.io/team/dev:v1", dir), team);
    const several = await rejected(digestOf("lay", dir));
    assertStringIncludes(several.hint ?? "", `'oci:${dir}/lay:dev:latest'`);
    const none = await rejected(digestOf("oci:nothing:dev:1", dir));
    assertStringIncludes(none.message, `"${dir}/nothing": no such directory`);
    assertStringIncludes(
      (await rejected(digestOf("oci:lay:x", dir))).message,
      'it holds "dev:latest", "ghcr.io/team/dev:v1"',
    );
    assertEquals(
      (await rejected(digestOf(`oci:lay@sha256:${"0".repeat(64)}`, dir))).code,
      "not-found",
    );
  }));

Deno.test("openImages() takes a path for what exists there, an archive too", () =>
  inTempDir(async (dir) => {
    const layout = await createLayout(`${dir}/lay`);
    const entry = await writeImage(layout, "one");
    await layout.setTag(entry, "team/dev:v1");
    await writeOciArchive(layout, `${dir}/a:b.tar`);
    for (
      const text of [
        "a:b.tar",
        "./a:b.tar",
        "./a:b.tar:team/dev:v1",
        "oci-archive:a:b.tar:team/dev:v1",
        "lay",
      ]
    ) assertEquals(await digestOf(text, dir), entry.digest, text);
    assertStringIncludes(
      (await rejected(open("oci-archive:none.tar:v1", dir))).message,
      `"${dir}/none.tar": no such file`,
    );
  }));

Deno.test("containerd finds an image of a layout by the full name that docker would give it", () =>
  inTempDir(async (dir) => {
    const layout = await createLayout(`${dir}/lay`);
    const entry = await writeImage(layout, "one");
    await layout.setTag(entry, "dev:1");
    await layout.setTag(entry, "v1");
    const names = (await layout.index()).manifests.map(({ annotations }) => annotations);
    assertEquals(names, [{
      "org.opencontainers.image.ref.name": "dev:1",
      "io.containerd.image.name": "docker.io/library/dev:1",
    }, { "org.opencontainers.image.ref.name": "v1" }]);
    const root = await resolveRoot(layout, { tag: "docker.io/library/dev:1" });
    assertEquals(root.digest, entry.digest);
  }));
