/**
 * Determines whether a file of the image starts, by the rules of kernel and loader.
 * @module
 */
import { basename, dirname, join } from "@std/path/posix";
import type { Cause } from "../cause.ts";
import type { Elf } from "../elf/elf.ts";
import { parseEnvCall, parseScriptLine } from "../facts/env_line.ts";
import { type GlibcContext, loadWithGlibc, readLoaderCache } from "./glibc_loader.ts";
import type { ImageView, ViewFile } from "../image_view.ts";
import { isLinuxAbi, startsOn } from "../elf/machines.ts";
import { isMuslLoader, loadWithMusl } from "./musl_loader.ts";
import { JAVA_OF_HOME } from "../facts/script_body.ts";

/** The environment in which files are started. */
export interface StarterOptions {
  /** The image. */
  readonly view: ImageView;
  /** The image's architecture, with Go's name. */
  readonly architecture: string;
  /** The directories of the image's PATH, absolute. */
  readonly path: readonly string[];
  /** The image's `LD_LIBRARY_PATH`; empty if it is not set. */
  readonly libraryPath: string;
  /** The image's `JAVA_HOME`; empty if it is not set. */
  readonly javaHome: string;
  /** Whether a layer, by its index, is a tool's. */
  readonly isTool: (layer: number) => boolean;
}

/** Maximum depth of scripts with scripts as interpreters, which is four in the kernel. */
const MAX_SCRIPTS = 5;

/** Names of texts that are next to programs in archives where everything has execute bits. */
const NO_COMMAND = /^[._]|^[A-Z]|\.[A-Za-z0-9]+$/;

/** A tool's command whose file is empty or a text. */
function lookAtText({ path }: ViewFile, kind: "empty" | "text"): readonly Cause[] {
  const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
  if (name === undefined && NO_COMMAND.test(basename(path))) return [];
  return [{
    type: "no-program",
    file: path,
    empty: kind === "empty",
    ...(name === undefined ? {} : { package: name }),
  }];
}

/** Maximum number of links in a path. */
const MAX_LINKS = 16;

/** The host's install directory that a dangling path leads to, if the image lacks that directory. */
export function maybeMissingInstall(
  view: ImageView,
  path: string,
): { readonly tool: string; readonly version: string } | undefined {
  let end = path;
  for (let i = 0; i < MAX_LINKS; i++) {
    const target = view.linkTarget(end);
    if (target === undefined) break;
    end = target.startsWith("/") ? target : join(dirname(end), target);
  }
  const [, directory, tool, version] = /^(.*\/installs\/([^/]+)\/([^/]+))\//.exec(end) ?? [];
  if (directory === undefined || tool === undefined || version === undefined) return undefined;
  return view.resolve(directory) === undefined ? { tool, version } : undefined;
}

/** Whether only its owner can enter a directory above a path, as with `/root` of most bases. */
function isClosed(view: ImageView, path: string): boolean {
  for (let above = dirname(path); above !== "/"; above = dirname(above)) {
    if (((view.resolve(above)?.mode ?? 1) & 1) === 0) return true;
  }
  return false;
}

/** Determines why files do not start, and caches the results. */
export class Starter {
  readonly #options: StarterOptions;
  readonly #context: GlibcContext;
  readonly #known = new Map<string, readonly Cause[]>();
  /** Scripts whose bodies are being followed. */
  readonly #following = new Set<string>();

  /** Creates a starter for one image. */
  constructor(options: StarterOptions) {
    this.#options = options;
    const { view, libraryPath } = options;
    this.#context = { view, libraryPath, cache: readLoaderCache({ view }) };
  }

  /** Every reason why a file does not start, as far as known; empty if it starts. */
  causesOf(file: ViewFile, depth = 0): readonly Cause[] {
    const known = this.#known.get(file.path);
    if (known !== undefined) return known;
    const causes = this.#look(file, depth);
    this.#known.set(file.path, causes);
    return causes;
  }

