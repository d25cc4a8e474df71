/**
 * The error output and exit code of a failed command, and the signals that end one.
 * @module
 */
import { describeError, type ErrorCode, maybeCause, MiseOciError } from "../errors.ts";
import type { Colors } from "../ui/color.ts";
import { escapeBlock } from "../ui/text.ts";

/** Exit codes for signals, as in shells: 128 plus the number of the signal. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that asks the program to end. */
export type EndingSignal = keyof typeof EXIT_CODES;

/** The reason of the program's `AbortSignal`. */
export class Interruption extends MiseOciError {
  /** The program's exit code. */
  readonly exitCode: number;

  /** Names the signal. */
  constructor(signal: EndingSignal) {
    super("interrupted", `Interrupted by ${signal}`);
    this.exitCode = EXIT_CODES[signal];
  }
}

/** The functions of the process that {@linkcode abortOnSignals} uses. */
export interface SignalHost {
  /** Calls the handler on every such signal. */
  listen(signal: EndingSignal, handler: () => void): void;
  /** Ends the process immediately. */
  exit(code: number): void;
}

/** The process. */
const realHost: SignalHost = {
  listen: (signal, handler) => Deno.addSignalListener(signal, handler),
  exit: (code) => Deno.exit(code),
};

/**
 * An `AbortSignal` that the first SIGINT, SIGTERM or SIGHUP aborts, for a clean shutdown; the second one ends
 * the program immediately.
 */
export function abortOnSignals(host: SignalHost = realHost): AbortSignal {
  const controller = new AbortController();
  // Windows has no SIGTERM.
  const signals: readonly EndingSignal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) {
    host.listen(signal, () => {
      const interruption = new Interruption(signal);
      if (controller.signal.aborted) host.exit(interruption.exitCode);
      else controller.abort(interruption);
    });
  }
  return controller.signal;
}

/** A failure as users see it. */
export interface Failure {
  /** The kind of error; `bug` for unexpected errors. */
  readonly code: ErrorCode | "bug";
  /** The object and the cause. */
  readonly message: string;
  /** The next step. */
  readonly hint?: string;
  /** Stack and causes. */
  readonly detail: string;
  /** The program's exit code. */
  readonly exitCode: number;
}

/** The next step where the error itself has none. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  config: "Correct it there; docs/oci.md of mise-oci has every key",
  mise: 'Run "mise doctor" in the project: it shows what is wrong with mise',
  tool: 'Run "mise ls" in the project: it shows its tools',
  invalid: "It is damaged, or not what it should be: make or fetch it again",
  integrity: "It is damaged: make or fetch it again",
  "not-found": "Check the name",
  network: "Check the network connection, and try again",
  io: "Check the path, its permissions and the space that is left",
};

/** The next step of every other error without one. */
const DEFAULT_HINT = "Run it again with --debug to see the causes";

