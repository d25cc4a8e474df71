/**
 * The program: a command line in, an exit code out. The only place that prints errors and chooses exit
 * codes; runs in a test as well as in a process.
 * @module
 */
import { isAbsolute, join, resolve } from "@std/path";
import { failureJson, failureText, toFailure } from "./cli/failure.ts";
import { commandHelp, programHelp } from "./cli/help.ts";
import { convertGlobals, convertInput, ownArguments, parseLine } from "./cli/parse.ts";
import { BUILT, PROGRAM, VERSION } from "./cli/program.ts";
import type { Command, CommandContext, CommandInput, Output } from "./commands/command.ts";
import type { Place } from "./commands/flag.ts";
import type { Globals } from "./commands/flags/global.ts";
import type { Io, TextSink } from "./commands/io.ts";
import { COMMAND_GROUPS, COMMANDS } from "./commands/mod.ts";
import { type Workflows, workflows } from "./commands/workflows.ts";
import { MiseOciError } from "./errors.ts";
import { expandHome, homeDirectory } from "./home.ts";
import { noteWarnings, withWarnings } from "./cli/warnings.ts";
import { makeColors } from "./ui/color.ts";
import { makeReporter } from "./ui/make_reporter.ts";
import { fold } from "./ui/text.ts";

/** Parts that a test may replace. */
export interface CliOptions {
  /** The table of commands. */
  readonly commands?: readonly Command[];
  /** What the commands call. */
  readonly workflows?: Workflows;
}

/** Everything that is known before the command line is. */
interface Program {
  readonly io: Io;
  readonly commands: readonly Command[];
  readonly workflows: Workflows;
}

/** Whether the reader of stdout went away, as `head` does: nobody is left to tell. */
function isBrokenPipe(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe;
}

function printText(io: Io, text: string): void {
  try {
    io.stdout.write(text);
  } catch (error) {
    if (!isBrokenPipe(error)) throw error;
  }
}

/** Writes about a failure; if that fails too, the exit code is what is left. */
function tryToWrite(sink: TextSink, text: string): void {
  try {
    sink.write(text);
  } catch {
    // There is no other place to write to.
  }
}

/** Columns that a line may have; no limit where no terminal shows it. */
function columnsOf(io: Io, stream: "stdout" | "stderr"): number | undefined {
  const columns = io.isTerminal(stream) ? io.size()?.columns : undefined;
  return columns === undefined ? undefined : Math.max(40, columns);
}

function printOutput(io: Io, output: Output, json: boolean): void {
  const text = json
    ? `${JSON.stringify(output.json(), undefined, 2)}\n`
    : output.text(columnsOf(io, "stdout"));
  printText(io, text);
}

function versionOutput(): Output {
  return {
    text: () =>
      `${PROGRAM} ${VERSION}${BUILT === undefined ? "" : ` (${BUILT.commit}, ${BUILT.date})`}\n`,
    json: () => ({
      name: PROGRAM,
      version: VERSION,
      ...BUILT,
      deno: Deno.version.deno,
      v8: Deno.version.v8,
      os: Deno.build.os,
      arch: Deno.build.arch,
    }),
  };
}

