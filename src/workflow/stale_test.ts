import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { silentReporter } from "../ui/reporter.ts";
import { warnIfStale } from "./open_image.ts";

/** The warnings about a layout of a project whose files have the given times, in seconds. */
async function warningsFor(
  files: Readonly<Record<string, number>>,
  labels: Readonly<Record<string, string>> = { "dev.mise.version": "2026.9.15" },
): Promise<readonly string[]> {
  const project = await Deno.makeTempDir();
  try {
    for (const [path, time] of Object.entries(files)) {
      await Deno.mkdir(join(project, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(project, path), "");
      await Deno.utime(join(project, path), time, time);
    }
    const texts: string[] = [];
    const reporter = {
      ...silentReporter,
      emit: (event: { type: string; text?: string }) => void texts.push(event.text ?? ""),
    };
    const config = { architecture: "amd64", os: "linux", config: { Labels: labels } };
    const image = { config } as unknown as Parameters<typeof warnIfStale>[1];
    warnIfStale({ directory: join(project, "mise-oci") }, image, { reporter });
    return texts;
  } finally {
    await Deno.remove(project, { recursive: true });
  }
}

Deno.test("a layout that is older than the config or lock file beside it is called so", async () => {
  const layout = { "mise-oci/index.json": 1000 };
  for (
    const file of [
      "mise.toml",
      ".mise.toml",
      "mise.production.toml",
      "mise.local.toml",
      "mise.lock",
      ".tool-versions",
      "mise/config.toml",
      ".mise/config.local.toml",
      ".config/mise.toml",
      ".config/mise/config.toml",
      ".config/mise/mise.lock",
      ".config/mise/conf.d/a.toml",
    ]
  ) {
    const text = `The image in "mise-oci" is older than "${file}": mise-oci build updates it`;
    assertEquals(await warningsFor({ ...layout, [file]: 1001 }), [text]);
    assertEquals(await warningsFor({ ...layout, [file]: 1000 }), []);
  }
});

Deno.test("other files of the project, and images that mise-oci did not build, say nothing", async () => {
  const layout = { "mise-oci/index.json": 1000 };
  assertEquals(await warningsFor({ ...layout, "src/main.ts": 2000, "config.toml": 2000 }), []);
  assertEquals(await warningsFor({ ...layout, "mise.toml": 2000 }, {}), []);
});
