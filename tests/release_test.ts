/**
 * What a release is made of, as far as it can be made on one machine: notes, man page, archive, install script.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { manPage } from "../scripts/gen_man.ts";
import { addReleaseFiles } from "../scripts/release_files.ts";
import { releaseNotes, versionOfTag } from "../scripts/release_notes.ts";
import { executableName, targetOf } from "../scripts/compile/targets.ts";
import { COMMANDS } from "../src/commands/mod.ts";
import { makeTempDir, run, type RunResult, which } from "./support/testbed/command.ts";
import { whyMissing } from "./support/testbed/parts.ts";
import { REPOSITORY } from "./support/testbed/paths.ts";
import { program, whyNoProgram } from "./support/testbed/programs.ts";

const PROGRAM = "#!/bin/sh\necho mise-oci 9.9.9\n";
const isUnix = Deno.build.os !== "windows";

Deno.test("releaseNotes() takes the part of one version, with a date or brackets, and refuses none", () => {
  const changelog =
    "# Changelog\n\n## Unreleased\n\n- c\n\n## [1.1.0] 2026-01-01\n\n- b\n\n## 1.0.0\n\n- a\n";
  assertEquals(releaseNotes(changelog, "1.0.0"), "- a\n");
  assertEquals(releaseNotes(changelog, "1.1.0"), "- b\n");
  assertThrows(() => releaseNotes(changelog, "1.0"), RangeError, "1.0");
  assertThrows(() => releaseNotes("## 1.0.0\n\n## 0.9.0\n\n- x\n", "1.0.0"), RangeError);
});

Deno.test("versionOfTag() refuses a tag that does not fit deno.json", () => {
  assertEquals(versionOfTag("v1.2.3", "1.2.3"), "1.2.3");
  assertThrows(() => versionOfTag("v1.2.4", "1.2.3"), RangeError, "v1.2.4");
});

Deno.test("the man page has every command and flag, and man reads it without a warning", async () => {
  const page = manPage(COMMANDS, "1.2.3");
  for (const { name, flags } of COMMANDS) {
    assertStringIncludes(page, `.SS "${name}"`);
    for (const flag of Object.keys(flags)) {
      assertStringIncludes(page, `\\-\\-${flag.replaceAll("-", "\\-")}`);
    }
  }
  if (which("groff") === undefined) return;
  await using directory = await makeTempDir();
  const file = join(directory.path, "mise-oci.1");
  await Deno.writeTextFile(file, page);
  const { stdout, stderr } = await run(["groff", "-man", "-Tutf8", "-ww", "-P-cbou", file]);
  assertEquals(stderr, "");
  assertMatch(stdout, /--update-index/);
});

/** A release page on a loopback port. */
interface Page extends AsyncDisposable {
  readonly url: string;
  /** File contents by path. */
  readonly files: Map<string, string>;
}

async function sumsLine(name: string, text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `${new Uint8Array(hash).toHex()}  ${name}\n`;
}

