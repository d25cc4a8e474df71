/**
 * The one error class of mise-oci. Every error that a user can cause names the object, the cause and
 * the next step; everything else that is thrown is a bug and keeps its stack.
 * @module
 */
import { maskSecrets } from "./masking.ts";

/**
 * What kind of thing went wrong. `usage` ends the program with exit code 2, `interrupted` with
 * 130 (SIGINT) or 143 (SIGTERM), everything else with 1.
 */
export type ErrorCode =
  | "usage"
  | "config"
  | "mise"
  | "tool"
  | "invalid"
  | "integrity"
  | "unsupported"
  | "not-found"
  | "auth"
  | "network"
  | "registry"
  | "io"
  | "layout"
  | "packages"
  | "secret"
  | "engine"
  | "check"
  | "trust"
  | "permission"
  | "interrupted";

/** Options of {@linkcode MiseOciError}. */
export interface MiseOciErrorOptions {
  /** The next step for the user, one sentence without a final period. */
  readonly hint?: string;
  /** The error below this one. */
  readonly cause?: unknown;
}

/**
 * An error that a user can understand and do something about.
 *
 * Message grammar: capitalised, no final period, quoted values, names the object and the cause
 * ("Cannot parse digest \"sha256:XYZ\": 64 lowercase hex digits expected").
 *
 * @example
 * ```ts
 * import { MiseOciError } from "./errors.ts";
 *
 * const error = new MiseOciError("not-found", 'Cannot find "./img": no such directory', {
 *   hint: "Run mise-oci build first",
 * });
 * if (error.code !== "not-found") throw error;
 * ```
 */
export class MiseOciError extends Error {
  /** The class, as stacks show it. */
  override readonly name = "MiseOciError";
  /** What kind of error this is. */
  readonly code: ErrorCode;
  /** The next step for the user. */
  readonly hint?: string;

  /**
   * Creates an error of the given code. The message must not contain a secret; one that a server repeats
   * is masked if it is known (`masking.ts`).
   */
  constructor(code: ErrorCode, message: string, options: MiseOciErrorOptions = {}) {
    super(maskSecrets(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.hint !== undefined) this.hint = maskSecrets(options.hint);
  }
}

/**
 * The message of anything that was thrown, with the messages of its causes (Deno's `fetch failed`
 * says nothing without them), each once, joined by `: `.
 */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 8 && current !== undefined && current !== null; depth++) {
    const text = current instanceof Error ? current.message : String(current);
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(": ");
}

/** The first error of a class among an error and its causes. */
export function maybeCause<T>(
  error: unknown,
  type: abstract new (...args: never[]) => T,
): T | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 8 && current !== undefined; depth++) {
    if (current instanceof type) return current;
    current = current instanceof Error ? current.cause : undefined;
  }
  return undefined;
}
