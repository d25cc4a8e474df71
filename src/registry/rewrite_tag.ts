/**
 * Changes the manifest that a tag names, although others may change it at the same time.
 *
 * The distribution API has no conditional PUT, so two writers that read the same manifest would each drop
 * the other's changes. Therefore each write is read back, after a wait in which earlier readers will have
 * written too, and lost entries are added again.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { digestOf } from "../oci/mod.ts";
import { type FetchedManifest, maybeFetchManifest } from "./get_manifest.ts";
import { putManifest } from "./put_manifest.ts";
import { type Clock, systemClock } from "./retry.ts";
import type { RegistryClient } from "./transport.ts";

/** The manifest that a tag should name. */
export interface TaggedManifest {
  /** Its media type. */
  readonly mediaType: string;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What {@linkcode rewriteTag} changes. */
export interface RewriteTagOptions {
  /** Repository. */
  readonly repository: string;
  /** The tag. */
  readonly tag: string;
  /**
   * Computes the new manifest from the current one; `undefined` if no change is needed, `"again"` if it took so long
   * that the current one must be read again.
   */
  readonly change: (
    current: FetchedManifest | undefined,
  ) => Promise<TaggedManifest | "again" | undefined> | TaggedManifest | "again" | undefined;
  /** The shortest wait before the tag is read back, in milliseconds; default 200. */
  readonly minSettleMs?: number;
  /** The maximum number of writes; default 7. */
  readonly maxWrites?: number;
  /** The error if others keep overwriting the tag. */
  readonly overwritten?: () => MiseOciError;
  /** For tests: replaces the machine's clock. */
  readonly clock?: Clock | undefined;
  /** Aborts the change. */
  readonly signal?: AbortSignal | undefined;
}

/** The longest wait before the tag is read back, in milliseconds. */
const MAX_SETTLE_MS = 3_000;
/** The wait is this multiple of the duration of our own read and write. */
const SETTLE_FACTOR = 4;

/**
 * Changes the manifest that a tag names.
 *
 * @throws {MiseOciError} `auth`, `registry`, `network`; `registry` if others keep overwriting it.
 */
export async function rewriteTag(
  client: RegistryClient,
  options: RewriteTagOptions,
): Promise<void> {
  const { repository, tag, change, minSettleMs = 200, maxWrites = 7, signal } = options;
  const { clock = systemClock } = options;
  for (let writes = 0;;) {
    const started = clock.now();
    const current = await maybeFetchManifest(client, {
      repository,
      target: tag,
      actions: ["pull", "push"],
      signal,
    });
    const changed = await change(current);
    if (changed === undefined) return;
    if (changed === "again") continue;
    if (writes++ === maxWrites) {
      throw options.overwritten?.() ?? new MiseOciError(
        "registry",
        `Cannot update "${client.registry}/${repository}:${tag}": others keep overwriting it`,
        { hint: "Wait until they are done and try again" },
      );
    }
    const { mediaType, bytes } = changed;
    const descriptor = { mediaType, digest: await digestOf(bytes) };
    await putManifest(client, { repository, target: tag, descriptor, bytes, signal });
    const settle = SETTLE_FACTOR * (clock.now() - started);
    await clock.sleep(Math.min(Math.max(settle, minSettleMs), MAX_SETTLE_MS), signal);
  }
}
