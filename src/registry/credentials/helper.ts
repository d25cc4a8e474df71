/**
 * Credential helpers: programs named `docker-credential-NAME` that keep secrets in the system's key store.
 * `get` reads the registry's name from stdin and writes JSON to stdout.
 * @module
 */
import { DELIMITER, isAbsolute, join } from "@std/path";
import { describeError, MiseOciError } from "../../errors.ts";
import { identityEnv } from "../../own_secrets.ts";
import { OutputTooLong, ProcessTimeout, runProcess } from "../../process/run.ts";
import { asObject, asString, maybe, parseJson } from "../../oci/mod.ts";
import type { Credentials } from "../credentials_type.ts";
import type { ReadEnv } from "./auth_file.ts";

/** How a helper ended. */
export type HelperResult =
  | { readonly kind: "exited"; readonly code: number; readonly stdout: Uint8Array }
  /**
   * It did not run to completion; `why` completes the sentence `it …`; `denied` if Deno's permissions
   * forbid it.
   */
  | { readonly kind: "unusable"; readonly why: string; readonly denied?: boolean };

/** Runs `PROGRAM get` with `server` on stdin. Failures of the program are results, not errors. */
export type RunHelper = (program: string, server: string) => Promise<HelperResult>;

/** Bounds of {@linkcode helperRunner}. */
export interface HelperRunnerOptions {
  /** The environment; only `PATH` is read. */
  readonly env: ReadEnv;
  /** Time limit of a helper, in milliseconds. Default 30 s: it may prompt the user for a pass phrase. */
  readonly timeoutMs?: number;
  /** Longest output read, in bytes. Default 64 KiB. */
  readonly maxBytes?: number;
  /** Kills the helper. */
  readonly signal?: AbortSignal;
}

/** A name that cannot be a path or a flag. */
const HELPER_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** The program of a helper. @throws {MiseOciError} `config` if the name could be a path or a flag. */
export function helperProgram(name: unknown, what: string): string {
  if (typeof name === "string" && HELPER_NAME.test(name)) return `docker-credential-${name}`;
  const shown = JSON.stringify(typeof name === "string" ? name.slice(0, 80) : typeof name);
  throw new MiseOciError("config", `Cannot use credential helper ${shown} of ${what}`, {
    hint:
      "A helper's name has letters, digits, dots, underscores and hyphens only, the first none of . and -",
  });
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    const info = await Deno.stat(path);
    return info.isFile && (info.mode === null || (info.mode & 0o111) !== 0);
  } catch {
    return false;
  }
}

/** The absolute path of a program on PATH; relative entries of PATH are ignored. */
async function maybeFindOnPath(program: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(DELIMITER)) {
    if (!isAbsolute(directory)) continue;
    for (const suffix of DELIMITER === ";" ? [".exe", ""] : [""]) {
      const candidate = join(directory, program + suffix);
      if (await isExecutable(candidate)) return candidate;
    }
  }
  return undefined;
}

async function writeServer(
  stdin: WritableStream<Uint8Array<ArrayBuffer>>,
  server: string,
): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(server));
    await writer.close();
  } catch {
    // The helper ended or closed stdin without reading it: its exit code is sufficient.
  }
}

/** Why a helper that did not run to completion is unusable; `flag` is the flag that permits it. */
function unusable(error: unknown, flag: string): HelperResult {
  const { cause } = error as { readonly cause?: unknown };
  if (error instanceof ProcessTimeout) return { kind: "unusable", why: "did not answer in time" };
  if (error instanceof OutputTooLong) return { kind: "unusable", why: "wrote too much" };
  if (cause instanceof Deno.errors.NotCapable) {
    const why = cause.message.includes("compil")
      ? `may not be run: this executable was compiled without ${flag}`
      : `may not be run, add ${flag}`;
    return { kind: "unusable", why, denied: true };
  }
  return { kind: "unusable", why: `cannot be run (${describeError(error)})` };
}

/** Runs real helpers: found on PATH, with limits on time and output, and always terminated. */
export function helperRunner(options: HelperRunnerOptions): RunHelper {
  const { env, timeoutMs = 30_000, maxBytes = 64 * 1024, signal } = options;
  return async (program, server) => {
    const path = await maybeFindOnPath(program, env("PATH") ?? "");
    if (path === undefined) return { kind: "unusable", why: "is not on PATH" };
    // mise is included, because the flag replaces the whole list of allowed programs.
    const allow = `mise,${path}`;
    try {
      const { code, stdout } = await runProcess({
        command: [path, "get"],
        env: identityEnv(),
        failure: `Cannot run "${program}"`,
        allow,
        explain: (cause) => cause,
        feed: (stdin) => writeServer(stdin, server),
        // stderr is not read, because it could contain the secret.
        stdout: { maxBytes, beyond: "fail" },
        timeoutMs,
        graceMs: 0,
        signal,
      });
      return { kind: "exited", code, stdout };
    } catch (error) {
      signal?.throwIfAborted();
      return unusable(error, `--allow-run=${allow}`);
    }
  };
}

/**
 * The credentials in a helper's output; `undefined` if it has none. The user name `<token>` marks an
 * identity token.
 *
 * @throws {MiseOciError} `invalid` if the output is malformed; the message quotes none of it.
 */
export function maybeHelperCredentials(stdout: Uint8Array, what: string): Credentials | undefined {
  if (stdout.every((byte) => byte <= 0x20)) return undefined;
  const answer = asObject(parseJson(stdout, { what, maxBytes: stdout.length }), what);
  const username = maybe(answer["Username"], `Username of ${what}`, asString) ?? "";
  const secret = maybe(answer["Secret"], `Secret of ${what}`, asString) ?? "";
  if (secret === "") return undefined;
  return username === "<token>"
    ? { kind: "identity", token: secret }
    : { kind: "basic", username, password: secret };
}
