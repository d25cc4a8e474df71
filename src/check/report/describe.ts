/**
 * Descriptions of problems.
 * @module
 */
import { basename, dirname } from "@std/path/posix";
import { type Cause, severityOf } from "../cause.ts";
import type { Duplicate } from "../check_image.ts";
import { needNamed } from "../needs.ts";

const SHOWN = 5;

/**
 * Formats a list in a sentence: `a`, `a and b`, `a, b and c`, `a, b, c, d, e and 3 more`.
 * @param shown maximum number of names.
 */
export function listNames(names: readonly string[], shown = SHOWN): string {
  if (names.length > shown + 1) {
    return `${names.slice(0, shown).join(", ")} and ${names.length - shown} more`;
  }
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}

/** Describes a cause, as a clause about one program. */
export function describeCause(cause: Cause): string {
  return describeCauses([cause], { plural: false });
}

/** Describes causes of one type in one clause; `plural` if it is about several programs. */
function describeCauses(
  causes: readonly [Cause, ...Cause[]],
  { plural }: { readonly plural: boolean },
): string {
  const [cause] = causes;
  switch (cause.type) {
    case "missing-library":
      return describeLibraries(causes.flatMap((one) => one.type === cause.type ? one : []));
    case "missing-version": {
      const all = causes.flatMap((one) => one.type === cause.type ? one : []);
      const versions = listNames(distinct(all.map(({ version }) => version)));
      return `${needing(all)} ${versions}, which ${cause.library} does not have`;
    }
    case "missing-loader":
      return `${plural ? "their" : "its"} loader ${cause.loader} is missing`;
    case "missing-interpreter": {
      const first = plural ? "their first lines name" : "its first line names";
      return `${JSON.stringify(cause.interpreter)} is missing, which ${first}`;
    }
    case "missing-command": {
      if (cause.inBody === true) {
        const start = plural ? "they start" : "it starts";
        return `${cause.command} is not on the image's PATH, which ${start}`;
      }
      const first = plural ? "their first lines ask" : "its first line asks";
      return `${cause.command} is not on the image's PATH, which ${first} env for`;
    }
    case "missing-perl-module": {
      const all = causes.flatMap((one) => one.type === cause.type ? one.module : []);
      const modules = distinct(all);
      const which = modules.length === 1 ? "the Perl module" : "the Perl modules";
      return `${which} ${listNames(modules)} ${
        modules.length === 1 ? "is" : "are"
      } missing, which ${plural ? "they load" : "it loads"}`;
    }
    case "missing-module-library":
    case "dangling-file":
    case "missing-need":
      return maybePartly(causes, { commands: [], dependents: [] }) ?? "";
    case "missing-entrypoint":
      return `the image's ${cause.field} names it, and it is not in the image`;
    default:
      return describeFile(cause) + alsoThere(causes.length - 1);
  }
}

function describeLibraries(causes: readonly (Cause & { type: "missing-library" })[]): string {
  const names = distinct(causes.map(({ library }) => library));
  const what = names.length === 1 ? "the library" : "the libraries";
  const are = names.length === 1 ? "is" : "are";
  return `${what} ${listNames(names)} ${are} missing, which ${needing(causes)}`;
}

/** The files with the verb "need". */
function needing(causes: readonly { readonly file: string }[]): string {
  const files = distinct(causes.map(({ file }) => file));
  return `${listNames(files, 2)} ${files.length === 1 ? "needs" : "need"}`;
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}

type FileCause = Extract<
  Cause,
  {
    readonly type:
      | "wrong-architecture"
      | "wrong-system"
      | "malformed"
      | "not-executable"
      | "dangling-link"
      | "endless-scripts"
      | "missing-exec"
      | "missing-install"
      | "host-path"
      | "host-prefix"
      | "no-program"
      | "missing-toolchain";
  }
>;

