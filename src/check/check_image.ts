/**
 * Checks every command of an image: those on its PATH, its entrypoint and its default command.
 * @module
 */
import { DEFAULT_PATH } from "../oci/image_path.ts";
import { OS_RELEASE_FILES, parseOsRelease } from "../oci/os_release.ts";
import { MANAGER_NAMES, type ManagerName, packageManager } from "../oci/package_managers.ts";
import { basename } from "@std/path/posix";
import { type Cause, causeKey, severityOf } from "./cause.ts";
import { ImageView, type ViewFile, type ViewLayer } from "./image_view.ts";
import { missingNeeds } from "./needs.ts";
import { maybeMissingInstall, Starter } from "./loader/starter.ts";
import { commandsOfFile, danglingLinks, missingModules, usersOf } from "./tool_parts.ts";

/** The kind and name of a layer, if mise-oci built it. */
export interface LayerLabel {
  /** `tool`, `mise`, `copy`…; absent for layers of the base or other builders. */
  readonly kind?: string;
  /** The tool's short name. */
  readonly name?: string;
}

/** An image to check. */
export interface CheckInput {
  /** Its layers, bottom first. */
  readonly layers: readonly (ViewLayer & { readonly label: LayerLabel })[];
  /** Its architecture, with Go's name. */
  readonly architecture: string;
  /** `NAME=value` each. */
  readonly env: readonly string[];
  /** Entrypoint. */
  readonly entrypoint?: readonly string[];
  /** Default command. */
  readonly cmd?: readonly string[];
}

/** A cause and the commands affected. */
export interface Problem {
  /** The reason. */
  readonly cause: Cause;
  /** Commands that fail because they are or load the failing file; sorted by name. */
  readonly commands: readonly string[];
  /** Commands that need one of those to run, sorted by name. */
  readonly dependents: readonly string[];
  /** Whether only commands of the base are affected. */
  readonly ofBase: boolean;
}

/** A command provided by two tools. */
export interface Duplicate {
  /** The command. */
  readonly command: string;
  /** The one that runs. */
  readonly winner: CommandPlace;
  /** The others, in PATH order. */
  readonly shadowed: readonly CommandPlace[];
}

/** The place of a command. */
export interface CommandPlace {
  /** Its path. */
  readonly path: string;
  /** The tool whose layer contains it. */
  readonly tool: string;
}

/** The result of a check. */
export interface CheckReport {
  /** Number of commands checked. */
  readonly commands: number;
  /** The problems, the most severe first. */
  readonly problems: readonly Problem[];
  /** Commands provided by two tools. */
  readonly duplicates: readonly Duplicate[];
  /** `ID` and `ID_LIKE` of the image's os-release; empty if it has none. */
  readonly distribution: readonly string[];
  /** `VERSION_ID` of its os-release. */
  readonly distributionVersion?: string;
  /** The image's package manager, if it is a supported one. */
  readonly packageManager?: ManagerName;
  /** Whether musl is the image's C library. */
  readonly musl: boolean;
  /** Whether the image contains glibc's loader. */
  readonly glibc: boolean;
}

