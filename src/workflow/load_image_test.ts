import { resolveImage } from "../image/mod.ts";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import { docker } from "../engine/engines.ts";
import { openLayout } from "../store/mod.ts";
import { makeSmallImage } from "../../tests/support/containers.ts";
import { makeFakeProgram } from "../../tests/support/fake_engine.ts";
import { makeTempDir } from "../../tests/support/testbed/command.ts";
import { rawBlobPath, readImage } from "../../tests/support/layout.ts";
import { loadIntoEngine } from "./load_image.ts";

const ignore = Deno.build.os !== "linux";
const context = { signal: new AbortController().signal, reporter: { emit: () => {} } };
const options = { name: "app:1", id: "1", context };

/** Calls `check` with a layout and a docker replaced by a script. */
async function withFake(
  script: string,
  check: (layout: string, fake: Awaited<ReturnType<typeof makeFakeProgram>>) => Promise<void>,
): Promise<void> {
  await using temp = await makeTempDir();
  const before = Deno.env.get("MISE_OCI_CACHE_DIR");
  Deno.env.set("MISE_OCI_CACHE_DIR", join(temp.path, "cache"));
  try {
    await makeSmallImage(join(temp.path, "image"), { marks: ["one"] });
    await using fake = await makeFakeProgram("docker", script);
    await check(join(temp.path, "image"), fake);
  } finally {
    if (before === undefined) Deno.env.delete("MISE_OCI_CACHE_DIR");
    else Deno.env.set("MISE_OCI_CACHE_DIR", before);
  }
}

function loadTest(
  name: string,
  script: string,
  check: (layout: string, fake: Awaited<ReturnType<typeof makeFakeProgram>>) => Promise<void>,
): void {
  Deno.test({ name, ignore, fn: () => withFake(script, check) });
}

loadTest(
  "an image that the engine has gets one more name and is not sent",
  "echo sha256:1",
  async (layout, fake) => {
    const image = await resolveImage(await openLayout(layout));
    assertEquals(await loadIntoEngine(docker(fake.path), image, options), "present");
    const [inspect, tag, ...others] = await fake.calls();
    assertEquals(inspect?.at(-1), image.manifest.config.digest);
    assertEquals(tag, ["tag", "--", "sha256:1", "app:1"]);
    assertEquals(others, []);
  },
);

loadTest(
  "an engine that cannot pull gets a whole archive",
  'case $1 in image|pull) exit 1;; load) tar -tf - | sort > "$CALLS/names";; esac',
  async (layout, fake) => {
    const image = await resolveImage(await openLayout(layout));
    assertEquals(await loadIntoEngine(docker(fake.path), image, options), "archive");
    const calls = await fake.calls();
    assertEquals(calls.filter(([verb]) => verb === "pull").length, 3);
    const names = await Deno.readTextFile(join(fake.directory, "../calls/names"));
    assertEquals(names.trim().split("\n").length, 2 + image.manifest.layers.length);
  },
);

loadTest(
  "C11: an engine that fails both ways: both causes are shown",
  'case $1 in image) exit 1;; pull) echo "connection refused" >&2; exit 1;; ' +
    'load) head -c 600 >/dev/null; echo "no space left on device" >&2; exit 1;; esac',
  async (layout, fake) => {
    const image = await resolveImage(await openLayout(layout));
    const error = await assertRejects(
      () => loadIntoEngine(docker(fake.path), image, options),
      MiseOciError,
    );
    assertEquals(error.code, "engine");
    assertStringIncludes(error.message, "connection refused");
    assertStringIncludes(error.message, "no space left on device");
  },
);

for (
  const [said, message, hint] of [
    [
      "Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?",
      "its daemon does not answer at unix:///x.sock",
      "DOCKER_HOST",
    ],
    [
      "permission denied while trying to connect to the Docker daemon socket at unix:///x.sock",
      "this user may not talk to its daemon",
      "group docker",
    ],
  ] as const
) {
  loadTest(
    `C10: an engine that cannot be reached is asked once: ${message}`,
    `echo '${said}' >&2; exit 1`,
    async (layout, fake) => {
      const image = await resolveImage(await openLayout(layout));
      const error = await assertRejects(
        () => loadIntoEngine(docker(fake.path), image, options),
        MiseOciError,
        `Cannot use docker: ${message}`,
      );
      assertEquals(error.code, "engine");
      assertStringIncludes(error.hint ?? "", hint);
      const verbs = (await fake.calls()).map(([verb]) => verb);
      assertEquals([verbs.filter((verb) => verb === "pull").length, verbs.includes("load")], [
        1,
        false,
      ]);
    },
  );
}

loadTest(
  "D06: a layer that is damaged on the way out is named, and not sent another way",
  // Fetches the layers as an engine does; the reference is the last argument.
  'case $1 in image) exit 1;; pull) for a; do :; done; u="http://${a%%/*}/v2/${a#*/}"; u="${u%:*}"; ' +
    'exec "$DENO" eval "const r = await fetch(Deno.args[0] + \'/manifests/1\'); ' +
    "for (const l of (await r.json()).layers) " +
    'await (await fetch(Deno.args[0] + \'/blobs/\' + l.digest)).bytes();" "$u";; esac',
  async (layout, fake) => {
    Deno.env.set("DENO", Deno.execPath());
    const { manifest } = await readImage(layout);
    const digest = manifest.layers[0]?.digest ?? "";
    const bytes = await Deno.readFile(rawBlobPath(layout, digest));
    bytes[100]! ^= 1;
    await Deno.writeFile(rawBlobPath(layout, digest), bytes);
    const image = await resolveImage(await openLayout(layout));
    const error = await assertRejects(
      () => loadIntoEngine(docker(fake.path), image, options),
      MiseOciError,
    );
    assertEquals(error.code, "integrity");
    assertStringIncludes(error.message, digest);
    assertEquals((await fake.calls()).some(([verb]) => verb === "load"), false);
  },
);
