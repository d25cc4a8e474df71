import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { makeTempDir } from "../../tests/support/testbed/command.ts";
import { formatPlatform, parsePlatform } from "../oci/mod.ts";
import {
  differentVersions,
  maybeWrongFile,
  removeForeignInstall,
} from "../build/host/foreign_tools.ts";
import { sortPlatforms } from "../build/output/compose_image.ts";

const MACHINES = { amd64: 0x3e, arm64: 0xb7 } as const;

/** Writes files, each an ELF header for an architecture, or a script. */
async function writeTree(
  root: string,
  files: Readonly<Record<string, keyof typeof MACHINES | "script">>,
): Promise<void> {
  for (const [path, machine] of Object.entries(files)) {
    const bytes = new Uint8Array(64);
    bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    if (machine !== "script") bytes[18] = MACHINES[machine];
    await Deno.mkdir(join(root, path, ".."), { recursive: true });
    const script = new TextEncoder().encode("#!/bin/sh\n");
    await Deno.writeFile(join(root, path), machine === "script" ? script : bytes);
  }
}

async function wrongFile(
  files: Readonly<Record<string, keyof typeof MACHINES | "script">>,
): Promise<string | undefined> {
  const root = await Deno.makeTempDir();
  try {
    await writeTree(root, files);
    return maybeWrongFile(root, parsePlatform("linux/arm64"))?.path;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("removeForeignInstall() removes what is below the platform's data directory, and nothing else", async () => {
  await using temp = await makeTempDir();
  const [cache, elsewhere] = [join(temp.path, "platforms/linux-arm64"), join(temp.path, "mine")];
  const foreign = { platform: parsePlatform("linux/arm64"), directory: cache };
  const installs = join(cache, "data/installs");
  for (const path of [join(installs, "a/1"), elsewhere]) {
    await Deno.mkdir(path, { recursive: true });
    await Deno.writeTextFile(join(path, "file"), "");
  }
  await Deno.symlink(elsewhere, join(installs, "a/2"));
  for (const path of [join(installs, "a/1"), join(installs, "a/2"), elsewhere, installs]) {
    await removeForeignInstall(path, foreign);
  }
  assertEquals(Array.from(Deno.readDirSync(join(installs, "a")), ({ name }) => name), ["2"]);
  assertEquals(Array.from(Deno.readDirSync(elsewhere), ({ name }) => name), ["file"]);
});

Deno.test("maybeWrongFile() finds an ELF file of another machine, at any depth", async () => {
  assertEquals(await wrongFile({ "bin/a": "arm64", "lib/b/c.node": "amd64" }), "lib/b/c.node");
});

Deno.test("maybeWrongFile() lets scripts and a tool without any ELF file pass", async () => {
  assertEquals(await wrongFile({ "bin/a": "script", "lib/index.js": "script" }), undefined);
});

Deno.test("maybeWrongFile() lets a file for each platform pass, if ours is among them", async () => {
  const both = { "pre/linux-x64/a.node": "amd64", "pre/linux-arm64/a.node": "arm64" } as const;
  assertEquals(await wrongFile(both), undefined);
  const one = "node_modules/@x/linux-x64/bin/x";
  assertEquals(await wrongFile({ [one]: "amd64", "index.js": "script" }), one);
  assertEquals(
    await wrongFile({ ...both, "build/Release/b.node": "amd64" }),
    "build/Release/b.node",
  );
});

Deno.test("sortPlatforms() gives each platform once, in the order of an index", () => {
  const given = ["arm64", "linux/amd64/v3", "x86_64", "linux/arm64/v8"].map(parsePlatform);
  assertEquals(sortPlatforms(given).map(formatPlatform), [
    "linux/amd64",
    "linux/amd64/v3",
    "linux/arm64",
  ]);
});

Deno.test("differentVersions() names a tool that is not the same everywhere", () => {
  const image = (platform: string, versions: Readonly<Record<string, string>>) => {
    const tools = Object.entries(versions).map(([short, version]) => ({ short, version }));
    return { project: { tools }, plan: { platform: parsePlatform(platform) } };
  };
  const images = [
    image("amd64", { node: "24.1.0", jq: "1.8.0" }),
    image("arm64", { node: "24.1.0", jq: "1.8.1" }),
  ];
  const [text, ...others] = differentVersions(
    images as unknown as Parameters<typeof differentVersions>[0],
  );
  assertEquals(others, []);
  assertEquals(text?.startsWith("jq is 1.8.0 for linux/amd64 and 1.8.1 for linux/arm64"), true);
});