function variable(env: readonly string[], name: string): string | undefined {
  return env.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** A command on PATH: the first executable file with its name, or else the first file. */
interface Command {
  readonly name: string;
  readonly path: string;
  readonly layer: number;
  readonly file: ViewFile | undefined;
}

/** Names of files next to programs that often have execute bits but are not commands. */
const LIBRARY_NAME = /\.(?:dll|dylib|node|so(?:\.\d+)*)$|-gdb\.py$/;

/** Returns a file as a command if a shell would run it, or if it is meant to run but cannot. */
function maybeCommand(view: ImageView, directory: string, name: string): Command | undefined {
  const path = `${directory}/${name}`;
  const file = view.resolve(path);
  const command = { name, path, layer: view.layerOf(path), file };
  if (file === undefined) return view.linkTarget(path) === undefined ? undefined : command;
  if (file.type !== "file" || LIBRARY_NAME.test(name)) return undefined;
  return (file.mode & 0o111) !== 0 || isMeantToRun(file) ? command : undefined;
}

/** Whether a file should have execute bits: scripts and programs, but not libraries. */
function isMeantToRun({ program }: ViewFile): boolean {
  if (program.kind !== "elf") return program.kind === "script";
  return program.elf.type === "executable" || program.elf.interpreter !== undefined;
}

function isExecutable({ file }: Command): boolean {
  return file !== undefined && (file.mode & 0o111) !== 0;
}

/** The commands of a PATH, grouped by name, in PATH order. */
function listCommands(view: ImageView, path: readonly string[]): ReadonlyMap<string, Command[]> {
  const commands = new Map<string, Command[]>();
  const seen = new Set<string>();
  for (const directory of path) {
    const real = view.resolve(directory);
    if (real?.type !== "directory" || seen.has(real.path)) continue;
    seen.add(real.path);
    for (const name of view.list(directory)) {
      const command = maybeCommand(view, directory, name);
      if (command === undefined) continue;
      const known = commands.get(name);
      if (known === undefined) commands.set(name, [command]);
      else known.push(command);
    }
  }
  return commands;
}

/** Collects problems by cause. */
class Problems {
  readonly #found = new Map<
    string,
    { cause: Cause; direct: Set<string>; dependent: Set<string>; ofBase: boolean }
  >();

  add(cause: Cause, command: { name: string; direct: boolean; ofBase: boolean }): void {
    const key = causeKey(cause);
    let found = this.#found.get(key);
    if (found === undefined) {
      found = { cause, direct: new Set(), dependent: new Set(), ofBase: true };
      this.#found.set(key, found);
    }
    (command.direct ? found.direct : found.dependent).add(command.name);
    if (!command.ofBase) found.ofBase = false;
  }

  list(): readonly Problem[] {
    const problems = [...this.#found.values()].map(({ cause, direct, dependent, ofBase }) => ({
      cause,
      commands: [...direct].sort(),
      dependents: [...dependent].filter((name) => !direct.has(name)).sort(),
      ofBase,
    }));
    const weight = ({ cause, commands, dependents, ofBase }: Problem): number =>
      (ofBase ? 0 : 1e6) + (severityOf(cause) === "start" ? 1e5 : 0) + commands.length +
      dependents.length;
    return problems.sort((a, b) => weight(b) - weight(a));
  }
}

/** Whether the file itself is at fault, rather than a script's interpreter. */
function isDirect(cause: Cause, { program, path }: ViewFile): boolean {
  return program.kind !== "script" || ("file" in cause && cause.file === path);
}

function findDuplicates(
  commands: ReadonlyMap<string, readonly Command[]>,
  labels: readonly LayerLabel[],
): readonly Duplicate[] {
  const duplicates: Duplicate[] = [];
  for (const [command, all] of commands) {
    const places = all.filter(isExecutable).flatMap(({ path, layer }) => {
      const label = labels[layer];
      // A shared layer of several tools has no name, so the name is taken from the path.
      const name = label?.name ?? /\/installs\/([^/]+)\//.exec(path)?.[1] ?? "?";
      return label?.kind === "tool" ? [{ path, tool: name }] : [];
    });
    const [winner, ...rest] = places;
    const shadowed = rest.filter(({ tool }) => tool !== winner?.tool);
    if (winner !== undefined && shadowed.length > 0) duplicates.push({ command, winner, shadowed });
  }
  return duplicates.sort((a, b) => a.command < b.command ? -1 : 1);
}

interface Checking {
  readonly view: ImageView;
  readonly starter: Starter;
  readonly labels: readonly LayerLabel[];
  readonly problems: Problems;
}

/** Whether a layer belongs to the base of an image built by mise-oci. */
function isOfBase(layer: number, labels: readonly LayerLabel[]): boolean {
  return labels[layer]?.kind === undefined && labels.some(({ kind }) => kind !== undefined);
}

