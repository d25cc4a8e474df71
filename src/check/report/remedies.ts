/**
 * Remedies for causes.
 * @module
 */
import type { ManagerName } from "../../oci/package_managers.ts";
import { basename, dirname } from "@std/path/posix";
import type { Cause } from "../cause.ts";
import type { CheckReport } from "../check_image.ts";
import { listNames } from "./describe.ts";
import { isMuslLoader } from "../loader/musl_loader.ts";
import { needNamed } from "../needs.ts";
import {
  COMMAND_PACKAGES,
  COMMAND_TOOLS,
  LIBRARY_PACKAGES,
  NEED_PACKAGES,
  type PackageNames,
  type Release,
  VERSION_RELEASES,
} from "./packages_table.ts";

/** A package for the image's package manager. */
export interface PackageRemedy {
  /** The package manager. */
  readonly manager: ManagerName;
  /** The package's name. */
  readonly name: string;
}

/** A remedy. */
export interface Remedy {
  /** An imperative sentence without a final period. */
  readonly text: string;
  /** The packages to add to `[bootstrap.packages]`, if that is the remedy. */
  readonly packages?: readonly PackageRemedy[];
}

/** The parts of a report that remedies depend on. */
export type RemedyContext = Pick<
  CheckReport,
  "packageManager" | "distributionVersion" | "musl" | "glibc"
>;

function packageRemedy(
  names: PackageNames | undefined,
  context: RemedyContext,
): readonly Remedy[] {
  const manager = context.packageManager;
  const name = manager === undefined ? undefined : names?.[manager];
  if (manager === undefined || name === undefined) return [];
  return [addPackages([{ manager, name }])];
}

function addPackages(packages: readonly PackageRemedy[]): Remedy {
  const names = packages.map(({ manager, name }) => `"${manager}:${name}"`);
  return { text: `Add ${listNames(names, names.length)} to [bootstrap.packages]`, packages };
}

/** Files in debian:bookworm-slim; for others, users must find a suitable base. */
const IN_SLIM =
  /^(?:ba|da)?sh$|^(?:env|sed|grep|perl|mawk|awk|find|tar|gzip)$|^lib(?:c|m|z|gcc_s|stdc\+\+|lzma|bz2|zstd|tinfo|crypt)\.so\./;

/** For an image without a package manager, to which packages cannot be added. */
function otherBase(name: string): Remedy {
  return {
    text: IN_SLIM.test(name)
      ? "Use a base that has it, such as debian:bookworm-slim"
      : `Use a base that has ${name}`,
  };
}

type CauseOf<Type extends Cause["type"]> = Extract<Cause, { readonly type: Type }>;

/** For files that contain an install directory of the host: that path can be made to exist in the image. */
function leadThere(path: string): readonly Remedy[] {
  const directory = path.replace(/\/installs\/.*$/, "");
  return [
    { text: "Set host_links = true in [_.oci]: that path then leads to the image's tools" },
    { text: `Have the tools at the path of the host: --mount-point ${JSON.stringify(directory)}` },
  ];
}

const REINSTALL: Remedy = { text: "Install it again" };

/** The package for something that commands open at run time. */
function neededPackage(need: string, context: RemedyContext): readonly Remedy[] {
  return (NEED_PACKAGES[need] ?? [])
    .filter(({ version }) => version === undefined || version === context.distributionVersion)
    .flatMap((names) => packageRemedy(names, context)).slice(0, 1);
}

/** For host files that a distribution's tool links to. */
function forFiles(directory: string, context: RemedyContext): readonly Remedy[] {
  const packages = directory.startsWith("/etc/ssl/certs")
    ? neededPackage("java-certificates", context)
    : [];
  return [...packages, {
    text: `Copy ${JSON.stringify(directory)} with [[oci.copy]], or let mise install the tool`,
  }];
}

/** For files that commands open at run time. */
function forNeed(name: string, context: RemedyContext): readonly Remedy[] {
  const need = needNamed(name);
  if (need === undefined) return [];
  return [...neededPackage(name, context), { text: need.otherwise }];
}

