/**
 * Registry clients for tests: against a server of `faultreg`, without waiting.
 * @module
 */
import {
  createRegistryClient,
  type RegistryClient,
  type RegistryClientOptions,
  type RegistryRequest,
} from "../../src/registry/transport.ts";
import { assert } from "@std/assert";
import { MiseOciError } from "../../src/errors.ts";
import { type FakeClock, fakeClock } from "./faultreg/mod.ts";

/** A client with what it said and how long it waited. */
export interface TestClient extends Disposable {
  /** The client. */
  readonly client: RegistryClient;
  /** Its clock. */
  readonly clock: FakeClock;
  /** Warnings. */
  readonly warnings: string[];
  /** Log lines of both levels. */
  readonly lines: string[];
}

/** Makes a client of a registry (`host:port`); its waits take no time, its jitter is always the whole. */
export function testClient(
  registry: string,
  options: Partial<RegistryClientOptions> = {},
): TestClient {
  const clock = fakeClock();
  const warnings: string[] = [];
  const lines: string[] = [];
  const client = createRegistryClient({
    registry,
    insecure: false,
    clock,
    random: () => 1,
    idleTimeoutMs: 5_000,
    warn: (text) => warnings.push(text),
    log: (_level, text) => lines.push(text),
    ...options,
  });
  return { client, clock, warnings, lines, [Symbol.dispose]: () => client.close() };
}

/** The error of something that must fail in a way that users understand. */
export async function failure(promise: Promise<unknown>): Promise<MiseOciError> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof MiseOciError, `MiseOciError expected, not ${error}`);
    return error;
  }
  throw new Error("Expected a failure");
}

/**
 * A `fetch` that takes names to servers of the test: `{ "registry.example": "http://127.0.0.1:4000" }`.
 * The code under test sees only the names; https becomes what the server speaks.
 */
export function namedHosts(
  hosts: Readonly<Record<string, string>>,
): (url: string, init: RequestInit) => Promise<Response> {
  return (text, init) => {
    const url = new URL(text);
    const target = hosts[url.host];
    if (target === undefined) throw new Error(`A request to ${url.host} was not expected`);
    return fetch(new URL(url.pathname + url.search, target), init);
  };
}

/** A request that any server will do for. */
export function request(more: Partial<RegistryRequest> = {}): RegistryRequest {
  return {
    action: 'fetch manifest "app:1"',
    method: "GET",
    url: "/v2/app/manifests/1",
    scopes: [{ repository: "app", actions: ["pull"] }],
    accept: [200],
    ...more,
  };
}

/** A request that sends a body of five bytes. */
export const upload = (method: "POST" | "PATCH" | "PUT"): RegistryRequest =>
  request({
    action: "upload",
    method,
    url: "/v2/app/blobs/uploads/",
    accept: [200],
    body: new TextEncoder().encode("chunk"),
    retry: method === "PATCH" ? "refused" : "idempotent",
  });
