/**
 * Finds files with credentials among the entries of a layer, because everyone who can pull the image could
 * read them (fault A17). Candidates are selected by name, so very few files are read.
 * @module
 */
import { looksLikeSecret, maybeSecretKind } from "../../secrets.ts";
import type { LayerEntry } from "../entry.ts";

/** Number of bytes searched in a file. */
const LOOKED_AT = 64 << 10;
/** Size limit of a key file of a Google service account, which has 2.4 KB. */
const MAX_ACCOUNT = 8 << 10;

/** A kind of file, by name, and how to recognize a secret in its text. */
interface FileKind {
  /** Pattern of the file's name; case is ignored. */
  readonly name: string;
  /** Pattern of its directory, if the name alone is ambiguous. */
  readonly below?: RegExp;
  /** @param published whether the file came with a tool: published values are not secrets. */
  readonly isSecret: (text: string, published: boolean) => boolean;
}

const has = (pattern: string): (text: string) => boolean => {
  const expression = new RegExp(pattern, "i");
  return (text) => expression.test(text);
};

/** Matches a setting with one of the keys: `KEY = VALUE` or `KEY: VALUE`. */
const setting = (keys: string): (text: string) => boolean => {
  const line = new RegExp(`^[ \\t]*["']?(?:${keys})["']?[ \\t]*[=:][ \\t]*["']?([^\\s"']+)`, "gim");
  return (text) => [...text.matchAll(line)].some(([, value = ""]) => isFilled(value));
};

const PRIVATE_KEY = "-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-\\d|AGE-SECRET-KEY-";
const isPrivateKey = has(PRIVATE_KEY);
const EXAMPLE = "example|sample|template|tmpl|tpl|dist|defaults?|schema|vault";

const KINDS: readonly FileKind[] = [
  // Not examples, nor files encrypted by dotenv-vault.
  { name: `\\.env(?:\\.(?!(?:.*\\.)?(?:${EXAMPLE})(?:\\.|$)).+)?`, isSecret: isSecretEnv },
  { name: "\\.npmrc", isSecret: (text) => text.split(/\r?\n/).some(isNpmSecret) },
  { name: "\\.yarnrc\\.yml", isSecret: setting("npmAuthToken|npmAuthIdent") },
  {
    name: "[._]netrc|\\.git-credentials|\\.pgpass|\\.vault-token|\\.htpasswd|\\.mylogin\\.cnf",
    isSecret: isNotEmpty,
  },
  { name: "\\.my\\.cnf", isSecret: setting("password") },
  { name: "id_(?:rsa|dsa|ecdsa|ed25519|ecdsa_sk|ed25519_sk)", isSecret: isNotEmpty },
  { name: "id_.*|identity|.*key", below: /(?:^|\/)\.ssh$/, isSecret: isPrivateKey },
  { name: ".*\\.(?:pem|key|p8|ppk|agekey)|keys?\\.txt|age\\.txt", isSecret: isPrivateKey },
  // Binary containers of keys, recognized by name only.
  { name: ".*\\.(?:p12|pfx|jks|kdbx)", isSecret: (text, published) => !published && text !== "" },
  { name: "\\.pypirc", isSecret: setting("password") },
  { name: "pip\\.(?:conf|ini)|uv\\.toml", isSecret: hasSecret },
  {
    name: "credentials(?:\\.toml)?",
    below: /(?:^|\/)\.cargo$/,
    isSecret: setting("token|secret-key"),
  },
  { name: "credentials", below: /(?:^|\/)\.gem$/, isSecret: setting(":[\\w-]+") },
  {
    name: "settings(?:-security)?\\.xml",
    below: /(?:^|\/)\.m2$/,
    isSecret: has("<(?:password|passphrase|master)>\\s*[^<$\\s]"),
  },
  { name: "gradle\\.properties", isSecret: setting("[\\w.-]*(?:password|token|secret)") },
  { name: "nuget\\.config", isSecret: has('"(?:ClearText)?Password"\\s+value="[^"%]') },
  { name: "auth\\.json", isSecret: isAuthFile },
  {
    name: "(?:hosts|config)\\.yml",
    below: /(?:^|\/)(?:gh|hub)$/,
    isSecret: setting("oauth_token"),
  },
  { name: "config\\.yml", below: /(?:^|\/)glab-cli$/, isSecret: setting("token") },
  {
    name: "credentials|config",
    below: /(?:^|\/)\.aws$/,
    isSecret: setting("aws_secret_access_key|aws_session_token"),
  },
  {
    name: "[0-9a-f]{40}\\.json",
    below: /(?:^|\/)\.aws\/(?:sso|cli)\/cache$/,
    isSecret: isNotEmpty,
  },
  {
    name: "(?:accessTokens|msal_token_cache|service_principal_entries)\\.(?:json|bin)",
    below: /(?:^|\/)\.azure$/,
    isSecret: isNotEmpty,
  },
  {
    name: "credentials\\.db|access_tokens\\.db|application_default_credentials\\.json",
    below: /(?:^|\/)gcloud$/,
    isSecret: isNotEmpty,
  },
  { name: "\\.boto|\\.s3cfg", isSecret: setting("[\\w-]*(?:secret|token)[\\w-]*") },
  { name: "rclone\\.conf", isSecret: setting("pass|token|secret_access_key|client_secret") },
  { name: "config", below: /(?:^|\/)\.kube$/, isSecret: isKubeconfig },
  { name: "(?:.*\\.)?kubeconfig(?:\\.ya?ml)?", isSecret: isKubeconfig },
  { name: "\\.terraformrc|terraform\\.rc", isSecret: setting("token") },
  { name: "credentials\\.tfrc\\.json", isSecret: has('"token"\\s*:\\s*"[^"]') },
  { name: "config", below: /(?:^|\/)\.git(?:\/modules\/.+)?$/, isSecret: isGitSecret },
  { name: "config\\.json", below: /(?:^|\/)\.docker$/, isSecret: isAuthFile },
  { name: "\\.dockercfg|\\.dockerconfigjson", isSecret: isAuthFile },
];

