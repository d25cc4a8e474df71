/**
 * A registry in memory, reached without a network, with or without the referrers API. A test can look
 * into it and change what it has.
 * @module
 */
import { type Digest, isDigest } from "../../src/oci/mod.ts";
import { createRegistryClient, type RegistryClient } from "../../src/registry/mod.ts";
import { digestOf } from "./faultreg/mod.ts";

/** A manifest as it is stored. */
export interface StoredManifest {
  /** Its `Content-Type`. */
  readonly mediaType: string;
  /** Its bytes. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** How {@linkcode ReferrerRegistry} behaves. */
export interface ReferrerRegistryOptions {
  /** Has the referrers API. */
  readonly api?: boolean;
  /** Refuses configs of any other type, as some registries do. */
  readonly onlyConfigs?: readonly string[];
  /** Called before each request. */
  readonly onRequest?: (method: string, path: string) => void | Promise<void>;
}

/** The JSON of a manifest, which a test may have damaged. */
// deno-lint-ignore no-explicit-any
function parse(bytes: Uint8Array): any {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** The registry. Repositories share what they have. */
export class ReferrerRegistry {
  /** Blobs by the digest that they are asked for with. */
  readonly blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Manifests by digest and by tag. */
  readonly manifests = new Map<string, StoredManifest>();
  /** Requests so far: `GET /v2/…`. */
  readonly requests: string[] = [];
  readonly #options: ReferrerRegistryOptions;

  /** An empty registry. */
  constructor(options: ReferrerRegistryOptions = {}) {
    this.#options = options;
  }

  /** A client of it. */
  client(): RegistryClient {
    return createRegistryClient({
      registry: "registry.test",
      insecure: false,
      fetch: (url, init) => this.#serve(new Request(url, init as RequestInit)),
    });
  }

  /** Stores a manifest by its digest, and under a tag. */
  put(mediaType: string, value: unknown, tag?: string): { digest: Digest; size: number } {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const digest = digestOf(bytes) as Digest;
    this.manifests.set(digest, { mediaType, bytes });
    if (tag !== undefined) this.manifests.set(tag, { mediaType, bytes });
    return { digest, size: bytes.length };
  }

  #referrers(digest: string): Response {
    const manifests = [...this.manifests].filter(([key]) => isDigest(key)).flatMap(
      ([key, { mediaType, bytes }]) => {
        const body = parse(bytes);
        if (body?.subject?.digest !== digest) return [];
        const { artifactType = body.config?.mediaType, annotations } = body;
        return [{ mediaType, digest: key, size: bytes.length, artifactType, annotations }];
      },
    );
    const mediaType = "application/vnd.oci.image.index.v1+json";
    return Response.json({ schemaVersion: 2, mediaType, manifests }, {
      headers: { "Content-Type": mediaType },
    });
  }

  async #putManifest(key: string, request: Request): Promise<Response> {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const { config } = JSON.parse(new TextDecoder().decode(bytes));
    const { onlyConfigs } = this.#options;
    if (onlyConfigs !== undefined && config && !onlyConfigs.includes(config.mediaType)) {
      return Response.json({ errors: [{ code: "MANIFEST_INVALID" }] }, { status: 400 });
    }
    const stored = { mediaType: request.headers.get("content-type") ?? "", bytes };
    const digest = digestOf(bytes);
    this.manifests.set(digest, stored);
    if (!isDigest(key)) this.manifests.set(key, stored);
    return new Response(null, { status: 201, headers: { "Docker-Content-Digest": digest } });
  }

  async #serve(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const { method } = request;
    this.requests.push(`${method} ${pathname}`);
    await this.#options.onRequest?.(method, pathname);
    const [, kind = "", key = ""] =
      /^\/v2\/.+?\/(manifests|blobs\/uploads|blobs|referrers)\/(.*)$/.exec(pathname) ?? [];
    if (kind === "referrers" && this.#options.api === true) return this.#referrers(key);
    if (kind === "blobs/uploads") {
      const digest = searchParams.get("digest");
      if (method === "POST") {
        return new Response(null, { status: 202, headers: { Location: `${pathname}1` } });
      }
      this.blobs.set(digest ?? "", new Uint8Array(await request.arrayBuffer()));
      return new Response(null, { status: 201 });
    }
    if (kind === "manifests" && method === "PUT") return await this.#putManifest(key, request);
    const manifest = kind === "manifests" ? this.manifests.get(key) : undefined;
    const bytes = manifest?.bytes ?? (kind === "blobs" ? this.blobs.get(key) : undefined);
    if (bytes === undefined) return new Response("no such thing", { status: 404 });
    return new Response(method === "HEAD" ? null : bytes, {
      headers: {
        "Content-Length": String(bytes.length),
        "Content-Type": manifest?.mediaType ?? "application/octet-stream",
      },
    });
  }
}
