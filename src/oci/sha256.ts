/**
 * SHA-256 without the cost of `node:crypto`, which loads a hundred modules of Deno and adds 40 ms to every
 * start. Data in memory is hashed by WebCrypto, which is always available; `node:crypto` is loaded only for
 * longer data.
 * @module
 */
import { concat, hexOf } from "../bytes.ts";
import { type Digest, parseDigest } from "./digest.ts";

/** The part of `node:crypto`'s `Hash` that is used. */
export interface StreamingHash {
  /** Adds bytes, or a text as UTF-8. */
  update(part: string | Uint8Array): this;
  /** The hash of all data; the object cannot be used afterwards. */
  digest(encoding: "hex"): string;
}

type Process = {
  getBuiltinModule(name: "crypto"): { createHash(algorithm: string): StreamingHash };
};

/** A synchronous hash of many parts: loads `node:crypto` on first use. */
export function streamingSha256(): StreamingHash {
  const { process } = globalThis as unknown as { readonly process: Process };
  return process.getBuiltinModule("crypto").createHash("sha256");
}

/** The hash of bytes, or of a text as UTF-8: 64 hex digits. */
export async function sha256Hex(data: string | Uint8Array): Promise<string> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  // The type allows memory shared between threads, which is never hashed here.
  return hexOf(
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)),
  );
}

/**
 * The digest of bytes in memory.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { digestOf } from "./sha256.ts";
 *
 * const digest = await digestOf(new TextEncoder().encode("{}"));
 * assertEquals(digest, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
 * ```
 */
export async function digestOf(bytes: Uint8Array): Promise<Digest> {
  return parseDigest(`sha256:${await sha256Hex(bytes)}`);
}

/** Number of bytes that are kept in memory before `node:crypto` is used. */
const SHORT = 1 << 20;

/** An incremental hash for input of any length. */
export class Sha256 {
  #kept: Uint8Array[] = [];
  #length = 0;
  #streaming: StreamingHash | undefined;

  /** Adds bytes, which may be overwritten afterwards, or a text as UTF-8. */
  update(part: string | Uint8Array): this {
    this.#length += part.length;
    if (this.#streaming === undefined && this.#length <= SHORT) {
      this.#kept.push(typeof part === "string" ? new TextEncoder().encode(part) : part.slice());
      return this;
    }
    if (this.#streaming === undefined) {
      this.#streaming = streamingSha256();
      for (const one of this.#kept) this.#streaming.update(one);
      this.#kept = [];
    }
    this.#streaming.update(part);
    return this;
  }

  /** The hash of all data, as 64 hex digits; the object cannot be used afterwards. */
  async hex(): Promise<string> {
    if (this.#streaming !== undefined) return this.#streaming.digest("hex");
    return await sha256Hex(concat(this.#kept));
  }
}
