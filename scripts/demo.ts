/**
 * `deno task demo`: on a machine with only Node and npm, gets mise, installs the tools of
 * `examples/hello` and builds an image of them in `./mise-oci`. Nothing leaves this directory.
 * @module
 */
import { dirname, join } from "@std/path";
import {
  fetchMise,
  hasNpm,
  makeMiseHome,
  miseEnv,
  REPOSITORY,
  run,
  TESTBED,
  TOOLS_HOME,
} from "../tests/support/testbed.ts";
import { withLock } from "../tests/support/testbed/kept.ts";

const EXAMPLE = join(REPOSITORY, "examples/hello");
const ENV_FILE = join(TESTBED, "demo-env.sh");

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

function fail(line: string): never {
  // deno-lint-ignore no-console
  console.error(line);
  Deno.exit(1);
}

/** Runs deno in the repository with the demo's environment and its output on the terminal. */
async function deno(args: readonly string[], env: Record<string, string>): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: REPOSITORY,
    env,
    clearEnv: true,
  }).spawn();
  const { code } = await child.status;
  if (code !== 0) Deno.exit(code);
}

/** A file that gives a shell the demo's mise and tools, so that what is printed can be pasted. */
async function writeEnvFile(mise: string, env: Record<string, string>): Promise<void> {
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const lines = Object.entries(env).filter(([name]) => name.startsWith("MISE_"))
    .map(([name, value]) => `export ${name}=${quote(value)}`);
  const path = `export PATH=${quote(dirname(mise))}:"$PATH"`;
  await Deno.writeTextFile(ENV_FILE, `${[...lines, path].join("\n")}\n`);
}

if (Deno.build.os !== "linux") {
  fail("The demo builds an image of Linux executables and needs Linux (or WSL, or a container)");
}
if (!hasNpm()) fail("The demo fetches mise and tools with npm: install Node.js and npm first");

say("1. Fetching mise from the npm registry (an executable of 150 MB, once)");
const mise = await fetchMise();
const env = miseEnv(mise, TOOLS_HOME);

say("2. Installing the tools of examples/hello/mise.toml with it");
await withLock("tools", async () => {
  await makeMiseHome(TOOLS_HOME);
  await run([mise, "trust", "--quiet"], { env, cwd: EXAMPLE });
  await run([mise, "install", "--yes"], { env, cwd: EXAMPLE });
});
const tools = await run([mise, "ls", "--current"], { env, cwd: EXAMPLE });
for (const line of tools.stdout.trim().split("\n")) {
  say(`   ${line.replace(/\s+\S*mise\.toml.*$/, "")}`);
}

const build = ["run", "-qP", "main.ts", "build", "-C", "examples/hello", "--from", "scratch"];
say(`3. deno ${build.join(" ")}\n`);
await writeEnvFile(mise, env);
await deno([...build, "--output", join(REPOSITORY, "mise-oci")], env);

say(`
./mise-oci is an OCI image layout with one layer per tool. Build it again: nothing is left to do.

Go on in this directory ("deno" may be "npx -y deno@2.9.6"):

  . "${ENV_FILE}"   # this mise and these tools, in this shell
  deno run -qP main.ts build -C examples/hello --dry-run
  deno run -qP main.ts run -C examples/hello --from debian:bookworm-slim -- node --version
  deno run -qP main.ts push --image-dir mise-oci REGISTRY/hello:latest
  deno run -qP main.ts --help
`);
