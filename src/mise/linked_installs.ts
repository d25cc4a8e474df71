/**
 * Installs that are links out of mise's data directory, to directories shared with other programs:
 * finds the part that belongs to the tool.
 * @module
 */
import { basename, dirname, join } from "@std/path";
import type { ToolParts } from "../plan/project.ts";
import type { ListedTool, ListedVariable } from "./answers.ts";
import type { Session } from "./ask.ts";
import { expandHome, homeDirectory } from "../home.ts";

/** The programs for which rustup installs proxies (rustup's documentation, "Proxies"). */
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

/** The contents of a linked install, or why it cannot be in an image. */
export type LinkedInstall =
  | { readonly parts: ToolParts }
  | { readonly why: string }
  | undefined;

/** Input of {@linkcode readLinkedInstall}. */
export interface LinkedInput {
  /** The tool. */
  readonly tool: ListedTool;
  /** Its full backend. */
  readonly backend: string;
  /** Its install path, links resolved. */
  readonly real: string;
  /** All tools of the project. */
  readonly tools: readonly ListedTool[];
  /** The environment listed by mise. */
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

/**
 * The directory of a toolchain, `1.95.0-x86_64-unknown-linux-gnu`; one for the host's architecture
 * is preferred.
 */
function maybeToolchain(names: readonly string[], version: string): string | undefined {
  const triple = /^[a-z]\w*-[a-z]\w*-[a-z]\w*(?:-[a-z]\w*)?$/;
  const found = names.filter((name) =>
    name.startsWith(`${version}-`) && triple.test(name.slice(version.length + 1))
  );
  return found.find((name) => name.startsWith(`${version}-${Deno.build.arch}-`)) ?? found[0] ??
    names.find((name) => name === version);
}

/**
 * `core:rust` links to cargo's `bin`, which contains rustup's proxies and everything the user
 * installed with cargo. The tool's part is the toolchain of its version and the proxies for its
 * programs.
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
      // rustup would create these if missing, which only their owner can do; mise takes a version
      // for installed if its directory exists.
      directories: [
        `installs/${basename(dirname(tool.installPath))}/${basename(tool.installPath)}`,
        ...["downloads", "tmp", "update-hashes"].map((one) => `rustup/${one}`),
      ],
      path: ["cargo/bin"],
      moved: { [rustupHome]: "rustup", [cargoHome]: "cargo" },
    },
  };
}

/** Major and minor version: `9.0` of `9.0.100`. */
function minorOf(version: string): string | undefined {
  return /^\d+\.\d+/.exec(version)?.[0];
}

/**
 * `core:dotnet` links every version to one directory with all SDKs of the machine. The tool's part
 * is the SDKs that the project requests, side by side as `dotnet` expects them, with the runtimes
 * of the same releases.
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
    // A directory without any of these releases is shared by all of them.
    return strange.length === versions.length ? [] : strange.map((name) => `${parent}/${name}`);
  });
  const sdks = namesIn(join(real, "sdk")).filter((name) =>
    minorOf(name) !== undefined && !wanted.has(name)
  ).map((name) => `sdk/${name}`);
  return { parts: { trees: [{ hostPath: real, exclude: [...sdks, ...others] }] } };
}

/** Directories shared by several installers of a user. */
const SHARED_BINS = [".cargo/bin", ".local/bin", "bin", "go/bin", ".bun/bin", ".deno/bin"];

/**
 * The tool's part of an install that is a link to a shared directory; `undefined` if the whole
 * directory belongs to the tool.
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
