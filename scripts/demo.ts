/**
 * `deno task demo`: on a machine with only Node and npm, gets mise, installs the tools of `examples/hello`, builds
 * an image of them in `./mise-oci` and starts one in it. Writes below this directory only: `.demo` and `mise-oci`.
 * @module
 */
import { dirname, fromFileUrl, join } from "@std/path";

const REPOSITORY = fromFileUrl(new URL("../", import.meta.url)).replace(/\/$/, "");
const EXAMPLE = join(REPOSITORY, "examples/hello");
const DEMO = join(REPOSITORY, ".demo");
const LAYOUT = join(REPOSITORY, "mise-oci");
const ENV_FILE = join(DEMO, "env.sh");

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

function fail(line: string): never {
  // deno-lint-ignore no-console
  console.error(line);
  Deno.exit(1);
}

/** Runs a program in the repository with its output on the terminal; its exit code. */
async function show(command: readonly string[], env: Record<string, string>): Promise<number> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, { args, cwd: REPOSITORY, env, clearEnv: true }).spawn();
  return (await child.status).code;
}

/** A file that gives a shell the demo's mise and tools, so that what is printed can be pasted. */
async function writeEnvFile(mise: string, env: Record<string, string>): Promise<void> {
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const names = Object.entries(env).filter(([name]) => /^(?:MISE_|XDG_CACHE_HOME$)/.test(name));
  const lines = names.map(([name, value]) => `export ${name}=${quote(value)}`);
  const path = `export PATH=${quote(dirname(mise))}:${quote(dirname(Deno.execPath()))}:"$PATH"`;
  await Deno.writeTextFile(ENV_FILE, `${[...lines, path].join("\n")}\n`);
}

/** What the image stands on, and what is to be said of it. */
interface Base {
  readonly from: string;
  readonly said: string;
}

async function isReachable(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    await response.body?.cancel();
    // The registry's own answer to nobody, which no proxy gives for a host that it blocks.
    return response.status === 401 && response.headers.has("docker-distribution-api-version");
  } catch {
    return false;
  }
}

async function chooseBase({ buildBase, IS_ROOT, which }: Parts): Promise<Base> {
  if (await isReachable("https://registry-1.docker.io/v2/")) {
    return { from: "debian:bookworm-slim", said: "debian:bookworm-slim from Docker Hub" };
  }
  if (IS_ROOT && which("mmdebstrap") !== undefined) {
    try {
      const layout = await buildBase();
      return { from: `oci:${layout}`, said: "a Debian made of this machine's own packages" };
    } catch (error) {
      say(`   (mmdebstrap made no base: ${error instanceof Error ? error.message : error})`);
    }
  }
  return {
    from: "scratch",
    said: "nothing: no registry is reached here, and only root with mmdebstrap makes a base. " +
      "The image is complete, but its programs need a base to start",
  };
}

type Parts = typeof import("../tests/support/testbed.ts");

/** The image, unpacked. */
interface Unpacked {
  /** Absolute directory. */
  readonly root: string;
  /** `NAME=VALUE`. */
  readonly env: readonly string[];
}

/** Unpacks the image, lowest layer first. */
async function unpack({ run, removeTree }: Parts): Promise<Unpacked> {
  const blob = (digest: string): string => join(LAYOUT, "blobs", digest.replace(":", "/"));
  // Of one's own making a moment ago.
  // deno-lint-ignore no-explicit-any
  const document = async (path: string): Promise<any> => JSON.parse(await Deno.readTextFile(path));
  const index = await document(join(LAYOUT, "index.json"));
  const { layers, config } = await document(blob(index.manifests[0].digest));
  const root = join(DEMO, "root");
  await removeTree(root);
  await Deno.mkdir(root);
  for (const { digest } of layers) {
    await run(["tar", "--no-same-owner", "--exclude=./dev/*", "-xzf", blob(digest), "-C", root]);
  }
  return { root, env: (await document(blob(config.digest))).config.Env };
}

/**
 * Starts a tool in the image: in a container where an engine works, else with chroot in the unpacked image, for
 * which another user than root needs user namespaces.
 */
