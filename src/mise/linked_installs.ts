/**
 * Installs that mise makes as links out of its data directory: what such a link leads to is shared with
 * everything else of the machine, so the tool's own part of it is looked for here.
 * @module
 */
import { basename, dirname, join } from "@std/path";
import type { ToolParts } from "../plan/project.ts";
import type { ListedTool, ListedVariable } from "./answers.ts";
import type { Session } from "./ask.ts";
import { expandHome, homeDirectory } from "../home.ts";

/** Programs that rustup stands in for (rustup's documentation, "Proxies"), and rustup itself. */
const RUSTUP_PROGRAMS: ReadonlySet<string> = new Set([
  "cargo",
  "cargo-clippy",
  "cargo-fmt",
  "cargo-miri",
  "clippy-driver",
  "rls",
  "rust-analyzer",
  "rust-gdb",
  "rust-gdbgui",
  "rust-lldb",
  "rustc",
  "rustdoc",
  "rustfmt",
]);

/** What a linked install is made of, or why it cannot be in an image. */
export type LinkedInstall =
  | { readonly parts: ToolParts }
  | { readonly why: string }
  | undefined;

/** What {@linkcode readLinkedInstall} works on. */
export interface LinkedInput {
  /** The tool. */
  readonly tool: ListedTool;
  /** Its full backend. */
  readonly backend: string;
  /** Its install path, links followed. */
  readonly real: string;
  /** All tools of the project. */
  readonly tools: readonly ListedTool[];
  /** The environment as mise has it. */
  readonly variables: readonly ListedVariable[];
}

function namesIn(directory: string): readonly string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/** The directory of a toolchain, `1.95.0-x86_64-unknown-linux-gnu`, this machine's architecture first. */
function maybeToolchain(names: readonly string[], version: string): string | undefined {
  const triple = /^[a-z]\w*-[a-z]\w*-[a-z]\w*(?:-[a-z]\w*)?$/;
  const found = names.filter((name) =>
    name.startsWith(`${version}-`) && triple.test(name.slice(version.length + 1))
  );
  return found.find((name) => name.startsWith(`${version}-${Deno.build.arch}-`)) ?? found[0] ??
    names.find((name) => name === version);
}

/**
 * `core:rust` links to all of cargo's `bin`, which has rustup's proxies and whatever the user installed with
 * cargo. The tool's own are the toolchain of its version and the proxies for the programs of that.
 */
function readRust(
  { tool, real, variables }: LinkedInput,
  session: Session,
): LinkedInstall {
  const { version } = tool;
  if (basename(real) !== "bin" || !isFile(join(real, "rustup"))) return undefined;
  const home = homeDirectory(session.context.env);
  const valueOf = (name: string): string | undefined =>
    variables.find((variable) => variable.name === name && variable.tool === "rust")?.value ??
      session.context.env(name);
  const rustupHome = expandHome(valueOf("RUSTUP_HOME") ?? "~/.rustup", home);
  const cargoHome = expandHome(valueOf("CARGO_HOME") ?? dirname(real), home);
  const toolchains = join(rustupHome, "toolchains");
  const name = maybeToolchain(namesIn(toolchains), version);
  if (name === undefined) {
    return {
      why: `rustup has no toolchain of it in ${JSON.stringify(toolchains)}: run ` +
        `"rustup toolchain install ${version}"`,
    };
  }
  const hostPath = Deno.realPathSync(join(toolchains, name));
  const programs = new Set(
    namesIn(join(hostPath, "bin")).filter((one) => RUSTUP_PROGRAMS.has(one)),
  );
  const triple = name.slice(version.length + 1);
  const host = triple === "" ? [] : [`default_host_triple = "${triple}"`];
  return {
    parts: {
      trees: [
        {
          hostPath: real,
          place: "cargo/bin",
          exclude: namesIn(real).filter((one) => one !== "rustup" && !programs.has(one)),
        },
        { hostPath, place: `rustup/toolchains/${name}` },
      ],
      files: {
        "rustup/settings.toml": [
          'auto_self_update = "disable"',
          ...host,
          'profile = "minimal"',
          'version = "12"',
          "",
          "[overrides]",
          "",
        ].join("\n"),
      },
      // rustup makes those of its own when they are missing, which only their owner can; mise takes a version
      // for installed that has a directory.
      directories: [
        `installs/${basename(dirname(tool.installPath))}/${basename(tool.installPath)}`,
        ...["downloads", "tmp", "update-hashes"].map((one) => `rustup/${one}`),
      ],
      path: ["cargo/bin"],
      moved: { [rustupHome]: "rustup", [cargoHome]: "cargo" },
    },
  };
}

/** `9.0` of `9.0.100`. */
function minorOf(version: string): string | undefined {
  return /^\d+\.\d+/.exec(version)?.[0];
}

/**
 * `core:dotnet` links every version to one directory with all SDKs of the machine. The tool's own are the SDKs
 * that the project asks for, side by side as `dotnet` wants them, with the runtimes of the same releases.
 */
function readDotnet({ tool, tools, real }: LinkedInput): LinkedInstall {
  const wanted = new Set(
    tools.filter(({ short }) => short === tool.short).map(({ version }) => version),
  );
  if (!namesIn(join(real, "sdk")).includes(tool.version)) return undefined;
  const minors = new Set([...wanted].map(minorOf));
  const parents = [
    "host/fxr",
    "sdk-manifests",
    "templates",
    ...["shared", "packs"].flatMap((parent) =>
      namesIn(join(real, parent)).map((name) => `${parent}/${name}`)
    ),
  ];
  const others = parents.flatMap((parent) => {
    const versions = namesIn(join(real, parent)).filter((name) => minorOf(name) !== undefined);
    const strange = versions.filter((name) => !minors.has(minorOf(name)));
    // What has nothing of these releases serves all of them.
    return strange.length === versions.length ? [] : strange.map((name) => `${parent}/${name}`);
  });
  const sdks = namesIn(join(real, "sdk")).filter((name) =>
    minorOf(name) !== undefined && !wanted.has(name)
  ).map((name) => `sdk/${name}`);
  return { parts: { trees: [{ hostPath: real, exclude: [...sdks, ...others] }] } };
}

/** Directories of programs that every installer of a user shares. */
const SHARED_BINS = [".cargo/bin", ".local/bin", "bin", "go/bin", ".bun/bin", ".deno/bin"];

/**
 * The tool's own part of an install that is a link to a place which it shares with others; `undefined` for
 * an install whose whole directory is the tool's.
 */
export function readLinkedInstall(input: LinkedInput, session: Session): LinkedInstall {
  const { tool, backend, real } = input;
  if (!tool.installed || real === tool.installPath) return undefined;
  const own = backend === "core:rust"
    ? readRust(input, session)
    : backend === "core:dotnet"
    ? readDotnet(input)
    : undefined;
  if (own !== undefined) return own;
  const home = homeDirectory(session.context.env);
  const shared = SHARED_BINS.map((path) => join(home ?? "/", path));
  if (!shared.includes(real)) return undefined;
  return {
    why: `its install path is a link to ${
      JSON.stringify(real)
    }, which holds programs of others too`,
  };
}
