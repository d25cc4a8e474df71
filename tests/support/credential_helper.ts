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

/**
 * Makes a helper `docker-credential-NAME` that keeps what it is given in a file of a new directory, as
 * `docker login` and a real key store would.
 */
export async function writeKeyStore(directory: string, name: string): Promise<void> {
  await Deno.mkdir(directory);
  const file = `"${join(directory, "key-store.json")}"`;
  await writeHelper(
    directory,
    name,
    `case "$1" in
store) cat >${file} ;;
get) cat >/dev/null; cat ${file} ;;
list) echo '{}' ;;
esac`,
  );
}