function checkCommand(command: Command, checking: Checking): void {
  const { view, starter, labels, problems } = checking;
  const { name, path, file, layer } = command;
  const ofBase = isOfBase(layer, labels);
  if (file === undefined) {
    const target = view.linkTarget(path) ?? "";
    const install = maybeMissingInstall(view, path);
    const cause: Cause = install === undefined
      ? { type: "dangling-link", file: path, target }
      : { type: "missing-install", ...install, file: path };
    return problems.add(cause, { name, direct: true, ofBase });
  }
  const causes = starter.causesOf(file);
  for (const cause of causes) problems.add(cause, { name, direct: isDirect(cause, file), ofBase });
  if (causes.length > 0 || labels[file.layer]?.kind !== "tool") return;
  const installs = file.program.kind === "script" ? file.program.installs ?? [] : [];
  for (const install of installs.filter((one) => view.resolve(one) === undefined)) {
    problems.add({ type: "host-path", path: install, file: file.path }, {
      name,
      direct: true,
      ofBase,
    });
  }
}

/** The names of rustup's proxies (rustup's `TOOLS` and `DUP_TOOLS`). */
const RUST_PROXIES =
  /^(?:cargo|rustc|rustdoc|rustfmt|rust-(?:lldb|gdb|gdbgui|analyzer)|rls|cargo-(?:clippy|miri|fmt)|clippy-driver)$/;

/**
 * Checks the programs that rustup's proxies start: those of the toolchain in `RUSTUP_TOOLCHAIN`, or of the
 * only one. If there are several, rustup's settings decide, which are not read.
 */
function checkRustup(
  commands: ReadonlyMap<string, readonly Command[]>,
  env: readonly string[],
  { view, starter, labels, problems }: Checking,
): void {
  const rustup = commands.get("rustup")?.[0];
  if (rustup?.file === undefined) return;
  const directory = `${variable(env, "RUSTUP_HOME") ?? "/root/.rustup"}/toolchains`;
  const names = view.list(directory);
  const chosen = variable(env, "RUSTUP_TOOLCHAIN") ?? "";
  if (chosen === "" && names.length > 1) return;
  const toolchain = names.find((name) => `${name}-`.startsWith(chosen && `${chosen}-`));
  const missing: Cause = {
    type: "missing-toolchain",
    file: rustup.path,
    directory: chosen === "" ? directory : `${directory}/${chosen}`,
  };
  const place = rustup.path.slice(0, rustup.path.lastIndexOf("/"));
  const ofBase = isOfBase(rustup.layer, labels);
  for (const [name, [first]] of commands) {
    if (!RUST_PROXIES.test(name) || first?.path !== `${place}/${name}`) continue;
    const program = view.resolve(`${directory}/${toolchain}/bin/${name}`);
    const causes = toolchain === undefined
      ? [missing]
      : program?.type === "file"
      ? starter.causesOf(program)
      : [];
    // cargo-fmt only starts rustfmt.
    const others = name === "rustfmt" && commands.has("cargo-fmt") ? ["cargo-fmt"] : [];
    for (const cause of causes) {
      for (const one of [name, ...others]) {
        problems.add(cause, { name: one, direct: one === name, ofBase });
      }
    }
  }
}

/** Checks parts of tools other than commands, and what they open at run time. */
function checkTools(
  commands: ReadonlyMap<string, readonly Command[]>,
  env: readonly string[],
  checking: Checking,
): void {
  const { view, labels, problems } = checking;
  const isAnyOurs = labels.some(({ kind }) => kind !== undefined);
  const paths = new Set([...commands.values()].flatMap((all) => all.map(({ path }) => path)));
  labels.forEach(({ kind, name: tool }, layer) => {
    if (isAnyOurs && kind !== "tool") return;
    const parts = { ...checking, layer, tool };
    for (const cause of missingModules(parts)) {
      for (const [name, direct] of usersOf(cause, commands, parts)) {
        problems.add(cause, { name, direct, ofBase: false });
      }
    }
    for (const cause of kind === "tool" ? danglingLinks(parts, paths) : []) {
      const name = cause.type === "dangling-file" ? cause.tool : basename(cause.file);
      problems.add(cause, { name, direct: true, ofBase: false });
      for (const other of commandsOfFile(cause.file, commands, layer)) {
        problems.add(cause, { name: other, direct: false, ofBase: false });
      }
    }
  });
  const ours = [...commands].filter(([, all]) =>
    all.some(({ layer }) => /^(?:tool|mise)$/.test(labels[layer]?.kind ?? ""))
  );
  const image = {
    view,
    variable: (name: string) => variable(env, name),
    commands: new Set(ours.map(([name]) => name)),
  };
  for (const { need, commands: lacking } of missingNeeds(image)) {
    const cause: Cause = { type: "missing-need", need };
    for (const name of lacking) problems.add(cause, { name, direct: true, ofBase: false });
  }
}

