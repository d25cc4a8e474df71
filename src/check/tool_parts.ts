/**
 * Parts of tools other than commands: extension modules of Python, Ruby and Node.js, which a runtime loads
 * on demand, and links to files.
 * @module
 */
import { basename, dirname, join } from "@std/path/posix";
import type { Cause } from "./cause.ts";
import { parseEnvCall, parseScriptLine } from "./facts/env_line.ts";
import type { ImageView, ViewFile } from "./image_view.ts";
import { maybeMissingInstall, type Starter } from "./loader/starter.ts";

type ModuleCause = Extract<Cause, { readonly type: "missing-module-library" }>;

type LinkCause = Extract<Cause, { readonly type: "dangling-file" | "missing-install" }>;

/** An extension module. */
interface Module {
  /** Its name in code: `ssl`, `openssl`, `better_sqlite3`. */
  readonly name: string;
  /** Possible paths of its runtime, the best first; a plain name is looked up on PATH. */
  readonly runtimes: readonly string[];
}

const PYTHON =
  /^(.*)\/lib(?:64)?\/(python3\.(\d+))t?\/(lib-dynload|site-packages)\/(?:.*\/)?([^/]+)\.so$/;
const RUBY = /^(.*)\/lib\/ruby\/.*?\/[^/]+-linux(?:-\w+)?\/(.+)\.so$/;
/** Extensions of gems installed with `--install-dir`, as mise does. */
const GEM = /\/extensions\/[^/]+-linux(?:-\w+)?\/[^/]+\/[^/]+\/(.+)\.so$/;
/** Modules for tests of the standard libraries. */
const TESTS = /^(?:xx|_test|_ctypes_test|-test-)|_failed$/;
/** Modules that hardly any image needs: without a display, Tk is useless. */
const OPTIONAL = new Set(["tkinter"]);

/**
 * Python packages that open libraries by name when they are imported (`dlopen` of cffi or ctypes), with the
 * file that does so.
 */
const OPENED: readonly (readonly [file: string, libraries: readonly string[]])[] = [
  ["cairocffi/__init__.py", ["libcairo.so.2"]],
  ["weasyprint/text/ffi.py", [
    ...["libgobject-2.0.so.0", "libpango-1.0.so.0", "libharfbuzz.so.0"],
    ...["libfontconfig.so.1", "libpangoft2-1.0.so.0"],
  ]],
  ["magic/loader.py", ["libmagic.so.1"]],
  ["pyzbar/zbar_library.py", ["libzbar.so.0"]],
];
const PACKAGE = /^(.*)\/lib(?:64)?\/(python3\.\d+)t?\/site-packages\/([^/]+)\//;

/** Possible paths of the Python in a prefix. */
function pythonsOf(prefix: string, version: string): readonly string[] {
  return [version, "python3", "python"].map((one) => `${prefix}/bin/${one}`);
}

function maybePython(path: string): Module | undefined {
  const [, prefix, version = "", minor, place, file = ""] = PYTHON.exec(path) ?? [];
  if (prefix === undefined) return undefined;
  const [, name = file, tag, of] = /^(.*?)\.(abi3|cpython-3(\d+).*)$/.exec(file) ?? [];
  // In site-packages, only libraries with a module tag are modules; those for another Python are ignored.
  if (tag === undefined && place === "site-packages") return undefined;
  if (of !== undefined && of !== minor) return undefined;
  const runtimes = pythonsOf(prefix, version);
  return TESTS.test(name) ? undefined : { name: name.replace(/^_(?=[a-z])/, ""), runtimes };
}

/** The Python package whose file this is, if it opens libraries by name. */
function maybeOpening(
  path: string,
): { readonly module: Module; readonly libraries: readonly string[] } | undefined {
  const [, libraries] = OPENED.find(([file]) => path.endsWith(`/site-packages/${file}`)) ?? [];
  const [, prefix, version = "", name = ""] = PACKAGE.exec(path) ?? [];
  if (libraries === undefined || prefix === undefined) return undefined;
  return { module: { name, runtimes: pythonsOf(prefix, version) }, libraries };
}

function maybeModule(path: string): Module | undefined {
  if (path.endsWith(".node")) return { name: basename(path, ".node"), runtimes: ["node"] };
  const [, prefix, name = ""] = RUBY.exec(path) ?? [];
  const [, ofGem] = prefix === undefined ? GEM.exec(path) ?? [] : [];
  if (ofGem !== undefined) return { name: ofGem, runtimes: ["ruby"] };
  if (prefix === undefined) return maybePython(path);
  return TESTS.test(name) ? undefined : { name, runtimes: [`${prefix}/bin/ruby`] };
}

/** A command on PATH. */
interface PathCommand {
  readonly path: string;
  readonly layer: number;
  readonly file: ViewFile | undefined;
}

/** A layer to check. */
export interface PartsLayer {
  /** The image. */
  readonly view: ImageView;
  /** Determines why its files do not start. */
  readonly starter: Starter;
  /** Index of the layer. */
  readonly layer: number;
  /** The tool's short name; absent for layers of other builders. */
  readonly tool: string | undefined;
}

/** The runtime that a module is for, if the image has it. */
function maybeRuntime({ runtimes }: Module, starter: Starter): ViewFile | undefined {
  return runtimes.map((one) => starter.findCommand(one)).find((one) => one !== undefined);
}

