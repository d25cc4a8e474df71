/**
 * A registry on loopback that serves a single image while an engine pulls it (distribution-spec, "Pulling").
 * The engine fetches only the blobs that it does not have.
 *
 * The repository's name is random, so that another user of the machine, who can reach the port, cannot read
 * the image.
 * @module
 */
import { type Descriptor, type Digest, isDigest } from "../oci/mod.ts";
import type { BlobRange, BlobSource } from "../store/ports.ts";

/** An image to be served: documents from memory, layers from a store. */
export interface ServedImage {
  readonly manifest: ServedDocument;
  readonly config: ServedDocument;
  readonly layers: readonly Descriptor[];
  /** Where the layers are. */
  readonly source: BlobSource;
}

/** A document that is small enough for memory. */
export interface ServedDocument {
  /** What names it. */
  readonly descriptor: Descriptor;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A registry that is being served. */
export interface LoopbackRegistry extends AsyncDisposable {
  /** The image's full reference with its tag. */
  readonly reference: string;
  /** Digests and bytes of the requested layers. */
  readonly served: ReadonlyMap<Digest, number>;
  /** Why a layer could not be read, if that happened: the engine only sees that its bytes end. */
  readonly failure: unknown;
}

/** Options of {@linkcode serveImage}. */
export interface ServeOptions {
  /** The image's tag. Default: `image`. */
  readonly tag?: string;
  /** Called with the number of bytes of layers that were sent. */
  readonly onBytes?: (bytes: number) => void;
  /** Called for each request, for `-vv`. */
  readonly log?: (text: string) => void;
}

/** The beginning of the names that engines give to images pulled from this registry. */
const NAME = /^127\.0\.0\.1:\d+\/mise-oci-[0-9a-f]{32}$/;

/** Whether a repository in an engine comes from such a registry, whose process may have ended. */
export function isLoopbackRepository(repository: string): boolean {
  return NAME.test(repository);
}

const NOT_FOUND = JSON.stringify({ errors: [{ code: "NOT_FOUND", message: "not served here" }] });

function notFound(): Response {
  return new Response(NOT_FOUND, { status: 404, headers: { "Content-Type": "application/json" } });
}

/** The part of a blob that a `Range` header requests; `undefined` for the whole. */
function parseRange(header: string | null, size: number): BlobRange | "bad" | undefined {
  if (header === null) return undefined;
  const match = /^bytes=(\d+)-(\d*)$/.exec(header);
  if (match === null) return undefined; // other forms may be ignored (RFC 9110, 14.2)
  const start = Number(match[1]);
  const end = match[2] === "" ? size : Math.min(size, Number(match[2]) + 1);
  return start < end ? { start, end } : "bad";
}

class Server {
  readonly served = new Map<Digest, number>();
  failure: unknown;
  readonly tag: string;
  readonly #layers: ReadonlyMap<string, Descriptor>;

  constructor(
    readonly image: ServedImage,
    readonly repository: string,
    readonly options: ServeOptions,
  ) {
    this.tag = options.tag ?? "image";
    this.#layers = new Map(image.layers.map((layer) => [layer.digest, layer]));
  }

  handle(request: Request): Response {
    const path = new URL(request.url).pathname;
    this.options.log?.(`${request.method} ${path.replace(this.repository, "…")}`);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response(null, { status: 405 });
    }
    if (path === "/v2/" || path === "/v2") {
      return new Response("{}", { headers: { "Content-Type": "application/json" } });
    }
    const prefix = `/v2/${this.repository}/`;
    if (!path.startsWith(prefix)) return notFound();
    const [kind, name = "", ...rest] = path.slice(prefix.length).split("/");
    if (rest.length > 0) return notFound();
    const head = request.method === "HEAD";
    if (kind === "manifests") return this.#manifest(name, head);
    if (kind === "blobs") return this.#blob(name, request.headers.get("range"), head);
    return notFound();
  }

  #document({ descriptor, bytes }: ServedDocument, head: boolean): Response {
    return new Response(head ? null : bytes, {
      headers: {
        "Content-Type": descriptor.mediaType,
        "Content-Length": String(bytes.length),
        "Docker-Content-Digest": descriptor.digest,
      },
    });
  }

  #manifest(name: string, head: boolean): Response {
    const { manifest } = this.image;
    return name === this.tag || name === manifest.descriptor.digest
      ? this.#document(manifest, head)
      : notFound();
  }

  #blob(name: string, range: string | null, head: boolean): Response {
    const { config } = this.image;
    if (name === config.descriptor.digest) return this.#document(config, head);
    const layer = this.#layers.get(name);
    if (layer === undefined || !isDigest(name)) return notFound();
    const { size } = layer;
    const part = parseRange(range, size);
    if (part === "bad") {
      return new Response(null, { status: 416, headers: { "Content-Range": `bytes */${size}` } });
    }
    const { start, end = size } = part ?? { start: 0, end: size };
    const headers: Record<string, string> = {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(end - start),
      "Docker-Content-Digest": name,
      "Accept-Ranges": "bytes",
    };
    if (part !== undefined) headers["Content-Range"] = `bytes ${start}-${end - 1}/${size}`;
    const status = part === undefined ? 200 : 206;
    if (head) return new Response(null, { status, headers });
    return new Response(this.#send(name, part), { status, headers });
  }

  /** The bytes, counted. Distinguishes our own failures from an engine that closes the connection. */
  #send(digest: Digest, part: BlobRange | undefined): ReadableStream<Uint8Array<ArrayBuffer>> {
    let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
    /** The engine may close the connection during a read: then no response is needed. */
    let hungUp = false;
    return new ReadableStream({
      pull: async (controller) => {
        try {
          reader ??= (await this.image.source.open(digest, part)).getReader();
          const { value, done } = await reader.read();
          if (hungUp) return;
          if (done) return controller.close();
          this.served.set(digest, (this.served.get(digest) ?? 0) + value.length);
          this.options.onBytes?.(value.length);
          controller.enqueue(value);
        } catch (error) {
          if (hungUp) return;
          this.failure ??= error;
          // Ending the stream early breaks the response as an error would, but Deno would also print an
          // error.
          controller.close();
        }
      },
      cancel: (reason) => {
        hungUp = true;
        return reader?.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }
}

/** Serves an image on a free port of 127.0.0.1 until it is disposed of. */
export function serveImage(image: ServedImage, options: ServeOptions = {}): LoopbackRegistry {
  const repository = `mise-oci-${crypto.randomUUID().replaceAll("-", "")}`;
  const server = new Server(image, repository, options);
  const listener = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => server.handle(request),
  );
  return {
    reference: `127.0.0.1:${listener.addr.port}/${repository}:${server.tag}`,
    served: server.served,
    get failure(): unknown {
      return server.failure;
    },
    [Symbol.asyncDispose]: () => listener.shutdown(),
  };
}
