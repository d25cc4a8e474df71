/**
 * Stored credentials and fake credential helpers for tests.
 * @module
 */
import { join } from "@std/path";

/** Base64 of a text's UTF-8 bytes, as `docker login` writes `auth`. */
export function encodeBase64Utf8(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Puts an executable `docker-credential-NAME` shell script into a directory. */
export async function writeHelper(directory: string, name: string, body: string): Promise<void> {
  const path = join(directory, `docker-credential-${name}`);
  await Deno.writeTextFile(path, `#!/bin/sh\n${body}\n`);
  await Deno.chmod(path, 0o755);
}