/** For missing libraries: one remedy for all that have a package. */
function forLibraries(
  causes: readonly { readonly library: string; readonly elsewhere?: string }[],
  context: RemedyContext,
): readonly Remedy[] {
  const elsewhere = causes[0]?.elsewhere;
  if (elsewhere !== undefined) {
    const directory = dirname(elsewhere);
    return [{
      text:
        `${
          causes.length === 1 ? "It is" : "They are"
        } in ${directory}, where the loader does not look: set LD_LIBRARY_PATH = ` +
        `"${directory}" in [oci.env]`,
    }];
  }
  const packages = new Map<string, PackageRemedy>();
  const unknown: string[] = [];
  for (const { library } of causes) {
    const [found] = packageRemedy(LIBRARY_PACKAGES[library], context)[0]?.packages ?? [];
    if (found === undefined) unknown.push(library);
    else packages.set(found.name, found);
  }
  const known = packages.size === 0 ? [] : [addPackages([...packages.values()])];
  if (unknown.length === 0) return known;
  if (context.packageManager === undefined) {
    return [otherBase(unknown.find((name) => !IN_SLIM.test(name)) ?? unknown[0] ?? "")];
  }
  const what = unknown.length === 1 ? "package that has" : "packages that have";
  const names = listNames(unknown, unknown.length);
  return [...known, { text: `Add the ${what} ${names} to [bootstrap.packages]` }];
}

function hasVersion({ versions }: Release, version: string): boolean {
  const found = /^([A-Z]+)_([\d.]+)$/.exec(version);
  const [, family = "", wanted = ""] = found ?? [];
  const offered = versions[family];
  return offered !== undefined && compareVersions(offered, wanted) >= 0;
}

/** For symbol versions: the bases that have all of them. */
function forVersions(wanted: readonly string[]): readonly Remedy[] {
  const bases = VERSION_RELEASES.filter((release) =>
    wanted.every((version) => hasVersion(release, version))
  ).map(({ base }) => base);
  const lower = { text: "Use a lower version of the tool" };
  if (bases.length === 0) return [{ text: "Use a newer base" }, lower];
  return [{ text: `Use a newer base: ${bases.join(" or ")}` }, lower];
}

/** Compares dotted numbers. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map(Number));
  for (let i = 0; i < 4; i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function forLoader(loader: string, context: RemedyContext): readonly Remedy[] {
  if (isMuslLoader(loader)) {
    const glibcBuild = { text: "Use the tool's build for glibc" };
    return [...neededPackage("musl", context), glibcBuild];
  }
  if (context.glibc) {
    return [{ text: `Install a build of the tool that does not ask for ${loader}` }];
  }
  const base = { text: "Use a base with glibc, such as debian:bookworm-slim" };
  return context.musl ? [base, { text: "Use the tool's build for musl" }] : [base];
}

/** mise's directory has the name of the tool, unless the name includes a backend. */
function addTool({ tool, version }: CauseOf<"missing-install">): Remedy {
  const backend =
    /^(?:npm|pipx|pypi|cargo|gem|go|github|gitlab|ubi|aqua|http|asdf|vfox|conda|spm|dotnet)-/;
  return {
    text: backend.test(tool)
      ? `Add the tool of installs/${tool}, version ${version}, to [tools]`
      : `Add ${tool} = "${version}" to [tools]`,
  };
}

/** For a missing command: a tool of mise, or a package. */
function forCommand(command: string, context: RemedyContext): readonly Remedy[] {
  const name = basename(command);
  const tool = Object.hasOwn(COMMAND_TOOLS, name) ? COMMAND_TOOLS[name] : undefined;
  const asTool = tool === undefined ? [] : [{ text: `Add ${tool} to [tools]` }];
  const asPackage = Object.hasOwn(COMMAND_PACKAGES, name)
    ? packageRemedy(COMMAND_PACKAGES[name], context)
    : [];
  if (/\s/.test(command)) {
    return [{ text: `Write "env -S ${command}": env takes one word for the command` }];
  }
  const all = [...asTool, ...asPackage];
  return all.length > 0 ? all : context.packageManager === undefined ? [otherBase(name)] : [];
}

