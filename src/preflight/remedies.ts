/**
 * What to do about a cause.
 * @module
 */
import { basename, dirname } from "@std/path/posix";
import type { Cause } from "./cause.ts";
import type { CheckReport } from "./check_image.ts";
import { isMuslLoader } from "./musl_loader.ts";
import {
  COMMAND_PACKAGES,
  COMMAND_TOOLS,
  LIBRARY_PACKAGES,
  type PackageNames,
  VERSION_RELEASES,
} from "./packages_table.ts";

/** A package of the image's own package manager. */
export interface PackageRemedy {
  /** Which manager. */
  readonly manager: "apt" | "apk";
  /** Its name there. */
  readonly name: string;
}

/** Something to do, the best first. */
export interface Remedy {
  /** An imperative sentence without a final period. */
  readonly text: string;
  /** The package to add to `[bootstrap.packages]`, if that is it. */
  readonly package?: PackageRemedy;
}

/** What of a report decides about remedies. */
export type RemedyContext = Pick<CheckReport, "distribution" | "musl">;

/** The package manager of an image, by its os-release. */
function managerOf({ distribution }: RemedyContext): PackageRemedy["manager"] | undefined {
  if (distribution.includes("debian") || distribution.includes("ubuntu")) return "apt";
  return distribution.includes("alpine") ? "apk" : undefined;
}

function packageRemedy(
  names: PackageNames | undefined,
  context: RemedyContext,
): readonly Remedy[] {
  const manager = managerOf(context);
  const name = manager === undefined ? undefined : names?.[manager];
  if (manager === undefined || name === undefined) return [];
  const text = `Add "${manager}:${name}" to [bootstrap.packages]`;
  return [{ text, package: { manager, name } }];
}

const OTHER_BASE: Remedy = { text: "Use a base that has it, such as debian:bookworm-slim" };

function forLibrary(
  { library, elsewhere }: Extract<Cause, { type: "missing-library" }>,
  context: RemedyContext,
): readonly Remedy[] {
  if (elsewhere !== undefined) {
    const directory = dirname(elsewhere);
    return [{
      text: `It is in ${directory}, where the loader does not look: set LD_LIBRARY_PATH = ` +
        `"${directory}" in [oci.env]`,
    }];
  }
  const known = packageRemedy(LIBRARY_PACKAGES[library], context);
  if (known.length > 0) return known;
  if (managerOf(context) === undefined) return [OTHER_BASE];
  return [{ text: `Add the package that has ${library} to [bootstrap.packages]` }];
}

/** What has a version and what comes first with it: `GLIBC_2.38` → the bases with it. */
function forVersion(version: string): readonly Remedy[] {
  const found = /^([A-Z]+)_([\d.]+)$/.exec(version);
  const [, family = "", wanted = ""] = found ?? [];
  const bases = VERSION_RELEASES.filter(({ versions }) => {
    const offered = versions[family];
    return offered !== undefined && compareVersions(offered, wanted) >= 0;
  }).map(({ base }) => base);
  const lower = { text: "Use a lower version of the tool" };
  if (bases.length === 0) return [{ text: "Use a newer base" }, lower];
  return [{ text: `Use a newer base: ${bases.join(" or ")}` }, lower];
}

/** Compares versions of numbers. */
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
    return [...packageRemedy({ apt: "musl" }, context), glibcBuild];
  }
  const base = { text: "Use a base with glibc, such as debian:bookworm-slim" };
  return context.musl ? [base, { text: "Use the tool's build for musl" }] : [base];
}

/** For a command that is missing: a tool of mise, or a package. */
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
  return all.length > 0 ? all : managerOf(context) === undefined ? [OTHER_BASE] : [];
}

/** For a path in a `#!` line: it must be there itself, so a tool on PATH does not help. */
function forInterpreter(interpreter: string, context: RemedyContext): readonly Remedy[] {
  if (interpreter.endsWith("\r")) {
    return [{ text: "Its first line ends with a carriage return: save it with Unix line ends" }];
  }
  if (!/^(?:\/usr)?\/bin\//.test(interpreter)) {
    return [{
      text: "Build the image at the path where it was installed for, or install it again",
    }];
  }
  const name = basename(interpreter);
  const asPackage = Object.hasOwn(COMMAND_PACKAGES, name)
    ? packageRemedy(COMMAND_PACKAGES[name], context)
    : [];
  return asPackage.length > 0 ? asPackage : [OTHER_BASE];
}

/** What to do about a cause in an image, the best first; empty if there is nothing to say. */
export function remediesFor(cause: Cause, context: RemedyContext): readonly Remedy[] {
  switch (cause.type) {
    case "missing-library":
      return forLibrary(cause, context);
    case "missing-version":
      return forVersion(cause.version);
    case "missing-loader":
      return forLoader(cause.loader, context);
    case "missing-interpreter":
      return forInterpreter(cause.interpreter, context);
    case "missing-command":
      return forCommand(cause.command, context);
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
      return [{ text: "Install it on Linux, or for it" }];
    case "not-executable":
      return [{ text: "Make it executable: chmod +x" }];
    case "malformed":
      return [{ text: "Install it again" }];
    case "dangling-link":
    case "endless-scripts":
      return [];
  }
}
