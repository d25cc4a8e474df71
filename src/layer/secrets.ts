/**
 * Finds files that hold credentials among what goes into a layer: everyone who can pull the image could
 * read them (fault A17). Names decide which files are looked at, so almost none is read for it.
 * @module
 */
import type { LayerEntry } from "./entry.ts";

/** Bytes of a file that are looked at. */
const LOOKED_AT = 64 << 10;

/** What a file may be, by the end of its path, and how its text tells whether it is. */
const KINDS: readonly { readonly name: RegExp; readonly isSecret: (text: string) => boolean }[] = [
  { name: /(?:^|\/)\.npmrc$/, isSecret: (text) => text.split(/\r?\n/).some(isNpmSecret) },
  { name: /(?:^|\/)[._]netrc$/, isSecret: isNotEmpty },
  { name: /(?:^|\/)\.git-credentials$/, isSecret: isNotEmpty },
  { name: /(?:^|\/)\.pgpass$/, isSecret: isNotEmpty },
  { name: /(?:^|\/)id_(?:rsa|dsa|ecdsa|ed25519|ecdsa_sk|ed25519_sk)$/, isSecret: isNotEmpty },
  { name: /\.(?:pem|key|p8)$/, isSecret: (text) => /-----BEGIN [A-Z ]*PRIVATE KEY/.test(text) },
  { name: /(?:^|\/)\.pypirc$/, isSecret: (text) => /^\s*password\s*[=:]\s*\S/m.test(text) },
  { name: /(?:^|\/)\.aws\/credentials$/, isSecret: isNotEmpty },
  { name: /(?:^|\/)\.git\/config$/, isSecret: isGitSecret },
  {
    name: /(?:^|\/)(?:\.docker\/config|\.dockercfg|containers\/auth)(?:\.json)?$/,
    isSecret: (text) => /"(?:auth|identitytoken|registrytoken|password)"\s*:\s*"[^"]/.test(text),
  },
];

/** Any of those names: almost every path has none, and is then looked at once. */
const ANY_NAME = new RegExp(KINDS.map(({ name }) => name.source).join("|"));

function isNotEmpty(text: string): boolean {
  return text.trim() !== "";
}

/**
 * Whether a line of `.npmrc` may be a secret: a setting that holds one and does not take it from the
 * environment, or something that is no setting at all.
 */
function isNpmSecret(line: string): boolean {
  const text = line.trim();
  if (text === "" || /^[#;[]/.test(text)) return false;
  const match = /^([^=\s]+)(?:\s*=\s*(.*))?$/.exec(text);
  if (match === null) return true;
  const [, key = "", value = ""] = match;
  if (!/(?:^|:)(?:_auth|_authToken|_password|key)$/i.test(key)) return false;
  return value !== "" && !/^["']?\$\{[^}]+\}["']?$/.test(value);
}

/** Whether the user part of a URL is more than a user: `user:password`, or a token in its place. */
function hasPassword(userinfo: string): boolean {
  return /:./.test(userinfo) || userinfo.length >= 20;
}

/** Whether a URL of a Git config has a password or token, or a header does. */
function isGitSecret(text: string): boolean {
  const users = [...text.matchAll(/\w:\/\/([^/\s@"]+)@/g)].map(([, userinfo = ""]) => userinfo);
  return users.some(hasPassword) || /^\s*extraheader\s*=.*authorization/mi.test(text);
}

function readStart(path: string): string {
  using file = Deno.openSync(path);
  const bytes = new Uint8Array(LOOKED_AT);
  let length = 0;
  for (;;) {
    const count = file.readSync(bytes.subarray(length));
    if (count === null || count === 0) break;
    length += count;
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}

/**
 * Image paths, without leading slash, of the entries that hold credentials.
 *
 * @param entries What goes into a layer. A file that cannot be read any more is passed over: packing says
 * so.
 */
export function findSecrets(entries: readonly LayerEntry[]): readonly string[] {
  const named = entries.filter(({ type, path }) => type === "file" && ANY_NAME.test(path));
  return named.flatMap(({ path, host, content }) => {
    const kinds = KINDS.filter(({ name }) => name.test(path));
    let text: string;
    try {
      text = content !== undefined
        ? new TextDecoder().decode(content)
        : host === undefined
        ? ""
        : readStart(host.path);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      return [];
    }
    return kinds.some(({ isSecret }) => isSecret(text)) ? [path] : [];
  });
}