/** Whether a stream gets colours. */
function wantsColor(io: Io, stream: "stdout" | "stderr", ours: readonly string[]): boolean {
  if (!io.isTerminal(stream) || ours.includes("--no-color")) return false;
  try {
    return !io.env("NO_COLOR") && io.env("TERM") !== "dumb";
  } catch (error) {
    // Without permission to look there are no colours; the command itself may need no more.
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

function helpOutput(
  { io, commands }: Program,
  line: { readonly command: Command | undefined; readonly path: readonly string[] },
  color: boolean,
): string {
  const columns = Math.min(100, Math.max(40, io.size()?.columns ?? 100));
  const options = { columns, colors: makeColors(color) };
  return line.command === undefined
    ? programHelp(
      commands === COMMANDS ? COMMAND_GROUPS : [{ title: "Commands", commands }],
      options,
    )
    : commandHelp(line.path, line.command, options);
}

/** `mise-oci help COMMAND…` is `mise-oci COMMAND… --help`, and `mise-oci version` is `mise-oci --version`. */
function expandWords(args: readonly string[]): readonly string[] {
  const at = args.findIndex((arg) => !arg.startsWith("-"));
  const others = [...args.slice(0, at), ...args.slice(at + 1)];
  if (args[at] === "help") return [...others, "--help"];
  return args[at] === "version" && others.every((arg) => arg.startsWith("-"))
    ? [...others, "--version"]
    : args;
}

async function makePlace(io: Io, directory: string | undefined): Promise<Place> {
  // Looked up late: what works on absolute paths alone needs no working directory.
  const home = homeDirectory((name) => io.env(name));
  const from = (text: string): string => {
    const path = expandHome(text, home);
    return isAbsolute(path) ? resolve(path) : resolve(io.cwd(), path);
  };
  if (directory === undefined) return { resolve: from };
  const start = from(directory);
  const info = await Deno.stat(start).catch((error: unknown) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (!info?.isDirectory) {
    const why = info === undefined ? "there is no such directory" : "it is not a directory";
    throw new MiseOciError("usage", `Cannot work in ${JSON.stringify(directory)}: ${why}`, {
      hint: "Give the directory of the project with -C",
    });
  }
  return { resolve: (path) => resolve(start, expandHome(path, home)) };
}

/** The reporter that the global flags ask for; it notes warnings. */
async function reporterOf(
  io: Io,
  globals: Globals,
  color: boolean,
): Promise<ReturnType<typeof noteWarnings>> {
  return noteWarnings(
    await makeReporter({
      progress: globals.progress,
      quiet: globals.quiet,
      verbosity: globals.verbose,
      colors: makeColors(color),
      canDraw: io.isTerminal("stderr") && io.env("TERM") !== "dumb",
      write: (text) => io.stderr.write(text),
      size: () => io.size(),
    }),
  );
}

/** @throws {MiseOciError} `usage` for JSON of a command whose stdout is something else. */
function checkJson({ name, foreignStdout }: Command, { json }: Globals): void {
  if (foreignStdout !== true || !json) return;
  throw new MiseOciError("usage", `Cannot use --json with ${name}`, {
    hint: "Its stdout is what it runs or reads",
  });
}

async function runCommand(
  program: Program,
  line: ReturnType<typeof parseLine> & { readonly command: Command },
  ours: readonly string[],
): Promise<number> {
  const { io, commands } = program;
  const env = (name: string): string | undefined => io.env(name);
  const { command } = line;
  const directories = await directoriesOf(program, line);
  const places = await Promise.all(directories.map((directory) => makePlace(io, directory)));
  const [place = await makePlace(io, undefined)] = places;
  const globals: Globals = convertGlobals(line, { env, place });
  checkJson(command, globals);
  const inputs = places.map((own) =>
    convertInput({ ...line, command }, {
      env,
      place: own,
      globals: convertGlobals(line, { env, place: own }),
    })
  );
  const reporter = await reporterOf(io, globals, wantsColor(io, "stderr", ours));
  const outputs: Output[] = [];
  const common: Omit<CommandContext, "place"> = {
    io,
    reporter,
    signal: io.signal,
    workflows: program.workflows,
    commands,
    warnings: reporter.warnings,
    print: (output, stream = "stdout") => {
      if (stream === "stdout") return void outputs.push(output);
      reporter.stop();
      io.stderr.write(output.text(columnsOf(io, "stderr")));
    },
  };
  const printOutputs = (): void => {
    reporter.stop();
    const output = maybeOutput(directories, outputs);
    if (output) printOutput(io, withWarnings(output, reporter.warnings), globals.json);
  };
  const contexts = contextsOf(places, common);
  let [code, at] = [0, 0];
  try {
    for (const [i, context] of contexts.entries()) {
      at = i;
      code = Math.max(code, await command.run?.(inputs[i] as CommandInput, context) ?? 0);
    }
    printOutputs();
    return code;
  } catch (error) {
    // The digests of what was pushed before must not be lost; with --json the error is the one result.
    if (contexts.length > 1 && !globals.json) printOutputs();
    throw contexts.length > 1 ? ofProject(error, directories[at] ?? ".") : error;
  } finally {
    reporter.stop();
  }
}

/**
 * The directories to work in: of a command that works on several projects each `-C`, or with `--all` the
 * projects below each; of other commands the last `-C`.
 *
 * @throws {MiseOciError} `not-found` if `--all` finds no project.
 */
async function directoriesOf(
  { io, workflows }: Program,
  line: ReturnType<typeof parseLine> & { readonly command: Command },
): Promise<readonly (string | undefined)[]> {
  const place = { resolve: (path: string): string => path };
  const { cd } = convertGlobals(line, { env: () => undefined, place });
  if (line.command.severalProjects !== true) return [cd];
  const named = [...new Set(line.globals.get("cd"))];
  const given = named.length > 1 ? named : [cd];
  if (line.flags.get("all")?.at(-1) !== "true") return given;
  const all = await Promise.all(given.map(async (directory) => {
    const root = (await makePlace(io, directory)).resolve(".");
    const found = await workflows.findProjects(root, io.signal);
    return found.map((path) => join(directory ?? ".", path));
  }));
  return [...new Set(all.flat())];
}

/** What the command may use in each of the places that it works in. */
function contextsOf(
  places: readonly Place[],
  common: Omit<CommandContext, "place">,
): readonly CommandContext[] {
  const projects = places.map((place) => place.resolve("."));
  return places.map((place, i) => {
    const project = projects[i];
    return {
      ...common,
      place,
      ...(project === undefined || !projects[1] ? {} : { project, projects }),
    };
  });
}

/** An error with the project that it is about, as `-C` names it. */
function ofProject(error: unknown, directory: string): unknown {
  if (!(error instanceof MiseOciError) || error.code === "usage") return error;
  const { code, message, hint } = error;
  return new MiseOciError(code, `${directory}: ${message}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What a command says, of several projects under the directory of each; it may say nothing. */
function maybeOutput(
  directories: readonly (string | undefined)[],
  outputs: readonly Output[],
): Output | undefined {
  if (directories.length < 2 || outputs.length === 0) return outputs[0];
  return {
    text: (columns) =>
      outputs.map((output, i) =>
        `${(directories[i] ?? ".").replace(/\p{Cc}/gu, "?")}:\n${output.text(columns)}`
      )
        .join("\n"),
    json: () => ({
      projects: outputs.map((output, i) => ({
        directory: directories[i],
        ...output.json() as object,
      })),
    }),
  };
}

/** What a script reads that names no command; people read the help. */
function noCommandJson(path: readonly string[]): string {
  const command = [PROGRAM, ...path].join(" ");
  const error = { code: "usage", message: "Missing COMMAND", hint: `Run ${command} --help` };
  return JSON.stringify({ error }, undefined, 2);
}

async function dispatch(
  program: Program,
  args: readonly string[],
  ours: readonly string[],
): Promise<number> {
  const { io } = program;
  const line = parseLine(args, program.commands);
  const { command } = line;
  if (line.globals.has("help")) {
    printText(io, helpOutput(program, line, wantsColor(io, "stdout", ours)));
    return 0;
  }
  if (line.globals.has("version")) {
    printOutput(io, versionOutput(), line.globals.get("json")?.at(-1) === "true");
    return 0;
  }
  if (command === undefined || command.subcommands !== undefined) {
    io.stderr.write(helpOutput(program, line, wantsColor(io, "stderr", ours)));
    if (asksForJson(ours, program.commands)) printText(io, `${noCommandJson(line.path)}\n`);
    return 2;
  }
  return await runCommand(program, { ...line, command }, ours);
}

/** Whether the error goes to stdout as JSON too; the line itself may be what is wrong. */
function asksForJson(ours: readonly string[], commands: readonly Command[]): boolean {
  const foreign = commands.some(({ name, foreignStdout }) => foreignStdout && ours.includes(name));
  return !foreign && (ours.includes("--json") || ours.includes("--json=true"));
}

/**
 * Runs a command line.
 *
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage, 129, 130 or 143 interrupted; `run` gives the
 * container's own.
 */
export async function runCli(
  args: readonly string[],
  io: Io,
  options: CliOptions = {},
): Promise<number> {
  const program = { io, commands: COMMANDS, workflows, ...options };
  const expanded = expandWords(args);
  const ours = ownArguments(expanded, program.commands);
  try {
    return await dispatch(program, expanded, ours);
  } catch (error) {
    const failure = toFailure(error, io.signal);
    const colors = makeColors(wantsColor(io, "stderr", ours));
    const debug = ours.includes("--debug");
    if (asksForJson(ours, program.commands)) {
      tryToWrite(io.stdout, `${JSON.stringify(failureJson(failure), undefined, 2)}\n`);
    }
    const text = failureText(failure, colors, debug);
    const columns = io.isTerminal("stderr") ? io.size()?.columns : undefined;
    tryToWrite(io.stderr, columns === undefined ? text : fold(text, columns));
    return failure.exitCode;
  }
}
