/**
 * What a secret looks like: names of variables, texts, and the values of variables that were declared
 * secret. Pure data and pure functions, used for variables, labels, commands, dotfiles and files alike
 * (spec section 8, faults A16 and A17).
 * @module
 */
import { secretForms } from "./masking.ts";

const SECRET_NAME = new RegExp(
  "(?:^|_)(?:TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|API_?KEY|PRIVATE_?KEY|" +
    "ACCESS_?KEY|SECRET_?KEY|ENCRYPTION_?KEY|SIGNING_?KEY|CREDENTIAL|CREDENTIALS|AUTH|DSN)" +
    "(?:_(?:ID|FILE|PATH))?$",
  "i",
);

/** Whether a variable's name is one that usually holds a secret. `AWS_SECRET_ACCESS_KEY`, `GH_TOKEN`. */
export function looksLikeSecret(name: string): boolean {
  if (/^(?:PWD|OLDPWD)$/.test(name) || /_(?:FILE|PATH|ID)$/i.test(name)) return false;
  return SECRET_NAME.test(name) || /(?:^|_)SECRET(?:_|$)/i.test(name);
}

/** One kind of text that is a secret whatever it is called. */
interface SecretKind {
  /** What the text has, with its article. */
  readonly kind: string;
  /** Finds it; group 1 is the part that must not be a placeholder, the whole match without a group. */
  readonly pattern: RegExp;
}

/** A token stands alone: nothing of a word before it. */
const token = (kind: string, body: string, flags = ""): SecretKind => ({
  kind,
  pattern: new RegExp(`(?<![A-Za-z0-9])(?:${body})`, `g${flags}`),
});

/**
 * Published prefixes and forms. Lengths are lower than those of today's tokens, because services change
 * them; each pattern has enough of a prefix or a form that ordinary values do not match.
 */
