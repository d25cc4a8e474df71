/**
 * Whether a file of the image starts: what kernel and loader do with it, without doing it.
 * @module
 */
import { basename, dirname } from "@std/path/posix";
import type { Cause } from "./cause.ts";
import type { Elf } from "./elf.ts";
import { parseEnvCall, parseScriptLine } from "./env_line.ts";
import { type GlibcContext, loadWithGlibc, readLoaderCache } from "./glibc_loader.ts";
import type { ImageView, ViewFile } from "./image_view.ts";
import { isLinuxAbi, startsOn } from "./machines.ts";
import { isMuslLoader, loadWithMusl } from "./musl_loader.ts";

/** What decides besides the files. */
export interface StarterOptions {
  /** The image. */
  readonly view: ImageView;
  /** The image's architecture as Go names it. */
  readonly architecture: string;
  /** The directories of the image's PATH, absolute. */
  readonly path: readonly string[];
  /** The image's `LD_LIBRARY_PATH`; empty if it is not set. */
  readonly libraryPath: string;
}

/** Scripts that are run by scripts: the kernel follows four. */
const MAX_SCRIPTS = 5;

/** Tells why files do not start; what it found out once it remembers. */
export class Starter {
  readonly #options: StarterOptions;
  readonly #context: GlibcContext;
  readonly #known = new Map<string, readonly Cause[]>();

  /** Looks at one image. */
  constructor(options: StarterOptions) {
    this.#options = options;
    const { view, libraryPath } = options;
    this.#context = { view, libraryPath, cache: readLoaderCache({ view }) };
  }

  /** Every cause for which a file does not start; empty if it does, as far as can be told. */
  causesOf(file: ViewFile, depth = 0): readonly Cause[] {
    const known = this.#known.get(file.path);
    if (known !== undefined) return known;
    const causes = this.#look(file, depth);
    this.#known.set(file.path, causes);
    return causes;
  }

  /** The file that a command name leads to on a PATH: the first that can be executed. */
  findCommand(name: string, path = this.#options.path): ViewFile | undefined {
    const { view } = this.#options;
    if (name.includes("/")) return name.startsWith("/") ? view.resolve(name) : undefined;
    for (const directory of path) {
      const file = view.resolve(`${directory}/${name}`);
      if (file?.type === "file" && (file.mode & 0o111) !== 0) return file;
    }
    return undefined;
  }

  #look(file: ViewFile, depth: number): readonly Cause[] {
    if ((file.mode & 0o111) === 0) return [{ type: "not-executable", file: file.path }];
    const { program } = file;
    switch (program.kind) {
      case "elf":
        return this.#lookAtElf(file, program.elf);
      case "malformed":
        return [{ type: "malformed", file: file.path, reason: program.reason }];
      case "foreign":
        return [{ type: "wrong-system", file: file.path, found: program.system }];
      case "script":
        return this.#lookAtScript(file, program.line, depth);
      case "other":
        return [];
    }
  }

  #lookAtElf(file: ViewFile, elf: Elf): readonly Cause[] {
    const { architecture } = this.#options;
    if (!startsOn(elf.architecture, architecture)) {
      const { path } = file;
      const found = elf.architecture;
      return [{ type: "wrong-architecture", file: path, found, expected: architecture }];
    }
    if (elf.type === "other") {
      return [{ type: "malformed", file: file.path, reason: "it is an object file" }];
    }
    if (!isLinuxAbi(elf.osAbi)) {
      return [{ type: "wrong-system", file: file.path, found: `ABI ${elf.osAbi}` }];
    }
    return elf.interpreter === undefined ? [] : this.#load(file, elf, elf.interpreter);
  }

  #load(file: ViewFile, elf: Elf, interpreter: string): readonly Cause[] {
    const { view } = this.#options;
    const loader = view.resolve(interpreter);
    if (loader === undefined || loader.type !== "file") {
      return [{ type: "missing-loader", loader: interpreter, file: file.path }];
    }
    if ((loader.mode & 0o111) === 0) return [{ type: "not-executable", file: loader.path }];
    const kind = loader.program;
    if (kind.kind !== "elf") {
      return [{ type: "malformed", file: loader.path, reason: "it is no ELF file" }];
    }
    if (kind.elf.architecture !== elf.architecture || kind.elf.bits !== elf.bits) {
      const found = kind.elf.architecture;
      const expected = elf.architecture;
      return [{ type: "wrong-architecture", file: loader.path, found, expected }];
    }
    const program = { path: file.path, origin: dirname(file.path), elf };
    if (isMuslLoader(interpreter) || isMuslLoader(loader.path)) {
      return loadWithMusl(program, interpreter, this.#context);
    }
    const isGlibc = kind.elf.versions?.some((version) => version.startsWith("GLIBC_")) ?? false;
    // Of a loader that is not known nothing can be said.
    if (!isGlibc) return [];
    const object = { path: loader.path, origin: dirname(loader.path), elf: kind.elf };
    return loadWithGlibc(program, object, this.#context);
  }

  #lookAtScript(file: ViewFile, line: string, depth: number): readonly Cause[] {
    const { view } = this.#options;
    if (depth >= MAX_SCRIPTS) return [{ type: "endless-scripts", file: file.path }];
    const { interpreter, argument } = parseScriptLine(line);
    // A shell takes a file with an empty line for a script of its own; a relative path depends on where
    // it is started.
    if (interpreter === "" || !interpreter.startsWith("/")) return [];
    const found = view.resolve(interpreter);
    if (found === undefined || found.type !== "file") {
      return [{ type: "missing-interpreter", interpreter, file: file.path }];
    }
    const causes = this.causesOf(found, depth + 1);
    if (causes.length > 0 || basename(interpreter) !== "env" || argument === undefined) {
      return causes;
    }
    return this.#lookAtEnv(file, argument, depth);
  }

  #lookAtEnv(file: ViewFile, argument: string, depth: number): readonly Cause[] {
    const call = parseEnvCall(argument);
    if (call === undefined) return [];
    const { command, path } = call;
    const found = this.findCommand(command, path?.split(":"));
    if (found === undefined) return [{ type: "missing-command", command, file: file.path }];
    return this.causesOf(found, depth + 1);
  }
}
