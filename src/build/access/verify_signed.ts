/**
 * Signatures of bases and layer stores (`[_.oci] verify`), verified before anything else is used.
 * @module
 */
import {
  findSignatures,
  isApproved,
  type Verification,
  type VerifyingKey,
} from "../../attest/mod.ts";
import type { WorkflowContext } from "../../context.ts";
import { MiseOciError } from "../../errors.ts";
import {
  type Digest,
  formatReference,
  type Reference,
  referenceTarget,
  sha256Hex,
} from "../../oci/mod.ts";
import type { VerifyRule } from "../../plan/project.ts";
import { fetchManifest, type RegistryClient } from "../../registry/mod.ts";
import type { Cache } from "../../store/mod.ts";
import { loadVerifyingKey } from "./key_files.ts";

/** Number of signatures named in a message. */
const SHOWN = 3;

/** @throws {MiseOciError} `trust` with the reasons if the image has no valid signature by the key. */
export function requireApproval(name: string, key: string, found: Verification): void {
  if (isApproved(found)) return;
  const { skipped, verified } = found;
  const shown = skipped.slice(0, SHOWN).join("; ");
  const more = skipped.length > SHOWN ? `; and ${skipped.length - SHOWN} more` : "";
  const why = skipped.length > 0
    ? `no signature is valid: ${shown}${more}`
    : verified.length > 0
    ? "the key signed statements about it, and not the image itself"
    : "it has no signature";
  throw new MiseOciError("trust", `Cannot trust image ${JSON.stringify(name)}: ${why}`, {
    hint: `Do not use it, or have it signed with the key that belongs to ${JSON.stringify(key)}`,
  });
}

/** Matches a repository: `*` stands for any text without a slash, `**` for any text. */
function matches(pattern: string, name: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll("**", "\0").replaceAll("*", "[^/]*").replaceAll("\0", ".*");
  return new RegExp(`^${source}$`).test(name);
}

/** Normalises the host of a name or pattern, so that no other spelling of it bypasses a rule. */
function withPlainHost(name: string): string {
  const [host = "", ...rest] = name.split("/");
  if (rest.length === 0 || !/[.:]|^localhost$/i.test(host)) return name;
  const plain = host.toLowerCase().replace(/:443$/, "")
    .replace(/^(?:index|registry-1)\.docker\.io$/, "docker.io");
  return [plain, ...rest].join("/");
}

/** The rules that an image must satisfy: all whose pattern matches one of its names. */
export function rulesFor(
  reference: Reference,
  rules: readonly VerifyRule[],
): readonly VerifyRule[] {
  const { registry, repository } = reference;
  const full = withPlainHost(formatReference({ registry, repository }));
  const names = [
    full,
    full.replace(/^docker\.io\/library\//, "docker.io/"),
    full.replace(/^docker\.io\//, ""),
    full.replace(/^docker\.io\/library\//, ""),
  ];
  return rules.filter(({ from }) => names.some((name) => matches(withPlainHost(from), name)));
}

/** Options for verification. */
export interface VerifyingOptions {
  /** All rules. */
  readonly rules: readonly VerifyRule[];
  /** Records what was verified, so that it is not verified again. */
  readonly cache: Cache;
}

const VERIFIED = "verified-bases";

async function recordKey(name: string, digest: Digest, key: VerifyingKey): Promise<string> {
  return await sha256Hex(JSON.stringify([name, digest, key.fingerprint]));
}

/** Checks that an image of a repository is signed by every required key. */
export type SignatureCheck = (
  client: RegistryClient,
  image: { readonly name: string; readonly digest: Digest },
) => Promise<void>;

/**
 * The check for a repository's images, which throws `trust` for an unsigned one; `undefined` if no rule
 * applies. Only manifests and signatures are fetched.
 *
 * @throws {MiseOciError} `config`, `not-found` naming a key that cannot be read.
 */
export async function maybeSignatureCheck(
  { registry, repository }: Reference,
  options: VerifyingOptions,
  context: WorkflowContext,
): Promise<SignatureCheck | undefined> {
  const { cache } = options;
  const { signal, reporter } = context;
  const rules = rulesFor({ registry, repository }, options.rules);
  if (rules.length === 0) return undefined;
  const repositoryName = formatReference({ registry, repository });
  const keys: (readonly [VerifyRule, VerifyingKey])[] = [];
  for (const rule of rules) keys.push([rule, await loadVerifyingKey(rule.key)]);
  return async (client, { name, digest }) => {
    for (const [rule, key] of keys) {
      const record = await recordKey(repositoryName, digest, key);
      if (await cache.getDocument(VERIFIED, record) === true) continue;
      const found = await findSignatures(client, key, { repository, digest, signal });
      requireApproval(name, rule.key, found);
      const signatures = found.verified.map(({ manifest }) => manifest).join(", ");
      const text = `${name} is signed as [_.oci] verify requires: ${signatures}`;
      reporter.emit({ type: "detail", level: 1, text });
      await cache.putDocument(VERIFIED, record, true);
    }
  };
}

/**
 * Pins the reference of a base to the digest that was verified, if a rule applies.
 *
 * @throws {MiseOciError} `trust` if the base is not signed as a rule requires.
 */
export async function pinVerified(
  client: RegistryClient,
  reference: Reference,
  options: VerifyingOptions,
  context: WorkflowContext,
): Promise<Reference> {
  const check = await maybeSignatureCheck(reference, options, context);
  if (check === undefined) return reference;
  const { repository } = reference;
  const { signal } = context;
  const digest = reference.digest ??
    (await fetchManifest(client, { repository, target: referenceTarget(reference), signal }))
      .descriptor.digest;
  await check(client, { name: formatReference(reference), digest });
  return { ...reference, digest };
}
