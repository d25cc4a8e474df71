/**
 * The credential files of `docker login` and `podman login` (containers-auth.json(5); docker's
 * config.json):
 * their paths, how to read them safely, and the entries for one repository.
 * @module
 */
import { isAbsolute, join } from "@std/path";
import { decodeBase64 } from "../../bytes.ts";
import { describeError, MiseOciError } from "../../errors.ts";
import { asObject, asString, type JsonObject, maybe, parseJson } from "../../oci/mod.ts";
import type { Credentials } from "../credentials_type.ts";

/** Maximum size of a file, in bytes; real ones have a few kilobytes. */
const MAX_AUTH_FILE_BYTES: number = 1024 * 1024;

/** Names under which Docker Hub appears in these files. */
const HUB_NAMES: readonly string[] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/** A parsed file. */
export interface AuthFile {
  /** Registry (or longer prefix) to the name of its credential helper. */
  readonly credHelpers: JsonObject;
  /** Registry (or longer prefix) to its stored credentials. */
  readonly auths: JsonObject;
  /** Name of the helper for all other registries. */
  readonly credsStore?: string;
}

/** A key of `auths` or `credHelpers` that applies to a repository, with its value. */
interface AuthFileEntry {
  /** The key as written in the file. */
  readonly key: string;
  /** Its value, not yet checked. */
  readonly value: unknown;
}

/**
 * Parses a file. @throws {MiseOciError} `invalid` if it is malformed; the message quotes none of its
 * content.
 */
export function parseAuthFile(bytes: Uint8Array, what: string): AuthFile {
  const object = asObject(parseJson(bytes, { what, maxBytes: MAX_AUTH_FILE_BYTES }), what);
  const credsStore = maybe(object["credsStore"], `credsStore of ${what}`, asString);
  return {
    credHelpers: maybe(object["credHelpers"], `credHelpers of ${what}`, asObject) ?? {},
    auths: maybe(object["auths"], `auths of ${what}`, asObject) ?? {},
    ...(credsStore === undefined || credsStore === "" ? {} : { credsStore }),
  };
}

/**
 * Normalises a name in these files for comparison: host in lower case, Docker Hub as `docker.io`, no
 * scheme.
 * A key with a scheme (`https://index.docker.io/v1/`) is in the old format and names a registry only.
 * `undefined` for a key that contains a user name or password.
 */
