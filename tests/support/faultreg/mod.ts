/**
 * An in-process registry that can be told to fail: a whole Distribution v2 registry in memory, with uploads
 * and login, a request log, and a script of faults that reach the bytes on the wire (faults.md, section 0).
 *
 * ```ts ignore
 * await using registry = startFaultRegistry();
 * const image = registry.content.addImage("app", { tag: "1" });
 * registry.faults.add({ method: "GET", path: /blobs/, fault: { kind: "closeAfter", bytes: 100 } });
 * // … use registry.host …
 * assertEquals(registry.log.filter((entry) => entry.path.includes("/blobs/")).length, 2);
 * ```
 * @module
 */
import { errorReply } from "./errors.ts";
import type { Reply, ServerRequest } from "./exchange.ts";
import { type Server, type ServerOptions, startServer } from "./http_server.ts";
import { digestOf, Repositories } from "./repositories.ts";
import type { TokenServer } from "./token_server.ts";
import { continueUpload, startUpload, type UploadOptions } from "./uploads.ts";

export * from "./errors.ts";
export * from "./exchange.ts";
export * from "./fake_clock.ts";
export * from "./faults.ts";
export * from "./http_server.ts";
export * from "./repositories.ts";
export * from "./token_server.ts";

/** How the registry wants its users to log in. */
export type RegistryAuth =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | { readonly kind: "bearer"; readonly tokens: TokenServer; readonly realm?: string };

/** Options of {@linkcode startFaultRegistry}. */
export interface FaultRegistryOptions extends UploadOptions {
  /** Login; default none. */
  readonly auth?: RegistryAuth;
  /** Speaks TLS. */
  readonly tls?: ServerOptions["tls"];
  /** Address; default 127.0.0.1. */
  readonly hostname?: string;
  /** Accepts manifests whose blobs are not there. */
  readonly sparse?: boolean;
}

/** A running registry. */
export interface FaultRegistry extends Server {
  /** What it holds. */
  readonly content: Repositories;
}

/** Refuses a request that is not logged in; `undefined` if it is. */
function refusal(request: ServerRequest, name: string, auth: RegistryAuth): Reply | undefined {
  const header = request.headers.get("authorization") ?? "";
  if (auth.kind === "basic") {
    const good = `Basic ${btoa(`${auth.username}:${auth.password}`)}`;
    return header === good
      ? undefined
      : errorReply(401, "UNAUTHORIZED", "authentication required", {
        "www-authenticate": 'Basic realm="faultreg"',
      });
  }
  const action = ["GET", "HEAD"].includes(request.method) ? "pull" : "push";
  if (header.startsWith("Bearer ") && auth.tokens.allows(header.slice(7), name, action)) {
    return undefined;
  }
  const realm = auth.realm ?? auth.tokens.realm;
  const scope = name === ""
    ? ""
    : `,scope="repository:${name}:${action === "pull" ? "pull" : "pull,push"}"`;
  return errorReply(401, "UNAUTHORIZED", "authentication required", {
    "www-authenticate": `Bearer realm="${realm}",service="faultreg"${scope}`,
  });
}