/** `Requires read access to "/x", run again with the --allow-read flag`, in Deno's own words. */
const NOT_CAPABLE = /Requires (?:access to )?(\w+)(?: access)?(?: to ("[^"]*"|\S+?))?[,.;]/;

/** Stack of an error and of everything below it. */
function stacks(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 8 && current !== undefined; depth++) {
    const text = current instanceof Error ? current.stack ?? current.message : String(current);
    parts.push(depth === 0 ? text : `Caused by: ${text}`);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join("\n");
}

/**
 * Matches errors of denied permissions; for a module that may not be read Deno throws a plain `TypeError`.
 */
function maybeDenied(error: unknown): Error | undefined {
  const denied = maybeCause(error, Deno.errors.NotCapable);
  if (denied !== undefined) return denied;
  const isModule = error instanceof TypeError && /^Requires .* --allow-\w+/.test(error.message);
  return isModule ? error : undefined;
}

/** A module or package of the program that Deno could not fetch, in Deno's own words. */
const NOT_FETCHED =
  /^(?:Failed caching npm package|Error getting response|Failed loading|Failed resolving|Could not (?:find|load) npm package|error sending request|Import ['"].*['"] failed|Specifier not found in cache:|npm package .* not found in cache|JSR package manifest)/i;

/** Why Deno could not write a module into its cache. */
const NOT_WRITTEN =
  /permission denied|read-only file system|no space left|disk quota|\(os error (?:1|13|28|30|122)\)/i;

/** A module that is imported on demand cannot be fetched, or not be kept. */
function maybeNotFetched(error: unknown): Pick<Failure, "code" | "message" | "hint"> | undefined {
  if (!(error instanceof TypeError) && !(error instanceof Error && error.name === "Error")) {
    return undefined;
  }
  const [first = ""] = error.message.split("\n");
  if (!NOT_FETCHED.test(first)) return undefined;
  const message = `Cannot load a part of mise-oci: ${first}`;
  if (NOT_WRITTEN.test(first)) {
    const hint = "Set DENO_DIR to a directory that can be written: Deno keeps the parts there";
    return { code: "io", message, hint };
  }
  const why = error.message.split("\n").slice(1).map((line) => line.trim()).find((line) =>
    /^\d+: /.test(line)
  )?.replace(/^\d+: /, "");
  return {
    code: "network",
    message: `${message}${why === undefined ? "" : `: ${why}`}`,
    hint: "Check the network and HTTPS_PROXY; behind a company's certificate authority set " +
      "DENO_TLS_CA_STORE=system or DENO_CERT=FILE. Once loaded, Deno keeps it",
  };
}

/** Directories that the permission sets of deno.json exclude from writing. */
const SYSTEM = /^\/(?:bin|boot|etc|lib|lib64|proc|sbin|sys|usr\/(?:bin|lib|sbin))(?:\/|$)/;

/** How to grant a permission; a package fetched by Deno has no configuration with permission sets. */
function permissionHint(flag: string, value: string, deno: string): string {
  if (deno.includes("compil")) {
    return `This executable was compiled without ${flag}: compile it with ${flag}${value}`;
  }
  const sets = Deno.mainModule.startsWith("file:")
    ? ", or with -P for the permission set of deno.json"
    : "; the README has the flags of all commands";
  return `Run with ${flag}${value}${sets}`;
}

/** The failure for a denied permission: names the flag and the object. */
function deniedPermission(error: Error): Pick<Failure, "message" | "hint"> {
  const [, kind, object] = NOT_CAPABLE.exec(error.message) ?? [];
  const flag = /--allow-\w+/.exec(error.message)?.[0] ??
    (kind === undefined ? undefined : `--allow-${kind}`);
  if (flag === undefined) return { message: error.message };
  const name = object?.replaceAll('"', "");
  const what = kind ?? flag.slice("--allow-".length);
  // Files are written under a temporary name, so the directory must be allowed.
  const scope = what === "write" ? name?.replace(/(?<=.)[/\\][^/\\]*$/, "") : name;
  const bare = what === "all" || scope === undefined || /[,\s<]/.test(scope);
  const isTemporary = name !== undefined && /[/\\]\.tmp-[^/\\]*$/.test(name);
  const shown = isTemporary ? scope : name;
  return {
    message: `Deno does not permit ${what} access` +
      (shown === undefined ? "" : ` to ${JSON.stringify(shown)}`),
    hint: what === "write" && SYSTEM.test(scope ?? "")
      ? "Choose another directory: those of the system are left alone"
      : permissionHint(flag, bare ? "" : `=${scope}`, error.message),
  };
}

/**
 * The failure to show for any thrown value.
 *
 * @param signal the program's own: once it is aborted, any error is a consequence of that.
 */
export function toFailure(error: unknown, signal: AbortSignal): Failure {
  const detail = stacks(error);
  const reason: unknown = signal.aborted ? signal.reason : undefined;
  if (signal.aborted) {
    const exitCode = reason instanceof Interruption ? reason.exitCode : 130;
    return { code: "interrupted", message: describeError(reason), detail, exitCode };
  }
  const denied = maybeDenied(error);
  if (denied !== undefined) {
    return { code: "permission", ...deniedPermission(denied), detail, exitCode: 1 };
  }
  const notFetched = maybeNotFetched(error);
  if (notFetched !== undefined) return { ...notFetched, detail, exitCode: 1 };
  if (error instanceof MiseOciError) {
    const {
      code,
      message,
      hint = code === "interrupted" ? undefined : HINTS[code] ?? DEFAULT_HINT,
    } = error;
    const exitCode = code === "usage" ? 2 : code === "interrupted" ? 130 : 1;
    return { code, message, ...(hint === undefined ? {} : { hint }), detail, exitCode };
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return {
      code: "permission",
      message: describeError(error),
      hint: "Check the owner and mode of the file or directory",
      detail,
      exitCode: 1,
    };
  }
  return {
    code: "bug",
    message: describeError(error) || "Unknown error",
    hint: "This is a bug in mise-oci: please report it with the lines above",
    detail,
    exitCode: 1,
  };
}

/** The lines for stderr. Untrusted text cannot move the cursor or look like our own output. */
export function failureText(failure: Failure, colors: Colors, debug: boolean): string {
  const { code, message, hint, detail } = failure;
  const lines = [`${colors.red("error:")} ${escapeBlock(message)}`];
  if (debug || code === "bug") lines.push(`  ${escapeBlock(detail, "  ")}`);
  if (hint !== undefined) lines.push(`${colors.cyan("hint:")} ${escapeBlock(hint)}`);
  return `${lines.join("\n")}\n`;
}

/** The object for stdout with `--json`. */
export function failureJson({ code, message, hint }: Failure): unknown {
  return { error: { code, message, ...(hint === undefined ? {} : { hint }) } };
}
