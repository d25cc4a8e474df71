/**
 * `mise-oci inspect` and `diff` as users run them, on real images from layouts, archives and registries,
 * of this builder and of others.
 */
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { hueHistogram, maybeBrowser, screenshot } from "../support/browser.ts";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { rawBlobPath, readImage } from "../support/layout.ts";
import {
  copyBase,
  createMiseProject,
  makeTempDir,
  run,
  startDockerRegistry,
  TESTBED,
  testWith,
} from "../support/testbed.ts";

interface Inspected {
  readonly name: string;
  readonly digest: string;
  readonly size: number;
  readonly layers: readonly {
    readonly kind: string;
    readonly name: string;
    readonly version?: string;
    readonly digest: string;
    readonly size: number;
    readonly share: number;
    readonly origin: string;
  }[];
}

interface Compared {
  readonly identical: boolean;
  readonly pull: { readonly bytes: number; readonly layers: number; readonly totalBytes: number };
  readonly layers: readonly {
    readonly change: string;
    readonly title: string;
    readonly after?: { readonly size: number };
    readonly files?: readonly { readonly path: string; readonly change: string }[];
  }[];
}

const HOME = { HOME: Deno.env.get("HOME") ?? "/root", PATH: "/usr/bin:/bin" };

testWith(
  { needs: ["linux", "root", "base", "skopeo", "docker-registry"] },
  "inspect reads another builder's image alike from a layout, an archive and a registry",
  async () => {
    await using temp = await makeTempDir();
    await using registry = await startDockerRegistry();
    const layout = join(temp.path, "base");
    await copyBase(layout);
    const reference = `${registry.host}/other/base:v2s2`;
    await run(["skopeo", "copy", "-q", `oci:${layout}`, `oci-archive:${temp.path}/base.tar:deb`]);
    // Docker's own manifest format: other media types, another digest, the same layer.
    await run([
      ...["skopeo", "copy", "-q", "--format", "v2s2", "--dest-tls-verify=false"] as const,
      `oci:${layout}`,
      `docker://${reference}`,
    ]);
    const options = { env: HOME, cwd: temp.path };
    const raw = await readImage(layout);
    for (
      const target of [
        "base",
        "./base",
        "oci:base",
        "base.tar",
        "oci-archive:base.tar:deb",
        reference,
      ]
    ) {
      const found = await runProgramJson<Inspected>(["inspect", target], options);
      assertEquals(
        found.layers.map(({ digest, size, share, origin }) => ({ digest, size, share, origin })),
        raw.manifest.layers.map(({ digest, size }) => ({
          digest,
          size,
          share: 1,
          origin: "mmdebstrap",
        })),
        target,
      );
    }
  },
);

testWith(
  { needs: ["linux"] },
  "inspect says for what it took a name that is not there",
  async () => {
    await using temp = await makeTempDir();
    const proxy = "http://127.0.0.1:1";
    const options = { cwd: temp.path, env: { ...HOME, HTTPS_PROXY: proxy, https_proxy: proxy } };
    const missing = await runProgram(["inspect", "./nowhere"], options);
    assertEquals([missing.code, missing.stdout], [1, ""]);
    assertMatch(missing.stderr, /^error: Cannot find an image at "\/.*\/nowhere"\nhint: /);
    const guessed = await runProgram(["inspect", "nowhere"], options);
    assertEquals([guessed.code, guessed.stdout], [1, ""]);
    assertMatch(
      guessed.stderr,
      /^hint: There is no file or directory "nowhere"; if it is an image /m,
    );
  },
);