async function startPage(): Promise<Page> {
  const name = executableName(targetOf(Deno.build));
  const files = new Map<string, string>();
  for (const path of ["/latest/download", "/download/v9.9.9"]) {
    files.set(`${path}/${name}`, PROGRAM);
    files.set(`${path}/SHA256SUMS`, await sumsLine(name, PROGRAM));
  }
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const text = files.get(new URL(request.url).pathname);
    return text === undefined ? new Response("", { status: 404 }) : new Response(text);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    files,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Runs the script as it stands, from a pipe, as users do. */
function install(page: string, home: string, args: readonly string[] = []): Promise<RunResult> {
  return run(["sh", "-c", 'cat "$0" | sh -s -- "$@"', join(REPOSITORY, "install.sh"), ...args], {
    env: { HOME: home, PATH: Deno.env.get("PATH") ?? "", MISE_OCI_RELEASES: page },
    allowFailure: true,
  });
}

async function names(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
}

Deno.test({
  name:
    "install.sh installs the latest or a named release, again as an upgrade, in a path with a space",
  ignore: !isUnix,
  fn: async () => {
    await using page = await startPage();
    await using directory = await makeTempDir();
    const home = join(directory.path, "a home");
    const first = await install(page.url, home);
    assertEquals(first.code, 0, first.stderr);
    const bin = join(home, ".local/bin");
    assertStringIncludes(first.stdout, `installed mise-oci 9.9.9 as ${bin}/mise-oci`);
    assertStringIncludes(first.stdout, "on PATH");
    const again = await install(`${page.url}/`, home, ["--version=9.9.9", "--dir", bin]);
    assertEquals(again.code, 0, again.stderr);
    assertEquals(await names(bin), ["mise-oci"]);
  },
});

Deno.test({
  name:
    "install.sh refuses a wrong or missing checksum, a missing release and a strange address, and leaves nothing",
  ignore: !isUnix,
  fn: async () => {
    await using page = await startPage();
    await using directory = await makeTempDir();
    const sums = "/latest/download/SHA256SUMS";
    const wanted = page.files.get(sums) ?? "";
    const bin = join(directory.path, ".local/bin");
    const refuse = async (why: string, address = page.url, ...args: string[]): Promise<void> => {
      const result = await install(address, directory.path, args);
      assert(result.code !== 0, why);
      assertStringIncludes(result.stderr, why);
      assertEquals(await names(bin).catch(() => []), [], why);
    };
    page.files.set(sums, wanted.replace(/^.{64}/, "0".repeat(64)));
    await refuse("nothing was installed");
    page.files.set(sums, "");
    await refuse("no checksum");
    page.files.delete(sums);
    await refuse("Cannot download");
    await refuse("Cannot download", page.url, "--version", "8.8.8");
    await refuse("neither HTTPS", "http://127.0.0.1.example.com");
    await refuse("not a version", page.url, "--version", "../x");
    await refuse("Unknown argument", page.url, "--verison");
  },
});

Deno.test({
  name: "the files of a release are the same when made again, and SHA256SUMS names each once",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using directory = await makeTempDir();
    const path = directory.path;
    await Deno.writeTextFile(join(path, "SHA256SUMS"), await sumsLine("mise-oci-x", PROGRAM));
    await Deno.writeTextFile(join(path, "mise-oci-x"), PROGRAM);
    await addReleaseFiles(path);
    const sums = await Deno.readTextFile(join(path, "SHA256SUMS"));
    await addReleaseFiles(path);
    assertEquals(await Deno.readTextFile(join(path, "SHA256SUMS")), sums);
    assertEquals(sums.match(/ {2}\S+$/gm)?.map((name) => name.trim()), [
      "mise-oci-x",
      "mise-oci-share.tar.gz",
      "install.sh",
    ]);
    await run(["sha256sum", "--check", "--strict", "SHA256SUMS"], { cwd: path });
    const { stdout } = await run(["tar", "-tzf", join(path, "mise-oci-share.tar.gz")]);
    assertStringIncludes(stdout, "share/man/man1/mise-oci.1\n");
    assertStringIncludes(stdout, "share/zsh/site-functions/_mise-oci\n");
  },
});

const SCRIPTS = ["install.sh", "scripts/action.sh", ".ci/run"];

/** What reads the workflows and scripts: program, its arguments, and why it cannot run here. */
const LINTERS: readonly (readonly [string, readonly string[], string | undefined])[] = [
  [program("actionlint"), [], whyNoProgram("actionlint")],
  ["shellcheck", SCRIPTS, whyMissing("shellcheck")],
  [
    "zizmor",
    ["--offline", "--quiet", ".github", "action.yml"],
    which("zizmor") ? undefined : "zizmor is not installed",
  ],
];

for (const [linter, args, reason] of LINTERS) {
  const name = `${linter.split("/").at(-1)} finds nothing in workflows, action and scripts`;
  Deno.test({
    name: reason === undefined ? name : `${name} (skipped: ${reason})`,
    ignore: reason !== undefined,
    fn: async () => {
      // Its exit code says whether it found something; the error has what.
      await run([linter, ...args], { cwd: REPOSITORY });
    },
  });
}
