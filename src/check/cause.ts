/**
 * Reasons why a program does not start.
 * @module
 */

import { needNamed } from "./needs.ts";

/** A reason; paths are image paths. */
export type Cause =
  /** A library that is in no directory the loader searches. */
  | {
    readonly type: "missing-library";
    readonly library: string;
    readonly file: string;
    /** A file with this name outside of the directories that the loader searches. */
    readonly elsewhere?: string;
  }
  /** A symbol version that the library found does not define. */
  | {
    readonly type: "missing-version";
    readonly version: string;
    readonly library: string;
    readonly file: string;
  }
  /** The loader named in a program. */
  | { readonly type: "missing-loader"; readonly loader: string; readonly file: string }
  /** The program named in a `#!` line. */
  | { readonly type: "missing-interpreter"; readonly interpreter: string; readonly file: string }
  /** The command that `env` in a `#!` line, or the body of a script, starts. */
  | {
    readonly type: "missing-command";
    readonly command: string;
    readonly file: string;
    /** Set if the script's body starts it, not its `#!` line. */
    readonly inBody?: true;
  }
  /** A missing module that a Perl script loads at startup. */
  | {
    readonly type: "missing-perl-module";
    /** Name of the module: `Text::Wrap`. */
    readonly module: string;
    readonly file: string;
    /** Set if the image's Perl has its standard modules, so that the missing one is of another package. */
    readonly hasOwn?: true;
  }
  /** The program that a wrapper script starts. */
  | { readonly type: "missing-exec"; readonly target: string; readonly file: string }
  /** An install directory of the host that scripts or links refer to and the image lacks. */
  | {
    readonly type: "missing-install";
    /** Name of the tool's directory. */
    readonly tool: string;
    /** Name of the version's directory. */
    readonly version: string;
    readonly file: string;
  }
  /** A script that contains an install directory of the host, for any purpose. */
  | { readonly type: "host-path"; readonly path: string; readonly file: string }
  /** A program with a compiled-in directory for its files, which the image lacks. */
  | { readonly type: "host-prefix"; readonly path: string; readonly file: string }
  /** A tool's command that is empty, or a text without `#!`. */
  | {
    readonly type: "no-program";
    readonly file: string;
    readonly empty: boolean;
    /** The npm package that it belongs to, whose install script should have replaced it. */
    readonly package?: string;
  }
  /** rustup's proxies without a toolchain. */
  | { readonly type: "missing-toolchain"; readonly file: string; readonly directory: string }
  /** A library that an extension module of a runtime needs. */
  | {
    readonly type: "missing-module-library";
    readonly library: string;
    readonly file: string;
    /** The module's name in code: `ssl`. */
    readonly module: string;
    /** Path of the runtime that loads it. */
    readonly runtime: string;
    /** The owner of the module: the tool's short name, or the runtime's. */
    readonly owner: string;
    /** Set for modules that hardly any image needs. */
    readonly optional?: true;
  }
  /** A link in a tool, other than a command, whose target is outside of the tool and missing. */
  | {
    readonly type: "dangling-file";
    readonly file: string;
    readonly target: string;
    readonly tool: string;
  }
  /** Something that commands open at run time and the image lacks, by its name in needs.ts. */
  | { readonly type: "missing-need"; readonly need: string }
  /** The entrypoint or command of the image. */
  | { readonly type: "missing-entrypoint"; readonly command: string; readonly field: string }
  | {
    readonly type: "wrong-architecture";
    readonly file: string;
    readonly found: string;
    readonly expected: string;
  }
  | { readonly type: "wrong-system"; readonly file: string; readonly found: string }
  /** A file that is unsuitable for its use; `reason` continues a sentence. */
  | { readonly type: "malformed"; readonly file: string; readonly reason: string }
  | { readonly type: "not-executable"; readonly file: string }
  | { readonly type: "dangling-link"; readonly file: string; readonly target: string }
  /** Scripts whose interpreters are each other. */
  | { readonly type: "endless-scripts"; readonly file: string };

/**
 * The severity of a cause.
 * - `start`: a command does not start.
 * - `part`: it starts, but a part of it cannot work.
 * - `need`: it lacks something that it opens for some tasks; ignored by `--strict` and exit codes.
 * - `detail`: hardly any image needs it; shown only with `-v`.
 */
export type Severity = "start" | "part" | "need" | "detail";

/** The severity of a cause. */
export function severityOf(cause: Cause): Severity {
  switch (cause.type) {
    case "no-program":
      return cause.empty || cause.package !== undefined ? "start" : "part";
    case "host-path":
    case "host-prefix":
    case "dangling-file":
      return "part";
    case "missing-module-library":
      return cause.optional ? "detail" : "part";
    case "missing-need":
      return needNamed(cause.need)?.severity ?? "need";
    default:
      return "start";
  }
}

/** A key that is equal for the same missing thing, regardless of which file needs it. */
export function causeKey(cause: Cause): string {
  switch (cause.type) {
    case "missing-library":
      return `${cause.type} ${cause.library}`;
    case "missing-version":
      return `${cause.type} ${cause.library} ${cause.version}`;
    case "missing-loader":
      return `${cause.type} ${cause.loader}`;
    case "missing-interpreter":
      return `${cause.type} ${cause.interpreter}`;
    case "missing-command":
    case "missing-entrypoint":
      return `${cause.type} ${cause.command}`;
    case "missing-perl-module":
      return `${cause.type} ${cause.module}`;
    case "missing-exec":
      return `${cause.type} ${cause.target}`;
    case "missing-install":
      return `${cause.type} ${cause.tool} ${cause.version}`;
    case "host-path":
      return `${cause.type} ${cause.path}`;
    case "missing-module-library":
      return `${cause.type} ${cause.library} ${cause.file}`;
    case "missing-need":
      return `${cause.type} ${cause.need}`;
    default:
      return `${cause.type} ${cause.file}`;
  }
}