async function startTool(parts: Parts, env: Record<string, string>): Promise<string | undefined> {
  const inImage = ["prettier", "--version"];
  for (const engine of ["podman", "docker"]) {
    if (parts.which(engine) === undefined) continue;
    const flags = ["--engine", engine, "--image", "mise-oci"];
    // The engine is the user's own, with its own settings.
    const own = { ...Deno.env.toObject(), ...env, HOME: Deno.env.get("HOME") ?? "" };
    const limited = (seconds: number) => ({
      ...{ cwd: REPOSITORY, env: own, allowFailure: true },
      signal: AbortSignal.timeout(seconds * 1000),
    });
    if ((await parts.run([engine, "info"], limited(20))).code !== 0) continue;
    say(`   loading it into ${engine}`);
    const result = await parts.run(
      [Deno.execPath(), "run", "-qP", "main.ts", "run", ...flags, "--", ...inImage],
      limited(120),
    );
    if (result.code === 0) return `prettier ${result.stdout.trim()}, in a container of ${engine}`;
  }
  const { root, env: variables } = await unpack(parts);
  try {
    const chroot = ["chroot", root, "/usr/bin/env", "-i", ...variables, ...inImage];
    const [program = "", ...args] = parts.IS_ROOT
      ? chroot
      : ["unshare", "--map-root-user", ...chroot];
    const result = await parts.run([program, ...args], { allowFailure: true });
    if (result.code === 0) return `prettier ${result.stdout.trim()}, in a chroot of the image`;
    say(`   (no tool starts here: ${result.stderr.trim().split("\n").at(-1)})`);
    return undefined;
  } finally {
    await parts.removeTree(root);
  }
}

if (Deno.build.os !== "linux") {
  fail("The demo builds an image of Linux executables and needs Linux (or WSL, or a container)");
}
// Before the parts are loaded, which keep what they fetch in the user's cache otherwise. Deno's own stays.
const userCache = Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") ?? "/root", ".cache");
if (!Deno.env.get("DENO_DIR")) Deno.env.set("DENO_DIR", join(userCache, "deno"));
Deno.env.set("XDG_CACHE_HOME", DEMO);
const parts: Parts = await import("../tests/support/testbed.ts");
const { withLock } = await import("../tests/support/testbed/kept.ts");
if (!parts.hasNpm()) {
  fail("The demo fetches mise and tools with npm: install Node.js and npm first");
}
await Deno.mkdir(DEMO, { recursive: true });

const base = await chooseBase(parts);
say(`The image will stand on ${base.said}.`);

say("1. Fetching mise from the npm registry (an executable of 150 MB, once)");
const mise = await parts.fetchMise();
const env = parts.miseEnv(mise, parts.TOOLS_HOME);

say("2. Installing the tools of examples/hello/mise.toml with it");
await withLock("tools", async () => {
  await parts.makeMiseHome(parts.TOOLS_HOME);
  await parts.run([mise, "trust", "--quiet"], { env, cwd: EXAMPLE });
  await parts.run([mise, "install", "--yes"], { env, cwd: EXAMPLE });
});
const tools = await parts.run([mise, "ls", "--current"], { env, cwd: EXAMPLE });
for (const line of tools.stdout.trim().split("\n")) {
  say(`   ${line.replace(/\s+\S*mise\.toml.*$/, "")}`);
}

const build = ["run", "-qP", "main.ts", "build", "-C", "examples/hello", "--from", base.from];
say(`3. deno ${build.join(" ")} -o mise-oci\n`);
await writeEnvFile(mise, env);
const code = await show([Deno.execPath(), ...build, "--output", LAYOUT], env);
if (code !== 0) Deno.exit(code);

say("\n4. Starting a tool in the image");
const started = base.from === "scratch" ? undefined : await startTool(parts, env);
say(started === undefined ? "   not here; podman or docker start it elsewhere" : `   ${started}`);

say(`
./mise-oci is an OCI image layout with one layer per tool. Build it again: nothing is left to do.

Go on in this directory:

  . "${ENV_FILE}"   # this mise, these tools and this deno, in this shell
  deno run -qP main.ts build -C examples/hello --from "${base.from}" --dry-run
  deno run -qP main.ts inspect
  deno run -qP main.ts push --image mise-oci REGISTRY/hello:latest
  deno run -qP main.ts --help

To take it all away: rm -r .demo mise-oci
`);