const KINDS: readonly SecretKind[] = [
  {
    kind: "a URL with a password",
    pattern:
      /(?<=[a-z0-9+.-]):\/\/[^\s/?#"'<>:@[]{0,200}:((?!\d{1,5}[/?#])[^\s"'@]{1,500})@(?!sha\d+:)(?=[^\s])/gi,
  },
  {
    // A token in the place of a user: long, with letters and digits.
    kind: "a URL with a token",
    pattern: /\bhttps?:\/\/((?=[\w-]{0,200}\d)(?=[\w-]{0,200}[A-Za-z])[\w-]{20,500})@/gi,
  },
  {
    kind: "a connection string with a password",
    pattern: /(?:^|[?&;\s-])(?:password|passwd|pwd|sharedaccesskey)=["']?([^\s;&"']+)/gi,
  },
  {
    kind: "a private key",
    pattern: /-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g,
  },
  { kind: "a private key", pattern: /PuTTY-User-Key-File-\d/g },
  token("an age secret key", "AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{20,}", "i"),
  token("a JSON Web Token", "eyJ[\\w-]{8,}\\.eyJ[\\w-]{8,}\\.[\\w-]{8,}"),
  {
    kind: "an authorization header",
    pattern: /\bauthorization["']?\s*[:=]\s*["']?(?:basic|bearer|token)\s+([\w+/=.~-]{8,})/gi,
  },
  { kind: "a registry login", pattern: /"(?:auth|identitytoken)"\s*:\s*"([A-Za-z0-9+/=]{8,})"/g },
  token("a GitHub token", "gh[oprsu]_[A-Za-z0-9]{16,}|github_pat_\\w{20,}"),
  token("a GitLab token", "gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[\\w-]{16,}"),
  token("a Slack token", "xox[abeoprs](?:\\.xox[a-z])?-[\\w-]{10,}|xapp-\\d-[\\w-]{10,}"),
  { kind: "a Slack webhook", pattern: /hooks\.slack\.com\/(?:services|workflows)\/\w+\/\w+\/\w+/g },
  { kind: "a Discord webhook", pattern: /discord(?:app)?\.com\/api\/webhooks\/\d+\/[\w-]{20,}/g },
  token("a Stripe key", "(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,}"),
  token("an AWS access key", "(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
  token("a Google key", "AIza[\\w-]{30,}|ya29\\.[\\w-]{20,}|GOCSPX-[\\w-]{20,}"),
  token("an npm token", "npm_[A-Za-z0-9]{20,}"),
  token(
    "a PyPI token",
    "pypi-Ag[\\w-]{16,}|pypi-(?=[\\w-]{0,200}\\d)(?=[\\w-]{0,200}[A-Z])[\\w-]{30,}",
  ),
  token(
    "an OpenAI or Anthropic key",
    "sk-(?:[a-z0-9]{1,20}-){0,3}(?=[A-Za-z_]{0,200}\\d)(?=[\\d_]{0,200}[A-Za-z])[A-Za-z0-9_]{16,}",
  ),
  token("a SendGrid key", "SG\\.[\\w-]{16,}\\.[\\w-]{16,}"),
  token("a Twilio key", "SK[0-9a-f]{32}(?![A-Za-z0-9])"),
  token("a DigitalOcean token", "do[opr]_v1_[0-9a-f]{32,}"),
  token("a Hugging Face token", "hf_[A-Za-z0-9]{20,}"),
  { kind: "an Azure storage key", pattern: /\bAccountKey=([A-Za-z0-9+/=]{40,})/gi },
  { kind: "an Azure signature", pattern: /[?&]sig=([A-Za-z0-9%+/=]{40,})/g },
  token("a Docker token", "dckr_(?:pat|oat)_[\\w-]{16,}"),
  token("a Vault token", "hv[brs]\\.[\\w-]{20,}"),
  token("a RubyGems key", "rubygems_[0-9a-f]{32,}"),
  token("a crates.io token", "cio[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
  { kind: "a Terraform token", pattern: /(?<=[A-Za-z0-9]{14})\.atlasv1\.[\w=-]{30,}/g },
  token("a Shopify token", "shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
  token("a Databricks token", "dapi[0-9a-f]{32}"),
  token("a Grafana token", "gl(?:sa|c)_[A-Za-z0-9+/=_]{20,}"),
  token("a Linear key", "lin_api_[A-Za-z0-9]{20,}"),
  token("a Pulumi token", "pul-[0-9a-f]{40}"),
  token("a Sentry token", "sntry[su]_[\\w+/=-]{30,}"),
  token("a Supabase token", "sbp_[0-9a-f]{40}"),
  token("a Tailscale key", "tskey-(?:auth|api|client|scim|webhook)-[\\w-]{16,}"),
  token("an Atlassian token", "AT(?:ATT3|CTT3|BB)[\\w=-]{20,}"),
  token("a Telegram token", "\\d{8,10}:AA[\\w-]{32,}"),
  token("a Mailgun key", "key-[0-9a-f]{32}(?![0-9a-f])"),
  token("a PlanetScale token", "pscale_(?:tkn|pw|oauth)_[\\w.=-]{30,}"),
  token("a Groq key", "gsk_[A-Za-z0-9]{40,}"),
  token("a Replicate token", "r8_[A-Za-z0-9]{37}"),
];

/** What examples have where a secret would stand. */
const PLACEHOLDER =
  /^(?:<[^>]*>|\$\{?\w.*|\$\(.*|\{\{.*|\{\w*\}|%\w+%|%[sdv]|\[[^\]]*\]|\*+|\.{3}|…|x{3,}|redacted|your[-_].*)$/i;

/** Whether a part of an example stands where a secret would: `<password>`, `${PASSWORD}`, `xxxx`. */
function isPlaceholder(text: string): boolean {
  // "ghp_xxxxxxxxxxxx": after its prefix a token has more than two characters.
  return PLACEHOLDER.test(text) || new Set(text.slice(-10)).size <= (text.length >= 10 ? 2 : 0);
}

/** Text of Base64, as keys and files are packed into a variable; `undefined` for any other. */
function maybeUnpacked(text: string): string | undefined {
  const packed = text.trim();
  if (packed.length < 40 || !/^[A-Za-z0-9+/\s]+={0,2}$/.test(packed)) return undefined;
  try {
    return atob(packed.replace(/\s/g, ""));
  } catch {
    return undefined;
  }
}

/**
 * What kind of secret a text has, with its article; `undefined` if it has none that is known.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { maybeSecretKind } from "./secrets.ts";
 *
 * assertEquals(maybeSecretKind("postgres://app:pw@db/app"), "a URL with a password");
 * assertEquals(maybeSecretKind("postgres://app:${PASSWORD}@db/app"), undefined);
 * ```
 */
export function maybeSecretKind(text: string): string | undefined {
  for (const { kind, pattern } of KINDS) {
    for (const [match, part] of text.matchAll(pattern)) {
      if (!isPlaceholder(part ?? match)) return kind;
    }
  }
  const unpacked = maybeUnpacked(text);
  return unpacked === undefined || !/PRIVATE KEY-----|"auths"\s*:/.test(unpacked)
    ? undefined
    : "a private key or login in Base64";
}

/** A value that was declared secret, or that is not to be in the image. */
export interface DeclaredSecret {
  /** Variable that holds it. */
  readonly name: string;
  /** The value; never printed. */
  readonly value: string;
}

/** Values that anyone would guess, and that other values hold by chance. */
const TRIVIAL = new Set(
  ("true false yes no on off none null nil undefined default auto enabled disabled test testing tests " +
    "dev devel develop development debug info warn warning error trace release prod production stage " +
    "staging local localhost main master latest root admin administrator user username guest public " +
    "private app apps server client http https password passwd secret changeme example postgres " +
    "postgresql mysql mariadb redis mongo mongodb rabbitmq docker node python ruby java linux")
    .split(" "),
);

/**
 * Whether other texts that hold a value hold it by chance: fewer than 4 characters, a number of fewer
 * than 6 digits, or a word that anyone would guess (`true`, `production`, `postgres`).
 */
export function isTrivial(value: string): boolean {
  const text = value.trim();
  return text.length < 4 || /^[\d.:,-]{1,5}$/.test(text) || TRIVIAL.has(text.toLowerCase());
}

/**
 * Whether a value is a setting that many variables share: a path, a locale, a version, a URL without a
 * password. Where a variable is left out and neither declared secret nor called like one, such a value
 * says nothing.
 */
export function isOrdinary(value: string): boolean {
  if (maybeSecretKind(value) !== undefined) return false;
  return /^(?:~|\.{1,2})?\/|^[A-Za-z]:\\|^[a-z][a-z0-9+.-]*:\/\//.test(value) ||
    /^[a-z]{2,3}_[A-Z]{2}(?:\.[\w-]+)?$|^C(?:\.[\w-]+)?$/.test(value) ||
    /^v?\d+(?:\.\d+)*$|^\d+$/.test(value) || /^[a-z]{1,7}$/i.test(value);
}

/** The first declared secret whose value a text holds, plain, percent-encoded or as Base64. */
export function secretFinder(
  secrets: readonly DeclaredSecret[],
): (text: string) => DeclaredSecret | undefined {
  const known = secrets.filter(({ value }) => !isTrivial(value)).map((secret) => ({
    secret,
    forms: secretForms(secret.value.trim()),
  }));
  return (text) => known.find(({ forms }) => forms.some((form) => text.includes(form)))?.secret;
}