/** Matches any of the names, because almost every file has none of them. */
const ANY_NAME = new RegExp(`^(?:${KINDS.map(({ name }) => name).join("|")})$`, "i");

/** Extensions of nearly all files of tools, none of which is in the table. */
const SOURCES = new Set(
  "js mjs cjs ts mts cts map py pyc pyi h go rs rb md html css so".split(" "),
);

/** The kinds that match a path by name. */
function kindsOf(path: string): readonly FileKind[] {
  if (SOURCES.has(path.slice(path.lastIndexOf(".") + 1))) return [];
  const slash = path.lastIndexOf("/");
  const base = path.slice(slash + 1);
  if (!ANY_NAME.test(base)) return [];
  const directory = path.slice(0, Math.max(0, slash));
  return KINDS.filter(({ name, below }) =>
    new RegExp(`^(?:${name})$`, "i").test(base) && (below === undefined || below.test(directory))
  );
}

/** Key material of test suites, which is published together with the tool. */
const TEST_KEY = /\.(?:pem|key|p8|ppk)$|(?:^|\/)id_\w+$|(?:^|\/)\.(?:netrc|pgpass|htpasswd)$/;
const TEST_DIRECTORY = /(?:^|\/)(?:testdata|test|tests|testing|__tests__|fixtures?|spec)\//;
/** A key for a test in Go, published with its sources. */
const PUBLISHED_KEY = /\/src\/crypto\/x509\/platform_root_key\.pem$/;

function isTestKey(path: string): boolean {
  return TEST_KEY.test(path) && TEST_DIRECTORY.test(path) || PUBLISHED_KEY.test(path);
}

function isNotEmpty(text: string): boolean {
  return text.trim() !== "";
}

