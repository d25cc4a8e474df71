/**
 * A fake `mise`: a shell script with scripted answers, for what a real one cannot be made to do.
 * @module
 */
import { dirname, join } from "@std/path";

/** What the fake does when it is called with some arguments. */
export interface FakeAnswer {
  /** What it prints: text, or a value as JSON. Default: nothing. */
  readonly stdout?: unknown;
  /** What it says on stderr. Default: nothing. */
  readonly stderr?: string;
  /** Its exit code. Default 0. */
  readonly code?: number;
  /** More shell commands, run before it prints: `kill -KILL $$`, `exec sleep 60`. */
  readonly shell?: string;
}

/** Answers by arguments, as one string: `"ls --current --json"`. */
export type FakeAnswers = Readonly<Record<string, FakeAnswer>>;

/** A fake mise with a project to ask it about. */
export interface FakeMise extends AsyncDisposable {
  /** Absolute path of the executable. */
  readonly path: string;
  /** Absolute directory of an empty project. */
  readonly directory: string;
  /** Absolute directory of a home without config. */
  readonly home: string;
  /** The arguments of the calls so far, in no order. */
  calls(): Promise<readonly string[]>;
  /** The value that each call so far had of a variable; `""` if it was not set. */
  seen(variable: string): Promise<readonly string[]>;
}

function toText(stdout: unknown): string {
  return stdout === undefined ? "" : typeof stdout === "string" ? stdout : JSON.stringify(stdout);
}

/** Variables whose values the fake notes. */
const NOTED = [
  "MISE_AUTO_INSTALL",
  "MISE_ENV",
  "MISE_NODE_VERSION",
  "MISE_LOG_LEVEL",
  "MISE_OFFLINE",
  "MISE_IGNORED_CONFIG_PATHS",
  "MISE_DISABLE_TOOLS",
  "MISE_NPM_PACKAGE_MANAGER",
];

async function writeScript(root: string, answers: FakeAnswers): Promise<void> {
  const cases: string[] = [];
  for (const [index, [args, answer]] of Object.entries(answers).entries()) {
    await Deno.writeTextFile(join(root, `out-${index}`), toText(answer.stdout));
    await Deno.writeTextFile(join(root, `err-${index}`), answer.stderr ?? "");
    const body = `${answer.shell ?? ":"}\ncat "$root/out-${index}"\ncat "$root/err-${index}" >&2`;
    cases.push(`  '${args}')\n${body}\nexit ${answer.code ?? 0};;`);
  }
  const note = NOTED.map((name) => `printf '${name}=%s\\n' "$${name}"`).join("\n");
  const script = `#!/bin/sh
root='${root}'
{ printf '%s\\n' "$*"; ${note.replaceAll("\n", "; ")}; } > "$root/call-$$"
case "$*" in
${cases.join("\n")}
  *) echo "fake mise has no answer for: $*" >&2; exit 64;;
esac
`;
  await Deno.writeTextFile(join(root, "bin/mise"), script, { mode: 0o755 });
}

async function readCalls(root: string): Promise<readonly string[]> {
  const names = [...Deno.readDirSync(root)].map(({ name }) => name);
  return await Promise.all(
    names.filter((name) => name.startsWith("call-")).map((name) =>
      Deno.readTextFile(join(root, name))
    ),
  );
}

/** Makes a fake mise. Answers may be made from the directories, which are new for each. */
export async function createFakeMise(
  answers: (place: { readonly directory: string; readonly home: string }) => FakeAnswers,
): Promise<FakeMise> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "fake-mise-" }));
  const [directory, home] = [join(root, "work/project"), join(root, "home")];
  for (const path of [directory, home, join(root, "bin")]) {
    await Deno.mkdir(path, { recursive: true });
  }
  await writeScript(root, answers({ directory, home }));
  return {
    path: join(root, "bin/mise"),
    directory,
    home,
    calls: async () => (await readCalls(root)).map((text) => text.split("\n")[0] ?? ""),
    seen: async (variable) =>
      (await readCalls(root)).map((text) =>
        new RegExp(`^${variable}=(.*)$`, "m").exec(text)?.[1] ?? ""
      ),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** One tool of {@linkcode projectAnswers}. */
export interface FakeTool {
  /** mise's short name. */
  readonly short: string;
  /** Version. */
  readonly version: string;
  /** Full backend. Default: the short name. */
  readonly backend?: string;
  /** Absolute install path. */
  readonly installPath: string;
  /** Whether it is installed. Default: yes. */
  readonly installed?: boolean;
  /** Config file, or the variable that overrides it. Default: the project's. */
  readonly source?: { readonly type: string; readonly path?: string; readonly key?: string };
}

/** The answers of a mise in a project with a `mise.toml` and some tools. */
export function projectAnswers(
  directory: string,
  tools: readonly FakeTool[] = [],
): FakeAnswers {
  const config = join(directory, "mise.toml");
  const listed = Map.groupBy(tools, (tool) => tool.short);
  const rows = [...listed].map(([short, versions]) => [
    short,
    versions.map((tool) => ({
      version: tool.version,
      requested_version: tool.version,
      install_path: tool.installPath,
      source: tool.source ?? { type: "mise.toml", path: config },
      installed: tool.installed ?? true,
      active: tool.installed ?? true,
    })),
  ]);
  const details = [...listed].map(([short, versions]) => [`tool ${short} --json`, {
    stdout: {
      backend: versions[0]?.backend ?? short,
      active_versions: versions.map((tool) => tool.version),
    },
  }]);
  return {
    "version --json": { stdout: { version: "2026.9.15 linux-x64 (2026-09-27)" } },
    "config ls --json": { stdout: [{ path: config, tools: [...listed.keys()] }] },
    "ls --current --json": { stdout: Object.fromEntries(rows) },
    "env --json-extended": { stdout: { PATH: { value: "/usr/bin" } } },
    "env --redacted --json": { stdout: {} },
    "bin-paths": { stdout: tools.map((tool) => `${tool.installPath}/bin\n`).join("") },
    "settings --all --json": { stdout: {} },
    ...Object.fromEntries(details),
  };
}

/** Writes the project's `mise.toml`, or another file of it. */
export async function writeConfig(
  fake: FakeMise,
  text: string | Uint8Array,
  name = "mise.toml",
): Promise<string> {
  const path = join(fake.directory, name);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeFile(path, typeof text === "string" ? new TextEncoder().encode(text) : text);
  return path;
}