  /** Why a runtime cannot load one of its extension modules; empty for modules for another C library. */
  causesOfModule(module: ViewFile, runtime: ViewFile): readonly Cause[] {
    if (module.program.kind !== "elf" || runtime.program.kind !== "elf") return [];
    const { elf } = module.program;
    const { interpreter, needed, architecture, bits } = runtime.program.elf;
    const fails = this.causesOf(runtime).some(({ type }) => type !== "missing-need");
    if (interpreter === undefined || fails) return [];
    if (elf.architecture !== architecture || elf.bits !== bits) return [];
    const foreign = isMuslLoader(interpreter) ? /^libc\.so\.6$/ : /^libc\.(?:musl-.*|so)$/;
    if (elf.needed.some((library) => foreign.test(library))) return [];
    // Libraries that the runtime itself has loaded are not searched again.
    return this.#load(module, elf, interpreter).filter((cause) =>
      cause.type !== "missing-library" || !needed.includes(cause.library)
    );
  }

  /** Why a runtime cannot open libraries by name (`dlopen`), which no ELF file lists as needed. */
  causesOfOpening(libraries: readonly string[], runtime: ViewFile): readonly Cause[] {
    if (runtime.program.kind !== "elf") return [];
    const { architecture, bits, osAbi, type } = runtime.program.elf;
    const elf: Elf = { architecture, bits, osAbi, type, needed: libraries, versionNeeds: [] };
    return this.causesOfModule({ ...runtime, program: { kind: "elf", elf } }, runtime);
  }

  /** The file that a command name resolves to on a PATH: the first executable one. */
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
      case "elf": {
        const causes = this.#lookAtElf(file, program.elf);
        return causes.length > 0 ? causes : this.#lookAtPrefixes(file);
      }
      case "malformed":
        return [{ type: "malformed", file: file.path, reason: program.reason }];
      case "foreign":
        return [{ type: "wrong-system", file: file.path, found: program.system }];
      case "script":
        return this.#lookAtScript(file, program.line, depth);
      case "empty":
      case "text":
        return this.#options.isTool(file.layer) ? lookAtText(file, program.kind) : [];
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
      const install = maybeMissingInstall(view, interpreter);
      return [
        install === undefined
          ? { type: "missing-loader", loader: interpreter, file: file.path }
          : { type: "missing-install", ...install, file: file.path },
      ];
    }
    if ((loader.mode & 0o111) === 0) return [{ type: "not-executable", file: loader.path }];
    const kind = loader.program;
    if (kind.kind !== "elf") {
      return [{ type: "malformed", file: loader.path, reason: "it is not an ELF file" }];
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
    // Nothing is known about other loaders.
    if (!isGlibc) return [];
    const object = { path: loader.path, origin: dirname(loader.path), elf: kind.elf };
    return loadWithGlibc(program, object, this.#context);
  }

  #lookAtScript(file: ViewFile, line: string, depth: number): readonly Cause[] {
    const { view } = this.#options;
    if (depth >= MAX_SCRIPTS) return [{ type: "endless-scripts", file: file.path }];
    const { interpreter, argument } = parseScriptLine(line);
    // A shell runs a file with an empty `#!` line as its own script; a relative path depends on the working
    // directory.
    if (interpreter === "" || !interpreter.startsWith("/")) return [];
    const found = view.resolve(interpreter);
    if (found === undefined || found.type !== "file") {
      const install = maybeMissingInstall(view, interpreter);
      return [
        install === undefined
          ? { type: "missing-interpreter", interpreter, file: file.path }
          : { type: "missing-install", ...install, file: file.path },
      ];
    }
    const causes = this.causesOf(found, depth + 1);
    if (causes.length > 0) return causes;
    if (basename(interpreter) === "env" && argument !== undefined) {
      const ofEnv = this.#lookAtEnv(file, argument, depth);
      if (ofEnv.length > 0) return ofEnv;
    }
    return this.#lookAtBody(file);
  }

  /** Checks the program that a script ends with. */
  #lookAtBody(file: ViewFile): readonly Cause[] {
    const { view, isTool, javaHome } = this.#options;
    if (file.program.kind !== "script" || this.#following.has(file.path)) return [];
    const { modules = [] } = file.program;
    if (modules.length > 0 && isTool(file.layer)) return this.#lookAtPerl(file, modules);
    const starts = file.program.starts !== JAVA_OF_HOME
      ? file.program.starts
      : javaHome === ""
      ? "java"
      : `${javaHome}/bin/java`;
    if (starts === undefined) return [];
    if (starts.startsWith("/")) {
      const install = maybeMissingInstall(view, starts);
      if (install !== undefined) {
        return [{ type: "missing-install", ...install, file: file.path }];
      }
    }
    const name = starts.startsWith("./") ? starts.slice(2) : starts;
    const beside = name === starts ? undefined : view.resolve(`${dirname(file.path)}/${name}`);
    const found = beside?.type === "file" ? beside : this.findCommand(name);
    if (found === undefined) {
      return [
        starts.startsWith("/")
          ? { type: "missing-exec", target: starts, file: file.path }
          : { type: "missing-command", command: name, file: file.path, inBody: true },
      ];
    }
    this.#following.add(file.path);
    const causes = this.causesOf(found);
    this.#following.delete(file.path);
    return causes;
  }

  /** The modules of a Perl script that the image lacks: minimal images have few standard modules. */
  #lookAtPerl({ path }: ViewFile, modules: readonly string[]): readonly Cause[] {
    const { view } = this.#options;
    const has = (module: string): boolean => {
      const file = `${module.replaceAll("::", "/")}.pm`;
      return view.findNamed(basename(file)).some((one) => one.endsWith(`/${file}`));
    };
    const hasOwn = has("CPAN");
    return modules.filter((module) => !has(module)).map((module) => ({
      type: "missing-perl-module",
      module,
      file: path,
      ...(hasOwn ? { hasOwn } : {}),
    }));
  }

  /** Checks Ruby: whether it or its library has compiled-in directories that the image lacks. */
  #lookAtPrefixes(file: ViewFile): readonly Cause[] {
    if (basename(file.path) !== "ruby") return [];
    const { view } = this.#options;
    const beside = `${dirname(file.path)}/../lib`;
    const libraries = view.list(beside).filter((name) => name.startsWith("libruby"))
      .map((name) => view.resolve(`${beside}/${name}`));
    for (const one of [file, ...libraries]) {
      if (one?.program.kind !== "elf") continue;
      const [path, ...more] = one.program.prefixes ?? [];
      if (path === undefined) continue;
      const inImage = [path, ...more].filter((prefix) => view.resolve(prefix) !== undefined);
      if (inImage.length === 0) return [{ type: "host-prefix", path, file: one.path }];
      if (inImage.every((prefix) => isClosed(view, prefix))) {
        return [{ type: "missing-need", need: "open-prefix" }];
      }
    }
    return [];
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