/** Describes a problem of a single file. */
function describeFile(cause: FileCause): string {
  const { file } = cause;
  switch (cause.type) {
    case "wrong-architecture":
      return `${file} is for ${cause.found}, not for ${cause.expected}`;
    case "wrong-system":
      return `${file} is for ${cause.found}, not for Linux`;
    case "malformed":
      return `${file} is damaged: ${cause.reason}`;
    case "not-executable":
      return `${file} may not be executed`;
    case "dangling-link":
      return `${file} is a link to ${JSON.stringify(cause.target)}, which is not in the image`;
    case "missing-exec":
      return `${file} starts ${JSON.stringify(cause.target)}, which is not in the image`;
    case "missing-install":
      return `${file} needs ${cause.tool} ${cause.version}, which is not in the image`;
    case "host-path":
      return `${file} names ${JSON.stringify(cause.path)}, which is not in the image`;
    case "host-prefix":
      return `${file} was compiled to find its files in ${
        JSON.stringify(cause.path)
      }, which is not in the image`;
    case "no-program":
      return cause.empty ? `${file} is empty` : `${file} is a text without a "#!" line`;
    case "missing-toolchain":
      return `rustup's commands hand on to a toolchain in ${
        JSON.stringify(cause.directory)
      }, and none is there`;
    case "endless-scripts":
      return `${file} is a script whose interpreters are scripts without end`;
  }
}

/** The number of other affected files in the same directory. */
function alsoThere(count: number): string {
  return count === 0 ? "" : ` (and ${count} other ${count === 1 ? "file" : "files"} there)`;
}

/** A sentence for programs that start but lack a part; `undefined` for causes that prevent starting. */
function maybePartly(
  causes: readonly [Cause, ...Cause[]],
  { commands, dependents }: {
    readonly commands: readonly string[];
    readonly dependents: readonly string[];
  },
): string | undefined {
  const [cause] = causes;
  const names = listNames(commands);
  switch (cause.type) {
    case "missing-module-library": {
      const all = causes.flatMap((one) => one.type === cause.type ? [one] : []);
      const modules = distinct(all.map(({ module }) => module));
      const libraries = distinct(all.map(({ library }) => library));
      const are = libraries.length === 1 ? "is" : "are";
      return `${cause.owner} cannot load ${modules.length === 1 ? "its module" : "its modules"} ${
        listNames(modules)
      }: the ${libraries.length === 1 ? "library" : "libraries"} ${
        listNames(libraries)
      } ${are} missing`;
    }
    case "dangling-file": {
      const targets = causes.flatMap((one) => one.type === cause.type ? basename(one.target) : []);
      return `${cause.tool} lacks files that it has links to: ${
        listNames(distinct(targets).toSorted(), 3)
      } of ${dirname(cause.target)} ${targets.length === 1 ? "is" : "are"} not in the image`;
    }
    case "host-path":
      return `${names} may not work in the image: ${describeFile(cause)}${
        alsoThere(causes.length - 1)
      }`;
    case "host-prefix": {
      const more = dependents.length === 0
        ? ""
        : `, and ${listNames(dependents)} ${dependents.length === 1 ? "does" : "do"} not start`;
      return `${names} ${
        commands.length === 1 ? "does" : "do"
      } not find its library in the image${more}: ${describeFile(cause)}`;
    }
    case "missing-need": {
      const need = needNamed(cause.need);
      return `${need?.what}: ${need?.effect} ${names}`;
    }
    case "no-program":
      return severityOf(cause) === "start"
        ? undefined
        : `${names} start${commands.length === 1 ? "s" : ""} from a shell only: ${
          describeFile(cause)
        }${alsoThere(causes.length - 1)}`;
    default:
      return undefined;
  }
}

/**
 * Describes problems in a sentence without a final period: the commands, the reason, and dependent
 * commands.
 */
export function describeProblem(
  { causes, commands, dependents }: {
    readonly causes: readonly [Cause, ...Cause[]];
    readonly commands: readonly string[];
    readonly dependents: readonly string[];
  },
): string {
  const partly = maybePartly(causes, { commands, dependents });
  if (partly !== undefined) return partly;
  const first = commands.length > 0 ? commands : dependents;
  const plural = first.length !== 1;
  const others = commands.length > 0 && dependents.length > 0
    ? `, nor ${dependents.length === 1 ? "does" : "do"} ${listNames(dependents)}, which need${
      dependents.length === 1 ? "s" : ""
    } ${commands.length === 1 ? "it" : "them"}`
    : "";
  const why = describeCauses(causes, { plural });
  return `${listNames(first)} ${plural ? "do" : "does"} not start in the image: ${why}${others}`;
}

/** Describes a command provided by two tools, as a sentence without a final period. */
export function describeDuplicate({ command, winner, shadowed }: Duplicate): string {
  const others = listNames([...new Set(shadowed.map(({ tool }) => tool))]);
  return `${command} is that of ${winner.tool}; ${others} ${
    shadowed.length === 1 ? "has" : "have"
  } one too`;
}
