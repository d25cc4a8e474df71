/**
 * The library as other programs use it: by its public names.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  makeTempDir,
  pushBase,
  REPOSITORY,
  run,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

const PROGRAM = join(REPOSITORY, "examples/library/append_layer.ts");

Deno.test("the example of the library has at most 20 lines", async () => {
  const text = await Deno.readTextFile(PROGRAM);
  assertEquals(text.trimEnd().split("\n").length <= 20, true);
});

testWith(
  { needs: ["linux", "root", "base", "docker-registry", "skopeo", "umoci"] },
  "the example of the library appends a layer to an image in a registry, and skopeo and umoci read it",
  async () => {
    await using registry = await startDockerRegistry();
    await using temp = await makeTempDir();
    const from = await pushBase(registry.host);
    const to = `${from.replace(/:[^:/]*$/, "")}:appended`;
    await Deno.mkdir(join(temp.path, "site"));
    await Deno.writeTextFile(join(temp.path, "site/index.html"), "<p>hello</p>\n");
    const arguments_ = [from, to, join(temp.path, "site"), "/srv/www"];
    const result = await run(
      [Deno.execPath(), "run", "-A", "--quiet", "--frozen", PROGRAM, ...arguments_],
      { cwd: REPOSITORY },
    );
    const inspect = async (name: string): Promise<{ Digest: string; Layers: string[] }> => {
      const command = ["skopeo", "inspect", "--tls-verify=false", `docker://${name}`] as const;
      return JSON.parse((await run([...command])).stdout);
    };
    const [before, after] = [await inspect(from), await inspect(to)];
    assertEquals(after.Digest, result.stdout.trim());
    assertEquals(after.Layers.slice(0, -1), before.Layers);
    const layout = `oci:${join(temp.path, "copy")}:x`;
    await run(["skopeo", "copy", "--src-tls-verify=false", `docker://${to}`, layout]);
    const bundle = join(temp.path, "bundle");
    await run(["umoci", "unpack", "--image", `${join(temp.path, "copy")}:x`, bundle]);
    assertEquals(
      await Deno.readTextFile(join(bundle, "rootfs/srv/www/index.html")),
      "<p>hello</p>\n",
    );
  },
);
