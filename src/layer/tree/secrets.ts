/**
 * Finds files that hold credentials among what goes into a layer: everyone who can pull the image could
 * read them (fault A17). Names decide which files are looked at, so almost none is read for it.
 * @module
 */
import { looksLikeSecret, maybeSecretKind } from "../../secrets.ts";
import type { LayerEntry } from "../entry.ts";

/** Bytes of a file that are looked at. */
const LOOKED_AT = 64 << 10;
/** A key file of a Google service account has 2.4 KB; larger JSON is something else. */
const MAX_ACCOUNT = 8 << 10;

/** A kind of file, by its name, and how its text tells whether it holds a secret. */
interface FileKind {
  /** The file's name, in any case. */
  readonly name: string;
  /** The end of its directory's path, where the name alone says too little. */
  readonly below?: RegExp;
  /** @param published whether the file came with a tool: what is published is no secret. */
  readonly isSecret: (text: string, published: boolean) => boolean;
}

const has = (pattern: string): (text: string) => boolean => {
  const expression = new RegExp(pattern, "i");
  return (text) => expression.test(text);
};

/** A setting of a line, `KEY = VALUE` or `KEY: VALUE`, whose key the pattern is. */
const setting = (keys: string): (text: string) => boolean => {
  const line = new RegExp(`^[ \\t]*["']?(?:${keys})["']?[ \\t]*[=:][ \\t]*["']?([^\\s"']+)`, "gim");
  return (text) => [...text.matchAll(line)].some(([, value = ""]) => isFilled(value));
};

const PRIVATE_KEY = "-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-\\d|AGE-SECRET-KEY-";
const isPrivateKey = has(PRIVATE_KEY);
const EXAMPLE = "example|sample|template|tmpl|tpl|dist|defaults?|schema|vault";

const KINDS: readonly FileKind[] = [
  // Not examples, nor what dotenv-vault encrypts.
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
  // Containers of keys: nothing in their text tells.
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

/** Any of those names: almost every file has none, and is then looked at once. */
const ANY_NAME = new RegExp(`^(?:${KINDS.map(({ name }) => name).join("|")})$`, "i");

/** Endings of nearly all files of tools, none of which is in the table. */
const SOURCES = new Set(
  "js mjs cjs ts mts cts map py pyc pyi h go rs rb md html css so".split(" "),
);

/** The kinds whose names a path has. */
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

/** Key material of test suites, which is published with the tools that it tests. */
const TEST_KEY = /\.(?:pem|key|p8|ppk)$|(?:^|\/)id_\w+$|(?:^|\/)\.(?:netrc|pgpass|htpasswd)$/;
const TEST_DIRECTORY = /(?:^|\/)(?:testdata|test|tests|testing|__tests__|fixtures?|spec)\//;
/** Go's own key for a test of macOS, the one that stands beside its tests. */
const PUBLISHED_KEY = /\/src\/crypto\/x509\/platform_root_key\.pem$/;

function isTestKey(path: string): boolean {
  return TEST_KEY.test(path) && TEST_DIRECTORY.test(path) || PUBLISHED_KEY.test(path);
}

function isNotEmpty(text: string): boolean {
  return text.trim() !== "";
}

/** Whether a value is one, and not a reference to a variable or a gap of an example. */
function isFilled(value: string): boolean {
  return value !== "" && !/^(?:\$|%\w+%$|<|\{\{|\*+$|\.{3}$|null$|~$)/.test(value);
}

function hasSecret(text: string): boolean {
  return maybeSecretKind(text) !== undefined;
}

/** Whether a `.env` sets anything; one that came with a tool, whether it sets what looks like a secret. */
function isSecretEnv(text: string, published: boolean): boolean {
  const lines = [...text.matchAll(/^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*[=:][ \t]*(.*)$/gm)];
  return lines.some(([, name = "", raw = ""]) => {
    const value = raw.trim().replace(/^(["'])(.*)\1$/, "$2");
    if (!isFilled(value)) return false;
    return !published || looksLikeSecret(name) || hasSecret(value);
  });
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

/** The logins of docker, podman and Composer. */
function isAuthFile(text: string): boolean {
  return /"(?:auth|identitytoken|registrytoken|password)"\s*:\s*"[^"$]/.test(text) ||
    /"(?:bearer|github-oauth|gitlab-token|gitlab-oauth|bitbucket-oauth)"\s*:\s*\{[^}]*:\s*"[^"$]/
      .test(text);
}

function isKubeconfig(text: string): boolean {
  return setting("(?:token|password|client-key-data|id-token|refresh-token)")(text);
}

/** Whether the user part of a URL is more than a user: `user:password`, or a token in its place. */
function hasPassword(userinfo: string): boolean {
  return /:./.test(userinfo) || userinfo.length >= 20;
}

/** Whether a URL of a Git config has a password or token, or a header does. */
function isGitSecret(text: string): boolean {
  const users = [...text.matchAll(/\w:\/\/([^/\s@"]+)@/g)].map(([, userinfo = ""]) => userinfo);
  return users.some(hasPassword) || /^\s*extraheader\s*=.*authorization/mi.test(text) ||
    hasSecret(text);
}

/** How people call the key of a service account. */
const ACCOUNT_NAME = /(?:service[-_]?account|credential|gcp|google|key)[^/]*$/i;

/** Whether a JSON file may be the key of a service account: small, and no package's own. */
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

/** The text of an entry's first bytes; none of a file that cannot be read any more: packing says so. */
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

/** What a layer is looked through for. */
export interface SecretsOptions {
  /** Whether the layer is a tool: published files, among them the keys of its tests. */
  readonly published?: boolean;
  /** Whether every file is looked at, and for any text that looks like a secret: dotfiles. */
  readonly texts?: boolean;
  /** Whether an image path may hold what it likes. */
  readonly allowed?: (path: string) => boolean;
  /** Takes the text of each file that is read anyway. */
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
 * Image paths, without leading slash, of the entries that hold credentials.
 *
 * @param entries What goes into a layer.
 */
export function findSecrets(
  entries: readonly LayerEntry[],
  options: SecretsOptions = {},
): readonly string[] {
  return entries.filter((entry) => entry.type === "file" && isSecretFile(entry, options))
    .map(({ path }) => path);
}
