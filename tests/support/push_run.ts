/**
 * Pushing images to the fault-injecting registry: what the tests of uploads share.
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Credentials } from "../../src/registry/credentials_type.ts";
import { parseReference } from "../../src/oci/mod.ts";
import { type PushOptions, uploadImage, type UploadResult } from "../../src/registry/push.ts";
import { createRegistryClient, type RegistryClient } from "../../src/registry/transport.ts";
import {
  digestOf,
  fakeClock,
  type FaultRegistry,
  type FaultRegistryOptions,
  type FaultRule,
  randomBytes,
  startFaultRegistry,
} from "./faultreg/mod.ts";
import { pushableImage } from "./pushable_image.ts";

/** Length of a chunk in these tests. */
export const CHUNK: number = 512 * 1024;
/** A layer of four chunks. */
export const big: Uint8Array = randomBytes(CHUNK * 3 + 100, 1);
/** A layer that goes in one request. */
export const small: Uint8Array = randomBytes(1000, 2);

/** A registry with a client at hand. */
export interface PushRun {
  /** The registry. */
  readonly registry: FaultRegistry;
  /** Its client. */
  readonly client: RegistryClient;
  /** What the client warned of. */
  readonly warnings: readonly string[];
  /** What the client waited, in milliseconds. */
  readonly slept: readonly number[];
  /** Pushes an image of `layers` (default: a big and a small one) `to` (default: `app:v1`). */
  push(
    options?: Partial<PushOptions> & { layers?: readonly Uint8Array[]; to?: string },
  ): Promise<UploadResult>;
  /** `METHOD` and the kind of path of each request since the last call. */
  steps(): string[];
}

/** What {@linkcode withRegistry} may be told. */
export interface PushRunOptions extends FaultRegistryOptions {
  /** Who the client is. */
  readonly credentials?: Credentials;
}

/** A registry and a client with short chunks, which spends no time on waiting. */
export async function withRegistry(
  work: (run: PushRun) => Promise<void>,
  options: PushRunOptions = {},
): Promise<void> {
  const { credentials, ...rest } = options;
  await using registry = startFaultRegistry(rest);
  const clock = fakeClock();
  const warnings: string[] = [];
  const client = createRegistryClient({
    registry: registry.host,
    insecure: false,
    clock,
    random: () => 0,
    idleTimeoutMs: 2000,
    warn: (text) => warnings.push(text),
    ...(credentials === undefined
      ? {}
      : { credentials: (): Promise<Credentials> => Promise.resolve(credentials) }),
  });
  let from = 0;
  try {
    await work({
      registry,
      client,
      warnings,
      slept: clock.slept,
      push: async ({ layers = [big, small], to = "app:v1", ...rest } = {}) =>
        await uploadImage(client, pushableImage(layers), {
          reference: parseReference(`${registry.host}/${to}`),
          chunkBytes: CHUNK,
          jobs: 1,
          ...rest,
        }),
      steps: () => {
        const entries = registry.log.slice(from);
        from = registry.log.length;
        return entries.map(({ method, path }) =>
          `${method} ${
            ["uploads", "manifests", "blobs"].find((kind) => path.includes(`/${kind}/`))
          }`
        );
      },
    });
  } finally {
    client.close();
  }
}

/** How often a step occurs. */
export const count = (steps: readonly string[], step: string): number =>
  steps.filter((other) => other === step).length;

/** What the registry must hold afterwards. */
export function assertPushed(
  { registry }: PushRun,
  layers: readonly Uint8Array[] = [big, small],
): void {
  const repository = registry.content.get("app");
  const image = pushableImage(layers);
  assertEquals(repository.tags.get("v1"), image.manifest.descriptor.digest);
  for (const { digest } of [image.config, ...image.layers]) {
    assertEquals(digestOf(repository.blobs.get(digest) ?? new Uint8Array(0)), digest);
  }
}

/** The paths of upload sessions. */
export const UPLOADS: RegExp = /\/uploads\//;

/** Pushes one big layer while something goes wrong, and checks that it arrived whole. */
export async function survive(run: PushRun, ...rules: FaultRule[]): Promise<string[]> {
  for (const rule of rules) run.registry.faults.add(rule);
  await run.push({ layers: [big] });
  assertPushed(run, [big]);
  return run.steps();
}

/** Bytes of uploads that the registry has read. */
export function received(run: PushRun): number {
  return run.registry.log
    .filter(({ method, path }) => UPLOADS.test(path) && method !== "GET")
    .reduce((sum, { bodySize }) => sum + bodySize, 0);
}