/** Whether a value is set, rather than a reference to a variable or a placeholder. */
function isFilled(value: string): boolean {
  return value !== "" && !/^(?:\$|%\w+%$|<|\{\{|\*+$|\.{3}$|null$|~$)/.test(value);
}

function hasSecret(text: string): boolean {
  return maybeSecretKind(text) !== undefined;
}

/** Whether a `.env` sets any value; for a published one, whether a value looks like a secret. */
function isSecretEnv(text: string, published: boolean): boolean {
  const lines = [...text.matchAll(/^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*[=:][ \t]*(.*)$/gm)];
  return lines.some(([, name = "", raw = ""]) => {
    const value = raw.trim().replace(/^(["'])(.*)\1$/, "$2");
    if (!isFilled(value)) return false;
    return !published || looksLikeSecret(name) || hasSecret(value);
  });
}

/**
 * Whether a line of `.npmrc` may be a secret: a credential setting that is not taken from the environment,
 * or a line that is not a setting.
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

/** Logins of docker, podman and Composer. */
function isAuthFile(text: string): boolean {
  return /"(?:auth|identitytoken|registrytoken|password)"\s*:\s*"[^"$]/.test(text) ||
    /"(?:bearer|github-oauth|gitlab-token|gitlab-oauth|bitbucket-oauth)"\s*:\s*\{[^}]*:\s*"[^"$]/
      .test(text);
}

function isKubeconfig(text: string): boolean {
  return setting("(?:token|password|client-key-data|id-token|refresh-token)")(text);
}

/** Whether the user part of a URL contains a secret: `user:password`, or a token. */
function hasPassword(userinfo: string): boolean {
  return /:./.test(userinfo) || userinfo.length >= 20;
}

/** Whether a URL or header in a Git config contains a password or token. */
function isGitSecret(text: string): boolean {
  const users = [...text.matchAll(/\w:\/\/([^/\s@"]+)@/g)].map(([, userinfo = ""]) => userinfo);
  return users.some(hasPassword) || /^\s*extraheader\s*=.*authorization/mi.test(text) ||
    hasSecret(text);
}

/** Usual names of service account keys. */
const ACCOUNT_NAME = /(?:service[-_]?account|credential|gcp|google|key)[^/]*$/i;

/** Whether a JSON file may be the key of a service account: small, and not part of a package. */
function mayBeAccount({ path, host, content }: LayerEntry, published: boolean): boolean {
  if (!path.endsWith(".json") || published && !ACCOUNT_NAME.test(path)) return false;
  const size = content?.length ?? host?.size ?? 0;
  return size > 200 && size <= MAX_ACCOUNT &&
    !path.includes("node_modules/");
}

function isAccount(text: string): boolean {
  return /"type"\s*:\s*"(?:service_account|authorized_user|external_account_authorized_user)"/.test(
    text,
  ) &&
    /"(?:private_key|refresh_token)"\s*:\s*"[^"]/.test(text);
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

/** The text of an entry's first bytes; empty if it cannot be read, which packing reports. */
function textOf({ host, content }: LayerEntry): string {
  if (content !== undefined) return new TextDecoder().decode(content);
  if (host === undefined) return "";
  try {
    return readStart(host.path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return "";
  }
}

/** Options of {@linkcode findSecrets}. */
export interface SecretsOptions {
  /** Whether the layer is a tool: published files, including the keys of its tests. */
  readonly published?: boolean;
  /** Whether every file is searched for any text that looks like a secret, as for dotfiles. */
  readonly texts?: boolean;
  /** Whether an image path is allowed to contain secrets. */
  readonly allowed?: (path: string) => boolean;
  /** Receives the text of each file that is read. */
  readonly onText?: (path: string, text: string) => void;
}

function isSecretFile(entry: LayerEntry, options: SecretsOptions): boolean {
  const { path } = entry;
  const { published = false, texts = false, onText } = options;
  const account = mayBeAccount(entry, published);
  const kinds = kindsOf(path);
  if (kinds.length === 0 && !account && !texts) return false;
  if (options.allowed?.(`/${path}`) === true || published && isTestKey(path)) return false;
  const text = textOf(entry);
  onText?.(`/${path}`, text);
  return texts && hasSecret(text) || account && isAccount(text) ||
    kinds.some(({ isSecret }) => isSecret(text, published));
}

/**
 * Finds the entries that contain credentials.
 *
 * @param entries The entries of a layer.
 * @returns image paths without leading slash.
 */
export function findSecrets(
  entries: readonly LayerEntry[],
  options: SecretsOptions = {},
): readonly string[] {
  return entries.filter((entry) => entry.type === "file" && isSecretFile(entry, options))
    .map(({ path }) => path);
}
