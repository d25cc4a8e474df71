/**
 * The files that `docker login` and `podman login` write (containers-auth.json(5); docker's config.json):
 * parses them, and finds the entries for one repository. No I/O.
 * @module
 */
import { decodeBase64 } from "../../bytes.ts";
import { MiseOciError } from "../../errors.ts";
import { asObject, asString, type JsonObject, maybe, parseJson } from "../../oci/mod.ts";
import type { Credentials } from "../credentials_type.ts";

/** The longest file that is read, in bytes; a real one has a few kilobytes. */
export const MAX_AUTH_FILE_BYTES: number = 1024 * 1024;

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
export interface AuthFileEntry {
  /** The key as written in the file. */
  readonly key: string;
  /** Its value, not yet checked. */
  readonly value: unknown;
}

/** Parses a file. @throws {MiseOciError} `invalid` if it is malformed; the message quotes nothing from it. */
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
 * Normalises a name in these files for comparison: host in lower case, Docker Hub as `docker.io`, no scheme.
 * A key with a scheme (`https://index.docker.io/v1/`) is an old one that names a registry only. `undefined`
 * for a key that carries a user name or password.
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
    // The cause is dropped on purpose: nothing of the secret may reach a message.
    throw new MiseOciError("invalid", `Cannot use ${what}: "auth" is not base64 of UTF-8 text`);
  }
  const colon = text.indexOf(":");
  if (colon < 0) {
    throw new MiseOciError("invalid", `Cannot use ${what}: "auth" is not USER:PASSWORD`);
  }
  return { kind: "basic", username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/**
 * The credentials in an entry of `auths`; `undefined` if there are none in it, as when docker keeps them
 * in a `credsStore`.
 *
 * @throws {MiseOciError} `invalid` if the entry is malformed; the message quotes nothing of it.
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
