/**
 * Finds the credentials of a registry in the files and helpers of docker, podman and skopeo.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { Credentials } from "../credentials_type.ts";
import {
  type AuthFile,
  authFilePaths,
  matchingEntries,
  maybeEntryCredentials,
  maybeNormalizeKey,
  parseAuthFile,
  type ReadAuthFile,
  readAuthFile,
  type ReadEnv,
} from "./auth_file.ts";
import { helperProgram, helperRunner, maybeHelperCredentials, type RunHelper } from "./helper.ts";

/** Dependencies of {@linkcode findCredentials}; the defaults are the real ones. */
export interface FindCredentialsOptions {
  /** The environment. Default: the program's own. */
  readonly env?: ReadEnv;
  /** Reads a credential file. Default: from disk. */
  readonly readFile?: ReadAuthFile;
  /** Runs a credential helper. Default: the program found on PATH, for at most 30 s. */
  readonly run?: RunHelper;
  /** The user's id. Default: from Deno, if permitted (`--allow-sys=uid`). */
  readonly uid?: number;
  /** Called with problems that the user should fix, one sentence each, without secrets. */
  readonly warn?: (text: string) => void;
  /** Called with the source of credentials and with skipped entries, without secrets. */
  readonly detail?: (text: string) => void;
  /** Stops the search. */
  readonly signal?: AbortSignal;
}

interface Search {
  readonly target: string;
  readonly run: RunHelper;
  readonly warn: (text: string) => void;
  readonly detail: (text: string) => void;
}

/** `HOST[/REPOSITORY]`, which neither a line-based helper nor a path can misread (A10). */
const TARGET = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?(?:\/[a-z0-9._/-]*)?$/;

function maybeUid(): number | undefined {
  const permission = Deno.permissions.querySync({ name: "sys", kind: "uid" });
  return permission.state === "granted" ? Deno.uid() ?? undefined : undefined;
}

/** The message of an error that a user can cause; its cause is omitted, because it may quote the file. */
function messageOf(error: unknown): string {
  if (error instanceof MiseOciError) return error.message;
  throw error;
}

/** The names under which a helper may store the registry: docker's for Docker Hub, then podman's. */
function helperServers(key: string): readonly string[] {
  const name = maybeNormalizeKey(key) ?? "";
  return name === "docker.io" ? ["https://index.docker.io/v1/", "docker.io"] : [name];
}

async function maybeAskHelper(
  search: Search,
  helper: { readonly name: unknown; readonly key: string; readonly file: string },
): Promise<Credentials | undefined> {
  let program: string;
  try {
    program = helperProgram(helper.name, helper.file);
  } catch (error) {
    search.warn(messageOf(error));
    return undefined;
  }
  for (const server of helperServers(helper.key)) {
    const result = await search.run(program, server);
    if (result.kind === "unusable") {
      const tell = result.denied ? search.warn : search.detail;
      tell(`Credential helper "${program}" ${result.why}`);
      return undefined;
    }
    if (result.code !== 0) {
      search.detail(`Credential helper "${program}" has nothing for "${server}"`);
      continue;
    }
    try {
      const found = maybeHelperCredentials(
        result.stdout,
        `answer of credential helper "${program}"`,
      );
      if (found === undefined) {
        search.detail(`Credential helper "${program}" gave an empty answer for "${server}"`);
        continue;
      }
      search.detail(`Credentials for "${server}" from helper "${program}"`);
      return found;
    } catch (error) {
      search.detail(messageOf(error));
    }
  }
  return undefined;
}

async function maybeFindInFile(
  search: Search,
  file: AuthFile,
  what: string,
): Promise<Credentials | undefined> {
  for (const { key, value } of matchingEntries(file.credHelpers, search.target)) {
    if (value === "") continue;
    const found = await maybeAskHelper(search, { name: value, key, file: what });
    if (found !== undefined) return found;
  }
  for (const { key, value } of matchingEntries(file.auths, search.target)) {
    try {
      const found = maybeEntryCredentials(value, `entry "${key}" of ${what}`);
      if (found === undefined) continue;
      search.detail(`Credentials for "${search.target}" from entry "${key}" of ${what}`);
      return found;
    } catch (error) {
      search.warn(messageOf(error));
    }
  }
  if (file.credsStore === undefined) return undefined;
  const host = search.target.split("/", 1)[0] ?? "";
  return await maybeAskHelper(search, { name: file.credsStore, key: host, file: what });
}

/**
 * Finds the credentials of a repository: `docker.io/library/debian`, or a registry alone.
 *
 * The files of {@linkcode authFilePaths} in order; in a file `credHelpers`, then `auths` by longest prefix,
 * then `credsStore`. Malformed or unusable entries are skipped and reported to `warn` or `detail`.
 * `undefined` means that nothing is stored, and the request is sent anonymously.
 *
 * @throws {MiseOciError} `invalid` if the name could be misread by a helper; the reason of `signal`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { findCredentials } from "./find_credentials.ts";
 *
 * const file = JSON.stringify({ auths: { "quay.io/team": { auth: btoa("me:secret") } } });
 * const found = await findCredentials("quay.io/team/app", {
 *   env: (name) => name === "REGISTRY_AUTH_FILE" ? "/auth.json" : undefined,
 *   readFile: (path) =>
 *     Promise.resolve(path === "/auth.json" ? new TextEncoder().encode(file) : undefined),
 * });
 * assertEquals(found, { kind: "basic", username: "me", password: "secret" });
 * ```
 */
export async function findCredentials(
  registryAndRepository: string,
  options: FindCredentialsOptions = {},
): Promise<Credentials | undefined> {
  const { signal, readFile = readAuthFile, warn = () => {}, detail = () => {} } = options;
  const env = options.env ?? ((name: string) => Deno.env.get(name));
  const run = options.run ?? helperRunner({ env, ...(signal === undefined ? {} : { signal }) });
  if (!TARGET.test(registryAndRepository)) {
    throw new MiseOciError(
      "invalid",
      `Cannot look up credentials of ${JSON.stringify(registryAndRepository.slice(0, 80))}: ` +
        "not a registry and repository",
    );
  }
  const search: Search = { target: registryAndRepository, run, warn, detail };
  const uid = options.uid ?? maybeUid();
  for (
    const { path, explicit, mayBeClosed } of authFilePaths({
      env,
      ...(uid === undefined ? {} : { uid }),
    })
  ) {
    signal?.throwIfAborted();
    const what = `"${path}"`;
    let file: AuthFile;
    try {
      const bytes = await readFile(path);
      if (bytes === undefined) {
        if (explicit) warn(`No credentials in ${what}: there is no such file`);
        continue;
      }
      file = parseAuthFile(bytes, what);
    } catch (error) {
      const isClosed = mayBeClosed && error instanceof MiseOciError && error.code === "permission";
      (isClosed ? detail : warn)(messageOf(error));
      continue;
    }
    const found = await maybeFindInFile(search, file, what);
    signal?.throwIfAborted();
    if (found !== undefined) return found;
  }
  return undefined;
}