/** For a path in a `#!` line: it must exist, so a tool on PATH does not help. */
function forInterpreter(interpreter: string, context: RemedyContext): readonly Remedy[] {
  if (interpreter.endsWith("\r")) {
    return [{ text: "Its first line ends with a carriage return: save it with Unix line ends" }];
  }
  const name = basename(interpreter);
  if (!/^(?:\/usr)?\/bin\//.test(interpreter)) {
    const isPython = /^python[\d.]*$/.test(name);
    return [{
      text: isPython
        ? "Add python to [tools], and install it again with that Python"
        : "Build the image at the path where it was installed for, or install it again",
    }];
  }
  const asPackage = Object.hasOwn(COMMAND_PACKAGES, name)
    ? packageRemedy(COMMAND_PACKAGES[name], context)
    : [];
  return asPackage.length > 0 ? asPackage : [otherBase(name)];
}

/** For a tool that is incomplete, or that contains host paths. */
function forTool(
  cause: CauseOf<
    | "missing-exec"
    | "missing-install"
    | "host-path"
    | "host-prefix"
    | "no-program"
    | "missing-toolchain"
  >,
): readonly Remedy[] {
  switch (cause.type) {
    case "missing-exec":
      return cause.target.includes("/installs/")
        ? [REINSTALL]
        : [{ text: `Copy ${JSON.stringify(cause.target)} with [[oci.copy]]` }];
    case "missing-install":
      return [addTool(cause)];
    case "host-path":
      return leadThere(cause.path);
    case "host-prefix": {
      const relocatable = {
        text: "Install it again as a relocatable build: RUBY_CONFIGURE_OPTS=--enable-load-relative",
      };
      return cause.path.includes("/installs/")
        ? [...leadThere(cause.path), relocatable]
        : [relocatable];
    }
    case "no-program":
      return [
        cause.package === undefined ? REINSTALL : {
          text:
            `Let the install script of the npm package ${cause.package} run, which puts the program ` +
            `there: allow_builds = ${JSON.stringify([cause.package])} in the tool's options`,
        },
      ];
    case "missing-toolchain":
      return [{
        text: "Add rust to [tools], or install a toolchain: rustup toolchain install stable",
      }];
  }
}

/**
 * The remedies for causes in an image, the best first, if there are any.
 * @param causes of one type; except for libraries and symbol versions, the remedy of the first one applies
 * to all.
 */
export function remediesFor(
  causes: readonly [Cause, ...Cause[]],
  context: RemedyContext,
): readonly Remedy[] {
  const [cause] = causes;
  switch (cause.type) {
    case "missing-library":
      return forLibraries(causes.filter(isOfType("missing-library")), context);
    case "missing-version":
      return forVersions(causes.filter(isOfType("missing-version")).map(({ version }) => version));
    case "missing-loader":
      return forLoader(cause.loader, context);
    case "missing-interpreter":
      return forInterpreter(cause.interpreter, context);
    case "missing-command":
      return forCommand(cause.command, context);
    case "missing-perl-module":
      return cause.hasOwn
        ? [{ text: "Install the module beside the script, or copy it with [[oci.copy]]" }]
        : forCommand("perl", context).toReversed();
    case "missing-entrypoint":
      return [
        { text: `Set ${cause.field === "Cmd" ? "cmd" : "entrypoint"} in [oci]` },
        ...forCommand(cause.command, context),
      ];
    case "wrong-architecture":
      return [{
        text: `Install it for ${cause.expected}, or give --platform linux/${cause.found}`,
      }];
    case "wrong-system":
      return [{ text: "Install the tool's build for Linux" }];
    case "not-executable":
      return [{ text: "Make it executable: chmod +x" }];
    case "malformed":
      return [REINSTALL];
    case "dangling-link":
      return cause.target.startsWith("/")
        ? [{ text: `Copy ${JSON.stringify(cause.target)} with [[oci.copy]]` }]
        : [REINSTALL];
    case "missing-exec":
    case "missing-install":
    case "host-path":
    case "host-prefix":
    case "no-program":
    case "missing-toolchain":
      return forTool(cause);
    case "missing-module-library":
      return forLibraries(
        causes.filter(isOfType("missing-module-library")),
        context,
      );
    case "dangling-file":
      return forFiles(dirname(cause.target), context);
    case "missing-need":
      return forNeed(cause.need, context);
    case "endless-scripts":
      return [];
  }
}

function isOfType<Type extends Cause["type"]>(
  type: Type,
): (cause: Cause) => cause is CauseOf<Type> {
  return (cause): cause is CauseOf<Type> => cause.type === type;
}
