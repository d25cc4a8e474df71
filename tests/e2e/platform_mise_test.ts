/**
 * What a build for another platform takes into mise-oci's cache: the mise of a release, and tools; and
 * how both leave it again.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { readImage } from "../support/layout.ts";
import { type FileServer, serveFiles } from "../support/node_mirror.ts";
import { type Built, envOf, FOREIGN, unpackFirstLayer } from "../support/platforms.ts";
import {
  createMiseProject,
  exists,
  MISE_VERSION,
  type MiseProject,
  type RunResult,
  testWith,
} from "../support/testbed.ts";

const NAME = `mise-v${MISE_VERSION}-linux-${FOREIGN === "amd64" ? "x64" : "arm64"}`;

/** The header of an executable for the other platform, and some more. */
function foreignExecutable(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(100_000);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes[18] = FOREIGN === "arm64" ? 0xb7 : 0x3e;
  return bytes;
}

/** A mirror of mise's release page, and what was asked of it. */
function serveRelease(
  executable: Uint8Array<ArrayBuffer>,
  checksum: string,
): FileServer & { readonly asked: string[] } {
  const asked: string[] = [];
  const server = serveFiles((path) => {
    asked.push(path);
    if (path === `/gh/v${MISE_VERSION}/${NAME}`) return executable;
    return path.endsWith("/SHASUMS256.txt") ? `${checksum}  ./${NAME}\n` : undefined;
  });
  return { ...server, asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Builds for the other platform with a mirror in mise's own setting. */
function buildForeign(
  project: MiseProject,
  mirror: string,
  args: readonly string[] = [],
): Promise<RunResult> {
  const from = "https://github.com/jdx/mise/releases/download";
  const flags = ["--platform", `linux/${FOREIGN}`, "--no-check", "--from", "scratch"];
  return runProgram(["build", ...flags, "-o", join(project.root, "image"), ...args], {
    cwd: project.directory,
    env: { ...envOf(project), MISE_URL_REPLACEMENTS: JSON.stringify({ [from]: `${mirror}/gh` }) },
  });
}

testWith(
  { needs: ["linux", "mise"] },
  "mise for another platform comes from its release, verified, once",
  async () => {
    const executable = foreignExecutable();
    await using project = await createMiseProject({ toml: "[tools]\n" });
    {
      await using mirror = serveRelease(executable, sha256(executable));
      const dry = await buildForeign(project, mirror.url, ["--dry-run"]);
      assertEquals([dry.code, mirror.asked], [0, []], dry.stderr);
      assertStringIncludes(dry.stdout, "/usr/local/bin/mise");
      const result = await buildForeign(project, mirror.url);
      assertEquals(result.code, 0, result.stderr);
      assertEquals(mirror.asked.map((path) => path.split("/").pop()), ["SHASUMS256.txt", NAME]);
    }
    const tree = join(project.root, "tree");
    await unpackFirstLayer(join(project.root, "image"), tree);
    assertEquals(await Deno.readFile(join(tree, "usr/local/bin/mise")), executable);
    const { entry } = await readImage(join(project.root, "image"));
    // The mirror is gone; the cache has it.
    const again = await buildForeign(project, "http://127.0.0.1:1", ["--json"]);
    assertEquals(again.code, 0, again.stderr);
    assertEquals(JSON.parse(again.stdout).digest, entry.digest);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "a release with another checksum ends the build; one that cannot be had is a warning",
  async () => {
    await using project = await createMiseProject({ toml: "[tools]\n" });
    const output = join(project.root, "image");
    {
      await using mirror = serveRelease(foreignExecutable(), "0".repeat(64));
      const refused = await buildForeign(project, mirror.url);
      assertEquals(refused.code, 1, refused.stderr);
      assertStringIncludes(refused.stderr, `${NAME}: its bytes do not have the checksum`);
      assertStringIncludes(refused.stderr, "--mise-binary");
      assertEquals(await exists(join(output, "index.json")), false);
    }
    await using empty = serveFiles(() => undefined);
    const without = await buildForeign(project, empty.url, ["--json"]);
    assertEquals(without.code, 0, without.stderr);
    assertStringIncludes(without.stderr, `mise is left out of the image for linux/${FOREIGN}: `);
    assertStringIncludes(without.stderr, "SHASUMS256.txt answered 404");
    const kinds = JSON.parse(without.stdout).layers.map(({ kind }: { kind: string }) => kind);
    assertEquals(kinds, ["config"]);
    const options = { cwd: project.directory, env: { ...envOf(project), MISE_OFFLINE: "1" } };
    const flags = [
      "--platform",
      `linux/${FOREIGN}`,
      "--no-check",
      "--from",
      "scratch",
      "-o",
      output,
    ];
    const offline = await runProgram(["build", ...flags], options);
    assertEquals(offline.code, 0, offline.stderr);
    assertStringIncludes(offline.stderr, 'mise\'s setting "offline" is on');
  },
);

interface Entries {
  readonly size: number;
  readonly entries: readonly {
    readonly kind: string;
    readonly name: string;
    readonly size: number;
  }[];
}

testWith(
  { needs: ["linux", "mise"] },
  "cache ls shows the tools of another platform; after cache prune they are installed again",
  async () => {
    await using project = await createMiseProject({ toml: '[tools]\n"npm:is-number" = "7.0.0"\n' });
    const options = { cwd: project.directory, env: envOf(project) };
    const flags = [
      "--platform",
      `linux/${FOREIGN}`,
      "--no-mise",
      "--no-check",
      "--from",
      "scratch",
    ];
    const build = () =>
      runProgramJson<Built>(["build", ...flags, "-o", join(project.root, "image")], options);
    const installs = async (): Promise<string[]> => {
      const { entries } = await runProgramJson<Entries>(["cache", "ls"], options);
      return entries.filter(({ kind }) => kind === "install").map(({ name }) => name).sort();
    };
    const first = await build();
    assertEquals(await installs(), [
      `linux-${FOREIGN}`,
      `linux-${FOREIGN} npm-is-number 7.0.0`,
    ]);
    const old = await runProgramJson<{ removed: unknown[] }>(
      ["cache", "prune", "--older-than", "1h"],
      options,
    );
    assertEquals(old.removed, []);
    const pruned = await runProgram(["cache", "prune"], options);
    assertEquals(pruned.code, 0, pruned.stderr);
    assertEquals(await installs(), []);
    assert(!await exists(join(project.root, `oci-cache/platforms/linux-${FOREIGN}`)));
    assertEquals((await build()).digest, first.digest);
  },
);