testWith(
  { needs: ["linux", "root", "mise", "base", "docker-registry", "skopeo"] },
  "diff names prettier, both versions and the bytes that a pull of the bumped image costs",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["oldPrettier", "typescript"] });
    const options = { cwd: project.directory, env: project.env };
    const base = join(project.root, "base");
    await copyBase(base);
    const before = join(project.root, "before");
    const after = join(project.root, "after");
    await runProgramJson(["build", "--from", `oci:${base}`, "-o", before], options);
    const toml = join(project.directory, "mise.toml");
    await Deno.writeTextFile(toml, (await Deno.readTextFile(toml)).replace("3.6.1", "3.6.2"));
    await runProgramJson(["build", "--from", `oci:${base}`, "-o", after], options);
    const reference = `${registry.host}/team/app:after`;
    await run([
      ...["skopeo", "copy", "-q", "--dest-tls-verify=false"] as const,
      `oci:${after}`,
      `docker://${reference}`,
    ]);

    const text = await runProgram(["diff", before, reference], options);
    assertStringIncludes(text.stdout, "npm:prettier 3.6.1 → 3.6.2");
    const found = await runProgramJson<Compared>(["diff", before, reference, "--files"], options);
    const changed = found.layers.filter(({ change }) => change !== "same");
    assertEquals(changed.map(({ change, title }) => [change, title]), [
      ["bumped", "npm:prettier 3.6.1 → 3.6.2"],
      ["changed", "config"],
    ]);
    // What a pull costs, by what skopeo says that a registry would send.
    const layersOf = async (layout: string): Promise<ReadonlyMap<string, number>> =>
      new Map((await readImage(layout)).manifest.layers.map(({ digest, size }) => [digest, size]));
    const [old, now] = [await layersOf(before), await layersOf(after)];
    const missing = [...now].filter(([digest]) => !old.has(digest));
    assertEquals(found.pull, {
      bytes: missing.reduce((sum, [, size]) => sum + size, 0),
      layers: 2,
      totalBytes: [...now.values()].reduce((sum, size) => sum + size, 0),
    });
    const paths = changed[0]?.files?.map(({ path }) => path) ?? [];
    assert(paths.some((path) => path.endsWith("/prettier/package.json")), paths.join("\n"));
    assertEquals(changed[1]?.files?.map(({ path }) => path), [
      "etc/mise/config.toml",
      "etc/profile.d/mise-oci.sh",
    ]);
    const same = await runProgram(["diff", "--exit-code", after, reference], options);
    assertEquals([same.code, same.stdout.includes("the images are the same")], [0, true]);
    assertEquals((await runProgram(["diff", "--exit-code", before, after], options)).code, 1);
  },
);

testWith(
  { needs: ["linux", "root", "base"] },
  "inspect --html refuses a layer that is not what the config says, and leaves no page",
  async () => {
    await using temp = await makeTempDir();
    const layout = join(temp.path, "base");
    await copyBase(layout);
    const image = await readImage(layout);
    const path = rawBlobPath(layout, image.manifest.layers[0]?.digest ?? "");
    const file = await Deno.open(path, { write: true });
    await file.seek(1_000_000, Deno.SeekMode.Start);
    await file.write(new Uint8Array(64).fill(7));
    file.close();
    const page = join(temp.path, "page.html");
    const result = await runProgram(["inspect", layout, "--html", page], {
      env: HOME,
      cwd: temp.path,
    });
    assertEquals([result.code, result.stdout], [1, ""]);
    assertMatch(result.stderr, /^error: /m);
    assertEquals([...Deno.readDirSync(temp.path)].map(({ name }) => name), ["base"]);
  },
);

const browser = maybeBrowser();
const withBrowser =
  "inspect --html writes a page on which a browser shows every layer in its colour";
if (browser === undefined) {
  Deno.test({ name: `${withBrowser} (skipped: no chromium)`, ignore: true, fn: () => {} });
} else {
  testWith({ needs: ["linux", "root", "mise", "base"] }, withBrowser, async () => {
    await using project = await createMiseProject({
      tools: ["node", "prettier", "typescript", "eslint"],
    });
    const options = { cwd: project.directory, env: project.env };
    const base = join(project.root, "base");
    await copyBase(base);
    await runProgramJson(["build", "--from", `oci:${base}`, "--no-mise"], options);
    const page = join(project.directory, "map.html");
    const found = await runProgramJson<Inspected & { html: string }>(
      ["inspect", "--html", "map.html"],
      options,
    );
    assertEquals(found.html, page);
    const html = await Deno.readTextFile(page);
    for (const { name } of found.layers) assertStringIncludes(html, name);
    // Kept for a look: a test can say that there is a picture, not that it is clear.
    await Deno.copyFile(page, join(TESTBED, "inspect.html"));
    const picture = await screenshot(browser, page, { width: 1240, height: 820 });
    const hues = hueHistogram(picture);
    // Four tools, four hues far apart; the base is grey and fills much of the rest.
    assertGreater(hues.filter((count) => count > 800).length, 3);
    const share = hues.reduce((sum, count) => sum + count, 0) / (picture.width * picture.height);
    assertGreater(share, 0.2);
  });
}