/** The bytes of a `Range` request (RFC 9110, 14.2), single ranges only. */
function ranged(request: ServerRequest, bytes: Uint8Array, headers: Record<string, string>): Reply {
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (range === null) return { status: 200, headers, body: bytes };
  const [, first = "", last = ""] = range;
  const start = first === "" ? Math.max(0, bytes.length - Number(last)) : Number(first);
  const end = first === "" || last === "" ? bytes.length : Math.min(Number(last) + 1, bytes.length);
  if (start >= bytes.length || start >= end) {
    return { status: 416, headers: { "content-range": `bytes */${bytes.length}` } };
  }
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end - 1}/${bytes.length}` },
    body: bytes.subarray(start, end),
  };
}

function getBlob(
  content: Repositories,
  request: ServerRequest,
  name: string,
  digest: string,
): Reply {
  const bytes = content.has(name) ? content.get(name).blobs.get(digest) : undefined;
  if (bytes === undefined) return errorReply(404, "BLOB_UNKNOWN", "blob unknown to registry");
  if (request.method === "DELETE") {
    content.get(name).blobs.delete(digest);
    return { status: 202 };
  }
  return ranged(request, bytes, {
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    etag: `"${digest}"`,
    "accept-ranges": "bytes",
  });
}

function getManifest(content: Repositories, name: string, reference: string): Reply {
  const repository = content.has(name) ? content.get(name) : undefined;
  const digest = repository?.tags.get(reference) ?? reference;
  const found = repository?.manifests.get(digest);
  if (found === undefined) return errorReply(404, "MANIFEST_UNKNOWN", "manifest unknown");
  return {
    status: 200,
    headers: { "content-type": found.mediaType, "docker-content-digest": digest },
    body: found.bytes,
  };
}

/** Digests of the blobs and manifests that a manifest names. */
function references(bytes: Uint8Array): { blobs: string[]; manifests: string[] } {
  const body = JSON.parse(new TextDecoder().decode(bytes));
  const digests = (list: { digest: string }[] | undefined): string[] =>
    (list ?? []).map((d) => d.digest);
  return {
    blobs: [...digests(body.config === undefined ? [] : [body.config]), ...digests(body.layers)],
    manifests: digests(body.manifests),
  };
}

function putManifest(
  content: Repositories,
  request: ServerRequest,
  at: { readonly name: string; readonly reference: string; readonly sparse: boolean },
): Reply {
  const { name, reference, sparse } = at;
  const digest = digestOf(request.body);
  if (reference.startsWith("sha256:") && reference !== digest) {
    return errorReply(400, "DIGEST_INVALID", "digest does not match");
  }
  const repository = content.get(name);
  let named: ReturnType<typeof references>;
  try {
    named = references(request.body);
  } catch {
    return errorReply(400, "MANIFEST_INVALID", "manifest invalid");
  }
  const missing = [
    ...named.blobs.filter((blob) => !repository.blobs.has(blob)),
    ...named.manifests.filter((manifest) => !repository.manifests.has(manifest)),
  ];
  if (!sparse && missing.length > 0) {
    return errorReply(400, "MANIFEST_BLOB_UNKNOWN", `blob unknown to registry: ${missing[0]}`);
  }
  content.addManifest(name, request.body, {
    mediaType: request.headers.get("content-type") ?? "",
    ...(reference.startsWith("sha256:") ? {} : { tag: reference }),
  });
  return {
    status: 201,
    headers: { location: `/v2/${name}/manifests/${digest}`, "docker-content-digest": digest },
  };
}

/** What a path below `/v2/` names. */
function route(path: string): { name: string; kind: string; rest: string } {
  const upload = /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/.exec(path);
  if (upload !== null) return { name: upload[1] ?? "", kind: "uploads", rest: upload[2] ?? "" };
  const [, name = "", kind = "", rest = ""] =
    /^\/v2\/(.+)\/(blobs|manifests|tags)\/([^/]+)$/.exec(path) ?? [];
  return { name, kind, rest };
}

/** Starts a registry on a free port. */
export function startFaultRegistry(options: FaultRegistryOptions = {}): FaultRegistry {
  const { auth, tls, hostname, sparse = false } = options;
  const content = new Repositories();
  const handle = (request: ServerRequest): Reply => {
    const { name, kind, rest } = route(request.path);
    const refused = auth === undefined ? undefined : refusal(request, name, auth);
    if (refused !== undefined) return refused;
    if (/^\/v2\/?$/.test(request.path)) {
      return {
        status: 200,
        headers: { "docker-distribution-api-version": "registry/2.0" },
        body: "{}",
      };
    }
    const { method } = request;
    const read = method === "GET" || method === "HEAD";
    if (kind === "blobs" && (read || method === "DELETE")) {
      return getBlob(content, request, name, rest);
    }
    if (kind === "manifests" && read) return getManifest(content, name, rest);
    if (kind === "manifests" && method === "PUT") {
      return putManifest(content, request, { name, reference: rest, sparse });
    }
    if (kind === "tags" && read) {
      return {
        status: 200,
        body: JSON.stringify({ name, tags: [...content.get(name).tags.keys()] }),
      };
    }
    if (kind === "uploads" && method === "POST") {
      return startUpload(content, request, name, options);
    }
    if (kind === "uploads") return continueUpload(content, request, { name, id: rest });
    return errorReply(404, "NAME_UNKNOWN", "repository name not known to registry");
  };
  const server = startServer({
    handle,
    ...(tls === undefined ? {} : { tls }),
    ...(hostname === undefined ? {} : { hostname }),
  });
  return Object.assign(server, { content });
}
