/**
 * Bases that must be signed (`[_.oci] verify`), verified before any part of them is used.
 * @module
 */
import { findSignatures, isApproved, type Verification, type VerifyingKey } from "../attest/mod.ts";
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import {
  type Digest,
  formatReference,
  type Reference,
  referenceTarget,
  sha256Hex,
} from "../oci/mod.ts";
import type { VerifyRule } from "../plan/project.ts";
import { fetchManifest, type RegistryClient } from "../registry/mod.ts";
import type { Cache } from "../store/mod.ts";
import { loadVerifyingKey } from "./key_files.ts";

/** Signatures that are named in a message. */
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

/** Names of repositories with `*` for any text without a slash and `**` for any text. */
function matches(pattern: string, name: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll("**", "\0").replaceAll("*", "[^/]*").replaceAll("\0", ".*");
  return new RegExp(`^${source}$`).test(name);
}

/** The rules that a base must satisfy: every one whose pattern matches its name. */
export function rulesFor(
  reference: Reference,
  rules: readonly VerifyRule[],
): readonly VerifyRule[] {
  const { registry, repository } = reference;
  const full = formatReference({ registry, repository });
  const names = [
    full,
    `${registry}/${repository}`,
    full.replace(/^docker\.io\/(?:library\/)?/, ""),
  ];
  return rules.filter(({ from }) => names.some((name) => matches(from, name)));
}

/** What {@linkcode pinVerified} needs. */
export interface PinOptions {
  /** All rules. */
  readonly rules: readonly VerifyRule[];
  /** Stores what was verified, so that a build from the cache needs no network. */
  readonly cache: Cache;
}

const VERIFIED = "verified-bases";

async function recordKey(name: string, digest: Digest, key: VerifyingKey): Promise<string> {
  return await sha256Hex(JSON.stringify([name, digest, key.fingerprint]));
}

/**
 * The reference pinned to the verified digest, if a rule matches; otherwise the same reference. Only
 * manifests and signatures are fetched.
 *
 * @throws {MiseOciError} `trust` if the base is not signed as a rule requires.
 */
export async function pinVerified(
  client: RegistryClient,
  reference: Reference,
  options: PinOptions,
  context: WorkflowContext,
): Promise<Reference> {
  const { cache } = options;
  const { signal, reporter } = context;
  const rules = rulesFor(reference, options.rules);
  if (rules.length === 0) return reference;
  const { repository } = reference;
  const name = formatReference(reference);
  const keys: (readonly [VerifyRule, VerifyingKey])[] = [];
  for (const rule of rules) keys.push([rule, await loadVerifyingKey(rule.key)]);
  const digest = reference.digest ??
    (await fetchManifest(client, { repository, target: referenceTarget(reference), signal }))
      .descriptor.digest;
  const repositoryName = formatReference({ registry: reference.registry, repository });
  for (const [rule, key] of keys) {
    const record = await recordKey(repositoryName, digest, key);
    if (await cache.getDocument(VERIFIED, record) === true) continue;
    const found = await findSignatures(client, key, { repository, digest, signal });
    requireApproval(name, rule.key, found);
    const signatures = found.verified.map(({ manifest }) => manifest).join(", ");
    const text = `Base image ${name} is signed as [_.oci] verify says: ${signatures}`;
    reporter.emit({ type: "detail", level: 1, text });
    await cache.putDocument(VERIFIED, record, true);
  }
  return { ...reference, digest };
}
