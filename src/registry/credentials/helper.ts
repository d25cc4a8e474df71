/**
 * Credential helpers: programs named `docker-credential-NAME` that keep secrets in the system's key
 * store. `get` reads the registry's name from stdin and answers with JSON on stdout.
 * @module
 */
import { DELIMITER, isAbsolute, join } from "@std/path";
import { describeError, MiseOciError } from "../../errors.ts";
import { asObject, asString, maybe, parseJson } from "../../oci/mod.ts";
import type { Credentials } from "../credentials_type.ts";
import type { ReadEnv } from "./auth_file_paths.ts";

/** How a helper ended. */
export type HelperResult =
  | { readonly kind: "exited"; readonly code: number; readonly stdout: Uint8Array }
  /** It could not be run to its end; `why` completes the sentence `it …`, `denied` if Deno forbids it. */
  | { readonly kind: "unusable"; readonly why: string; readonly denied?: boolean };

/**
 * Runs `PROGRAM get` with `server` on stdin. Never throws for what the program does.
 */
export type RunHelper = (program: string, server: string) => Promise<HelperResult>;

/** Bounds of {@linkcode helperRunner}. */
export interface HelperRunnerOptions {
  /** The environment; only `PATH` is read. */
  readonly env: ReadEnv;
  /** Time a helper has, in milliseconds. Default 30 s: it may ask the user for a pass phrase. */
  readonly timeoutMs?: number;
  /** Longest output read, in bytes. Default 64 KiB. */
  readonly maxBytes?: number;
  /** Kills the helper. */
  readonly signal?: AbortSignal;
}

/** A name that cannot leave PATH or be taken for a flag. */
const HELPER_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** The program of a helper. @throws {MiseOciError} `config` if the name could mean anything else. */
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

/** The absolute path of a program on PATH; entries that depend on the working directory do not count. */
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

/** Reads at most `maxBytes`; `undefined` if there is more. */
async function maybeReadCapped(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const buffer = new Uint8Array(maxBytes);
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return buffer.subarray(0, length);
    if (length + value.length > maxBytes) return undefined;
    buffer.set(value, length);
    length += value.length;
  }
}

async function writeServer(stdin: WritableStream<Uint8Array>, server: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(server));
    await writer.close();
  } catch {
    // It ended, or closed its stdin, without reading: its exit code says the rest.
  }
}

function killHelper(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
}

/** Runs a child to its end, or kills it when the deadline passes or it floods its output. */
async function runChild(
  child: Deno.ChildProcess,
  options: { server: string; maxBytes: number; deadline: AbortSignal },
): Promise<HelperResult> {
  const { deadline } = options;
  const reader = child.stdout.getReader();
  const stopped = Promise.withResolvers<"stopped">();
  const stop = (): void => stopped.resolve("stopped");
  deadline.addEventListener("abort", stop, { once: true });
  if (deadline.aborted) stop();
  try {
    const written = writeServer(child.stdin, options.server);
    // Not waited for alone: a grandchild that keeps the pipe open must not keep us.
    const output = maybeReadCapped(reader, options.maxBytes).then((bytes) => ({ bytes }));
    const first = await Promise.race([output, stopped.promise]);
    if (first === "stopped") return { kind: "unusable", why: "did not answer in time" };
    if (first.bytes === undefined) return { kind: "unusable", why: "wrote too much" };
    const status = await Promise.race([child.status, stopped.promise]);
    if (status === "stopped") return { kind: "unusable", why: "did not end in time" };
    await written;
    return { kind: "exited", code: status.code, stdout: first.bytes };
  } finally {
    deadline.removeEventListener("abort", stop);
    killHelper(child);
    await child.status;
    await reader.cancel();
  }
}

/** The runner of real helpers: found on PATH, bounded in time and output, always gone afterwards. */
export function helperRunner(options: HelperRunnerOptions): RunHelper {
  const { env, timeoutMs = 30_000, maxBytes = 64 * 1024, signal } = options;
  return async (program, server) => {
    const path = await maybeFindOnPath(program, env("PATH") ?? "");
    if (path === undefined) return { kind: "unusable", why: "is not on PATH" };
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMs);
    try {
      const child = new Deno.Command(path, {
        args: ["get"],
        stdin: "piped",
        stdout: "piped",
        // Not read: what a helper says could hold the secret, and a flood must not block it.
        stderr: "null",
      }).spawn();
      const deadline = signal === undefined
        ? timeout.signal
        : AbortSignal.any([signal, timeout.signal]);
      return await runChild(child, { server, maxBytes, deadline });
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) {
        // mise too: the flag takes the place of all programs of the permission set.
        const flag = `--allow-run=mise,${path}`;
        const why = error.message.includes("compil")
          ? `may not be run: this executable was compiled without ${flag}`
          : `may not be run, add ${flag}`;
        return { kind: "unusable", why, denied: true };
      }
      return { kind: "unusable", why: `cannot be run (${describeError(error)})` };
    } finally {
      clearTimeout(timer);
    }
  };
}

/**
 * The credentials in a helper's answer; `undefined` if it has none. The user name `<token>` marks an
 * identity token.
 *
 * @throws {MiseOciError} `invalid` if the answer is malformed; the message quotes nothing of it.
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
