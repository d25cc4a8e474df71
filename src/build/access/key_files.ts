/**
 * Key files on this machine, their passwords, and signers.
 * @module
 */
import {
  openKeyless,
  parseSigningKey,
  parseVerifyingKey,
  type Signer,
  type SigningKey,
  type VerifyingKey,
} from "../../attest/mod.ts";
import type { WorkflowContext } from "../../context.ts";
import { describeError, MiseOciError } from "../../errors.ts";
import { ownEnv } from "../../own_secrets.ts";
import { Connector } from "../../registry/connect.ts";
import { hostEnv } from "../host/environment.ts";

async function readKey(path: string): Promise<string> {
  const refuse = (code: "not-found" | "io", why: string, cause?: unknown): never => {
    throw new MiseOciError(code, `Cannot use key ${JSON.stringify(path)}: ${why}`, {
      cause,
      hint: code === "io"
        ? "Check the path and its permissions"
        : "Create a pair with cosign generate-key-pair: cosign.key signs, cosign.pub verifies",
    });
  };
  try {
    const info = await Deno.stat(path);
    if (!info.isFile || info.size > 64 * 1024) return refuse("not-found", "it is not a key");
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof MiseOciError || error instanceof Deno.errors.NotCapable) throw error;
    if (error instanceof Deno.errors.NotFound) return refuse("not-found", "there is no such file");
    return refuse("io", describeError(error), error);
  }
}

/** Reads a line from the terminal without showing it. */
function askHidden(question: string): string {
  const encoder = new TextEncoder();
  Deno.stderr.writeSync(encoder.encode(question));
  Deno.stdin.setRaw(true, { cbreak: true });
  try {
    const bytes: number[] = [];
    const chunk = new Uint8Array(64);
    for (;;) {
      const count = Deno.stdin.readSync(chunk) ?? 0;
      if (count === 0) break;
      for (const byte of chunk.subarray(0, count)) {
        if (byte === 10 || byte === 13) return new TextDecoder().decode(new Uint8Array(bytes));
        if (byte === 8 || byte === 127) bytes.pop();
        else bytes.push(byte);
      }
    }
    return new TextDecoder().decode(new Uint8Array(bytes));
  } finally {
    Deno.stdin.setRaw(false);
    Deno.stderr.writeSync(encoder.encode("\n"));
  }
}

/** The password of an encrypted key: `COSIGN_PASSWORD`, which may be empty, or from a prompt. */
function askPassword(path: string): string {
  const given = ownEnv("COSIGN_PASSWORD");
  if (given !== undefined) return given;
  if (Deno.stdin.isTerminal()) return askHidden(`Password of ${path}: `);
  throw new MiseOciError("config", `Cannot use key ${JSON.stringify(path)}: it needs a password`, {
    hint: "Give it in the environment variable COSIGN_PASSWORD",
  });
}

/** The value that selects the identity of a CI job instead of a key file. */
const KEYLESS = "keyless";

/**
 * Opens a signer: the key in a file, or for `keyless` the identity of the CI job.
 *
 * @throws {MiseOciError} `not-found`, `config` naming the file; `usage` without an identity.
 */
export async function openSigner(key: string, { signal }: WorkflowContext): Promise<Signer> {
  if (key !== KEYLESS) return await loadSigningKey(key);
  const connector = new Connector({ env: hostEnv, caCerts: [] });
  return openKeyless({
    env: hostEnv,
    fetch: (url, init) => connector.fetch(url, init as Parameters<Connector["fetch"]>[1]),
    signal,
  });
}

/** The key in a file. @throws {MiseOciError} `not-found`, `config` naming the file. */
async function loadSigningKey(path: string): Promise<SigningKey> {
  return parseSigningKey(await readKey(path), path, () => askPassword(path));
}

/** The public key in a file. @throws {MiseOciError} `not-found`, `config` naming the file. */
export async function loadVerifyingKey(path: string): Promise<VerifyingKey> {
  return parseVerifyingKey(await readKey(path), path);
}
