/**
 * What changes between two builds for another platform is noticed: in the config, in the installs of that
 * platform, and in a file of one.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { BOTH, build, type Built, FOREIGN, layerDigest } from "../support/platforms.ts";
import {
  createMiseProject,
  exists,
  type MiseProject,
  OCI_ARCH,
  testWith,
} from "../support/testbed.ts";

const NAME = "npm:prettier";

async function withPrettier(version: string): Promise<MiseProject> {
  return await createMiseProject({ toml: `[tools]\n"${NAME}" = "${version}"\n` });
}

/** Builds for both platforms; every layer of the host must have been there if there was a build before. */
function buildBoth(project: MiseProject): Promise<Built> {
  const output = join(project.root, "image");
  return build(project, [...BOTH, "--no-mise", "--no-check", "--from", "scratch", "-o", output]);
}

/** Where mise keeps the platform's tools, or what it knows of their installs. */
function placeOf(project: MiseProject, kind: "data/installs" | "cache", version: string): string {
  const platform = join(project.root, `oci-cache/platforms/linux-${FOREIGN}`);
  return join(platform, kind, "npm-prettier", version);
}

function digests(built: Built): readonly (string | undefined)[] {
  return [OCI_ARCH, FOREIGN].map((architecture) => layerDigest(built, architecture, NAME));
}

function statusOf(built: Built, architecture: string): string | undefined {
  const image = built.images.find(({ platform }) => platform === `linux/${architecture}`);
  return image?.layers.find(({ name }) => name === NAME)?.status;
}

testWith(
  { needs: ["linux", "mise"] },
  "a file of another platform's install that changes, changes the layer, and back",
  async () => {
    await using project = await withPrettier("3.6.2");
    await project.runMise("install", "--yes");
    const first = await buildBoth(project);
    const file = join(
      placeOf(project, "data/installs", "3.6.2"),
      "lib/node_modules/prettier/README.md",
    );
    const text = await Deno.readTextFile(file);
    // As long as before, in place: only the file's own times tell.
    await Deno.writeTextFile(file, text.replace("P", "Q"));
    const changed = await buildBoth(project);
    assertEquals(digests(changed)[0], digests(first)[0]);
    assertNotEquals(digests(changed)[1], digests(first)[1]);
    await Deno.writeTextFile(file, text);
    assertEquals(digests(await buildBoth(project)), digests(first));
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "an install for another platform that is gone, or not whole, is made again",
  async () => {
    await using project = await withPrettier("3.6.2");
    await project.runMise("install", "--yes");
    const first = await buildBoth(project);
    const install = placeOf(project, "data/installs", "3.6.2");
    await Deno.remove(install, { recursive: true });
    assertEquals(digests(await buildBoth(project)), digests(first));
    // Half of it is gone, and mise's mark says so: what is left is never packed.
    await Deno.remove(join(install, "lib/node_modules/prettier/index.mjs"));
    const mark = join(placeOf(project, "cache", "3.6.2"), "incomplete");
    await Deno.mkdir(join(mark, ".."), { recursive: true });
    await Deno.writeTextFile(mark, "");
    const again = await buildBoth(project);
    assertEquals(digests(again), digests(first));
    assertEquals(await exists(join(install, "lib/node_modules/prettier/index.mjs")), true);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "another version, or a variable, in the config is noticed for both platforms",
  async () => {
    await using project = await withPrettier("3.6.2");
    await project.runMise("install", "--yes");
    const first = await buildBoth(project);
    const config = join(project.directory, "mise.toml");
    await Deno.writeTextFile(config, `[tools]\n"${NAME}" = "3.6.1"\n`);
    await project.runMise("install", "--yes");
    const second = await buildBoth(project);
    for (const [i, digest] of digests(second).entries()) {
      assertNotEquals(digest, digests(first)[i]);
      assert(digest !== undefined);
    }
    assertEquals(await exists(placeOf(project, "data/installs", "3.6.1")), true);
    await Deno.writeTextFile(
      config,
      `[tools]\n"${NAME}" = "3.6.1"\n[env]\nWHERE = "{{ env.MISE_ARCH | default(value='here') }}"\n`,
    );
    const third = await buildBoth(project);
    assertEquals(digests(third), digests(second));
    assertEquals(statusOf(third, FOREIGN), "cached");
    for (const [i, { digest }] of third.images.entries()) {
      assertNotEquals(digest, second.images[i]?.digest);
    }
  },
);