/** Checks the program that a container starts by default. */
function checkStart(input: CheckInput, checking: Checking): void {
  const field = (input.entrypoint?.length ?? 0) > 0 ? "Entrypoint" : "Cmd";
  const [command] = (field === "Entrypoint" ? input.entrypoint : input.cmd) ?? [];
  if (command === undefined || command.startsWith(".")) return;
  const { starter, problems, labels } = checking;
  const file = starter.findCommand(command);
  if (file === undefined || file.type !== "file") {
    const cause: Cause = { type: "missing-entrypoint", command, field };
    return problems.add(cause, { name: command, direct: true, ofBase: false });
  }
  const ofBase = isOfBase(file.layer, labels);
  for (const cause of starter.causesOf(file)) {
    problems.add(cause, { name: command, direct: isDirect(cause, file), ofBase });
  }
}

function osRelease(view: ImageView): Pick<CheckReport, "distribution" | "distributionVersion"> {
  const [text = ""] = OS_RELEASE_FILES.flatMap((path) => view.text(`/${path}`) ?? []);
  const fields = parseOsRelease(text);
  const distribution = ["ID", "ID_LIKE"].flatMap((name) => fields.get(name)?.split(" ") ?? [])
    .filter((id) => id !== "");
  const version = fields.get("VERSION_ID") ?? "";
  return { distribution, ...(version === "" ? {} : { distributionVersion: version }) };
}

/** The package manager of the image, if it is actually installed. */
function maybePackageManager(
  view: ImageView,
  distribution: readonly string[],
): CheckReport["packageManager"] {
  const has = (...paths: readonly string[]): boolean =>
    paths.some((path) => view.resolve(path) !== undefined);
  const name = MANAGER_NAMES.find((manager) =>
    packageManager(manager).distributions.some((id) => distribution.includes(id))
  );
  return name !== undefined && has(...packageManager(name).programs) ? name : undefined;
}

function systemOf(view: ImageView): Omit<CheckReport, "commands" | "problems" | "duplicates"> {
  const release = osRelease(view);
  const packageManager = maybePackageManager(view, release.distribution);
  const loaders = ["/lib64", "/lib"].flatMap((one) => view.list(one));
  return {
    ...release,
    ...(packageManager === undefined ? {} : { packageManager }),
    musl: loaders.some((name) => name.startsWith("ld-musl-")),
    glibc: loaders.some((name) => /^ld-linux|^ld64\.so|^ld\.so\.1$/.test(name)),
  };
}

/** Checks an image. @throws {MiseOciError} `invalid` for layers that could not be unpacked. */
export function checkCommands(input: CheckInput): CheckReport {
  const view = new ImageView(input.layers);
  const labels = input.layers.map(({ label }) => label);
  const path = (variable(input.env, "PATH") ?? DEFAULT_PATH).split(":")
    .filter((directory) => directory.startsWith("/"));
  const libraryPath = variable(input.env, "LD_LIBRARY_PATH") ?? "";
  const javaHome = variable(input.env, "JAVA_HOME") ?? "";
  const { architecture } = input;
  const isTool = (layer: number): boolean => labels[layer]?.kind === "tool";
  const starter = new Starter({ view, architecture, path, libraryPath, javaHome, isTool });
  const commands = listCommands(view, path);
  const checking = { view, starter, labels, problems: new Problems() };
  for (const all of commands.values()) {
    const command = all.find(isExecutable) ?? all[0];
    if (command !== undefined) checkCommand(command, checking);
  }
  checkStart(input, checking);
  checkRustup(commands, input.env, checking);
  checkTools(commands, input.env, checking);
  const problems = checking.problems.list();
  // The default program of a container may not be on PATH.
  const failing = problems.filter(({ cause }) => severityOf(cause) === "start")
    .flatMap((problem) => [...problem.commands, ...problem.dependents]);
  return {
    commands: new Set([...commands.keys(), ...failing]).size,
    problems,
    duplicates: findDuplicates(commands, labels),
    ...systemOf(view),
  };
}