/** Why the module in a file cannot be loaded, with the module and its runtime. */
function causesIn(
  path: string,
  { view, starter }: PartsLayer,
):
  | { readonly module: Module; readonly runtime: ViewFile; readonly causes: readonly Cause[] }
  | undefined {
  const opening = maybeOpening(path);
  const module = opening?.module ?? maybeModule(path);
  const runtime = module === undefined ? undefined : maybeRuntime(module, starter);
  if (module === undefined || runtime === undefined) return undefined;
  if (opening !== undefined) {
    return { module, runtime, causes: starter.causesOfOpening(opening.libraries, runtime) };
  }
  const file = view.resolve(path);
  const causes = file?.program.kind === "elf" ? starter.causesOfModule(file, runtime) : [];
  return { module, runtime, causes };
}

/**
 * Finds libraries that a layer's modules lack. Libraries elsewhere in the image are not reported, because
 * packages load their own copies themselves.
 */
export function missingModules(layer: PartsLayer): readonly ModuleCause[] {
  const found: ModuleCause[] = [];
  for (const { path, entry } of layer.view.entriesOf(layer.layer)) {
    if (entry.type !== "file" || !/\.(?:so|node|py)$/.test(path)) continue;
    const { module, runtime, causes } = causesIn(path, layer) ?? {};
    if (module === undefined || runtime === undefined) continue;
    for (const cause of causes ?? []) {
      if (cause.type !== "missing-library" || cause.elsewhere !== undefined) continue;
      found.push({
        type: "missing-module-library",
        library: cause.library,
        file: path,
        module: module.name,
        runtime: runtime.path,
        owner: layer.tool ?? basename(runtime.path),
        ...(OPTIONAL.has(module.name) ? { optional: true } : {}),
      });
    }
  }
  return found;
}

/** Directories that programs do not need files from, or that only a running system has. */
const HARMLESS_TARGET = /^\/(?:proc|sys|dev|run|tmp|usr\/share\/(?:doc|man|info))(?:\/|$)/;

/**
 * Finds links of a tool, other than its commands, whose targets are outside of its tree and missing.
 * @param commands paths of commands, which are checked separately.
 */
export function danglingLinks(
  { view, layer, tool = "" }: PartsLayer,
  commands: ReadonlySet<string>,
): readonly LinkCause[] {
  return [...view.entriesOf(layer)].flatMap(({ path, entry: { type, link = "" } }): LinkCause[] => {
    if (type !== "symlink") return [];
    const target = link.startsWith("/") ? link : join(dirname(path), link);
    // A relative link that dangles in its own tree does so wherever the tool is.
    const root = /^\/.*\/installs\/[^/]+\/[^/]+\//.exec(path)?.[0] ?? "/";
    const isOwn = !link.startsWith("/") && target.startsWith(root);
    if (isOwn || HARMLESS_TARGET.test(target)) return [];
    if (commands.has(path) || view.resolve(path) !== undefined) return [];
    const install = maybeMissingInstall(view, path);
    const isInstall = link.startsWith("/") || /\d/.test(install?.version ?? "");
    return install === undefined || !isInstall
      ? [{ type: "dangling-file", file: path, target, tool }]
      : [{ type: "missing-install", ...install, file: path }];
  });
}

/** The commands that are scripts of a runtime; which modules they load is unknown. */
function scriptsOf(
  runtime: string,
  commands: ReadonlyMap<string, readonly PathCommand[]>,
  { view, starter }: Pick<PartsLayer, "view" | "starter">,
): readonly string[] {
  return [...commands].flatMap(([name, [first]]) => {
    const program = first?.file?.program;
    if (program?.kind !== "script") return [];
    const { interpreter, argument } = parseScriptLine(program.line);
    const called = basename(interpreter) === "env" && argument !== undefined
      ? starter.findCommand(parseEnvCall(argument)?.command ?? "")
      : view.resolve(interpreter);
    return called?.path === runtime ? name : [];
  });
}

/** The commands that are names of a program: `python3.12`, and `python3`, which links to it. */
function namesOf(
  program: string,
  commands: ReadonlyMap<string, readonly PathCommand[]>,
): readonly string[] {
  const names = [...commands].filter(([, [first]]) => first?.file?.path === program)
    .map(([name]) => name);
  return names.length === 0 ? [basename(program)] : names;
}

/**
 * The commands that may load a module: the runtime (direct), and scripts that it runs. A module in the layer
 * of another tool than the runtime is only loaded by scripts of that tool.
 */
export function usersOf(
  { file, runtime }: ModuleCause,
  commands: ReadonlyMap<string, readonly PathCommand[]>,
  parts: PartsLayer,
): readonly (readonly [name: string, direct: boolean])[] {
  const isAll = parts.view.layerOf(runtime) === parts.layer || file.endsWith(".node");
  const scripts = scriptsOf(runtime, commands, parts)
    .filter((name) => isAll || commands.get(name)?.[0]?.layer === parts.layer);
  return [
    ...(isAll ? namesOf(runtime, commands).map((name) => [name, true] as const) : []),
    ...scripts.map((name) => [name, false] as const),
  ];
}

/**
 * The commands that fail without a file: those of the tool that a Java archive belongs to, and nearly all of the
 * Java that a security settings file belongs to (`java -version` does not fail).
 */
export function commandsOfFile(
  file: string,
  commands: ReadonlyMap<string, readonly PathCommand[]>,
  layer: number,
): readonly string[] {
  if (file.endsWith(".jar")) {
    return [...commands].flatMap(([name, [first]]) => first?.layer === layer ? name : []);
  }
  const [, home] = /^(.*?)\/(?:conf|(?:jre\/)?lib)\/security\/java\.security$/.exec(file) ?? [];
  if (home === undefined) return [];
  return [...commands].flatMap(([name, [first]]) =>
    first?.path === `${home}/bin/${name}` ? name : []
  );
}