export function maybeNormalizeKey(key: string): string | undefined {
  if (key.includes("@")) return undefined;
  const bare = key.replace(/^https?:\/\//i, "");
  const path = bare === key ? bare.replace(/(?:\/v[12])?\/+$/, "") : bare.replace(/\/.*$/, "");
  const slash = path.indexOf("/");
  const host = (slash < 0 ? path : path.slice(0, slash)).toLowerCase();
  const rest = slash < 0 ? "" : path.slice(slash);
  return (HUB_NAMES.includes(host) ? "docker.io" : host) + rest;
}

/**
 * The entries that apply to a repository, longest prefix first; of two equivalent ones, the one without a
 * scheme.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { matchingEntries } from "./auth_file.ts";
 *
 * const map = { "quay.io": 1, "quay.io/team": 2, "quay.io/teamwork": 3 };
 * assertEquals(matchingEntries(map, "quay.io/team/app").map((entry) => entry.value), [2, 1]);
 * ```
 */
export function matchingEntries(
  map: JsonObject,
  registryAndRepository: string,
): readonly AuthFileEntry[] {
  const target = maybeNormalizeKey(registryAndRepository) ?? "";
  return Object.entries(map)
    .map(([key, value]) => ({ key, value, name: maybeNormalizeKey(key) ?? "" }))
    .filter(({ name }) => name !== "" && (target === name || target.startsWith(`${name}/`)))
    .sort((a, b) =>
      b.name.length - a.name.length || Number(/:\/\//.test(a.key)) - Number(/:\/\//.test(b.key))
    )
    .map(({ key, value }) => ({ key, value }));
}

/** Decodes base64 text as UTF-8, and keeps every byte: docker removes trailing NULs, which are data. */
function decodeText(text: string): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(decodeBase64(text));
}

function decodeBasic(auth: string, what: string): Credentials {
  let text: string;
  try {
    text = decodeText(auth);
  } catch {
    // The cause is dropped, because it could reveal part of the secret.
    throw new MiseOciError("invalid", `Cannot use ${what}: "auth" is not base64 of UTF-8 text`);
  }
  const colon = text.indexOf(":");
  if (colon < 0) {
    throw new MiseOciError("invalid", `Cannot use ${what}: "auth" is not USER:PASSWORD`);
  }
  return { kind: "basic", username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/**
 * The credentials in an entry of `auths`; `undefined` if it has none, for example because docker keeps them
 * in a `credsStore`.
 *
 * @throws {MiseOciError} `invalid` if the entry is malformed; the message quotes none of its content.
 */
export function maybeEntryCredentials(value: unknown, what: string): Credentials | undefined {
  const entry = asObject(value, what);
  const field = (name: string): string => maybe(entry[name], `${name} of ${what}`, asString) ?? "";
  const registryToken = field("registrytoken");
  if (registryToken !== "") return { kind: "registry-token", token: registryToken };
  const identityToken = field("identitytoken");
  if (identityToken !== "") return { kind: "identity", token: identityToken };
  const auth = field("auth");
  if (auth !== "") return decodeBasic(auth, what);
  const [username, password] = [field("username"), field("password")];
  return username === "" ? undefined : { kind: "basic", username, password };
}

/** Reads an environment variable; `undefined` if it is not set. */
export type ReadEnv = (name: string) => string | undefined;

/** A possible credential file. */
interface AuthFilePath {
  /** The file. */
  readonly path: string;
  /** True if the user named this file explicitly, so that a missing file causes a warning. */
  readonly explicit: boolean;
  /** True below `/run`: if this user may not read the directory, there is no warning. */
  readonly mayBeClosed?: boolean;
}

/** Input of {@linkcode authFilePaths}. */
export interface AuthFilePathsOptions {
  /** The environment. */
  readonly env: ReadEnv;
  /** The user's id, for podman's directory below `/run` when there is no `XDG_RUNTIME_DIR`. */
  readonly uid?: number;
}

/**
 * The credential files in order: `$REGISTRY_AUTH_FILE`, podman's runtime file, podman's persistent file,
 * docker's. An empty variable is treated as unset, and so is a relative path in an XDG variable (as its
 * specification requires).
 */
export function authFilePaths(options: AuthFilePathsOptions): readonly AuthFilePath[] {
  const value = (name: string): string | undefined => options.env(name) || undefined;
  const directory = (name: string): string | undefined => {
    const text = value(name);
    return text !== undefined && isAbsolute(text) ? text : undefined;
  };
  const home = value("HOME") ?? value("USERPROFILE");
  const paths: AuthFilePath[] = [];
  const add = (explicit: boolean, base: string | undefined, ...rest: string[]): void => {
    if (base !== undefined) paths.push({ path: join(base, ...rest), explicit });
  };
  add(true, value("REGISTRY_AUTH_FILE"));
  const run = options.uid === undefined ? undefined : `/run/containers/${options.uid}`;
  const runtime = directory("XDG_RUNTIME_DIR");
  if (runtime === undefined && run !== undefined) {
    paths.push({ path: join(run, "auth.json"), explicit: false, mayBeClosed: true });
  }
  add(false, runtime, "containers", "auth.json");
  const config = directory("XDG_CONFIG_HOME") ?? (home && join(home, ".config"));
  add(false, config, "containers", "auth.json");
  add(false, value("DOCKER_CONFIG") ?? (home && join(home, ".docker")), "config.json");
  return paths;
}

/**
 * Reads a credential file; `undefined` if it does not exist.
 *
 * @throws {MiseOciError} `io` if it exists but cannot be used, `permission` if this user may not read it.
 */
export type ReadAuthFile = (path: string) => Promise<Uint8Array | undefined>;

function refuse(path: string, why: string, code: "io" | "permission" = "io"): never {
  throw new MiseOciError(code, `Cannot read credentials from "${path}": ${why}`);
}

/** Reads a file from disk. FIFOs are not opened, because that would block, and huge files are not read. */
export async function readAuthFile(path: string): Promise<Uint8Array | undefined> {
  try {
    const info = await Deno.stat(path);
    if (!info.isFile) refuse(path, info.isDirectory ? "it is a directory" : "not a regular file");
    if (info.size > MAX_AUTH_FILE_BYTES) {
      refuse(path, `it is longer than ${MAX_AUTH_FILE_BYTES} bytes`);
    }
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    if (error instanceof MiseOciError) throw error;
    if (error instanceof Deno.errors.NotCapable) {
      refuse(path, `Deno may not read it, add --allow-read="${path}"`);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      refuse(path, "permission denied", "permission");
    }
    return refuse(path, describeError(error));
  }
}
