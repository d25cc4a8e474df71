/**
 * A small HTTP/1.1 server over raw sockets, so that faults reach the bytes: it decides itself how a
 * request is read and how an answer is framed and cut.
 * @module
 */
import { createHash } from "node:crypto";
import { concat, type LoggedRequest, type Reply, type ServerRequest } from "./exchange.ts";
import { type Fault, FaultScript } from "./faults.ts";
import { wireOf, writeReply } from "./wire.ts";

/** Options of {@linkcode startServer}. */
export interface ServerOptions {
  /** Answers requests. */
  readonly handle: (request: ServerRequest) => Reply | Promise<Reply>;
  /** Speaks TLS with this certificate. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Address; default 127.0.0.1. */
  readonly hostname?: string;
  /** Takes over a connection after a request's head (a proxy's CONNECT). */
  readonly upgrade?: (request: ServerRequest, conn: Deno.Conn) => Promise<boolean>;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  /** Port. */
  readonly port: number;
  /** `host:port`. */
  readonly host: string;
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** What happens when. */
  readonly faults: FaultScript;
  /** Requests in the order they came in. */
  readonly log: LoggedRequest[];
  /** Stops it and closes its connections. */
  [Symbol.asyncDispose](): Promise<void>;
}

const EMPTY = new Uint8Array(0);

/** Reads from a connection with a buffer. */
class Reader {
  #buffer: Uint8Array<ArrayBuffer> = EMPTY;
  constructor(readonly conn: Deno.Conn) {}

  async #fill(): Promise<boolean> {
    const chunk = new Uint8Array(64 * 1024);
    const read = await this.conn.read(chunk);
    if (read === null) return false;
    const joined = new Uint8Array(this.#buffer.length + read);
    joined.set(this.#buffer);
    joined.set(chunk.subarray(0, read), this.#buffer.length);
    this.#buffer = joined;
    return true;
  }

  /** Text up to and without the separator; `undefined` at the end. */
  async until(separator: string): Promise<string | undefined> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#buffer);
      const at = text.indexOf(separator);
      if (at >= 0) {
        this.#buffer = this.#buffer.slice(at + separator.length);
        return text.slice(0, at);
      }
      if (!await this.#fill()) return undefined;
    }
  }

  /** So many bytes, fewer at the end. */
  async take(size: number): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let missing = size;
    while (missing > 0) {
      if (this.#buffer.length === 0 && !await this.#fill()) break;
      const part = this.#buffer.slice(0, missing);
      this.#buffer = this.#buffer.slice(part.length);
      parts.push(part);
      missing -= part.length;
    }
    return concat(parts);
  }
}

async function readHead(reader: Reader): Promise<ServerRequest | undefined> {
  const text = await reader.until("\r\n\r\n");
  if (text === undefined) return undefined;
  const [line = "", ...fields] = text.split("\r\n");
  const [method = "", target = ""] = line.split(" ");
  const headers = new Headers();
  for (const field of fields) {
    const colon = field.indexOf(":");
    headers.append(field.slice(0, colon), field.slice(colon + 1).trim());
  }
  const url = new URL(
    /^https?:/.test(target) ? target : `http://host${target.startsWith("/") ? target : "/"}`,
  );
  return { method, target, path: url.pathname, query: url.searchParams, headers, body: EMPTY };
}

async function readBody(
  reader: Reader,
  headers: Headers,
  limit = Infinity,
): Promise<Uint8Array<ArrayBuffer>> {
  if (headers.get("transfer-encoding") === "chunked") {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const size = parseInt(await reader.until("\r\n") ?? "0", 16);
      parts.push(await reader.take(size));
      await reader.until("\r\n");
      if (size === 0) return concat(parts);
    }
  }
  return await reader.take(Math.min(limit, Number(headers.get("content-length") ?? 0)));
}

async function answer(
  request: ServerRequest,
  faults: readonly Fault[],
  handle: ServerOptions["handle"],
): Promise<Reply> {
  let reply: Reply | undefined;
  for (const fault of faults) {
    if (fault.kind === "status") {
      reply = { status: fault.status, headers: fault.headers ?? {}, body: fault.body ?? "" };
    } else if (fault.kind === "redirect") {
      reply = { status: fault.status, headers: { location: fault.url } };
    } else if (fault.kind === "respond") reply = await fault.respond(request);
    else if (fault.kind === "delay") await new Promise((resolve) => setTimeout(resolve, fault.ms));
  }
  reply ??= await handle(request);
  for (const fault of faults) {
    if (fault.kind === "rewrite") reply = fault.rewrite(reply, request);
    if (fault.kind !== "headers") continue;
    const kept: [string, string][] = Object.entries(reply.headers ?? {}).filter(([name]) =>
      !Object.keys(fault.set).some((set) => set.toLowerCase() === name.toLowerCase())
    );
    const set = Object.entries(fault.set).filter((field): field is [string, string] =>
      field[1] !== undefined
    );
    reply = { ...reply, headers: Object.fromEntries([...kept, ...set]) };
  }
  return reply;
}

/** See {@linkcode startServer}. */
class RawServer implements Server {
  readonly port: number;
  readonly host: string;
  readonly url: string;
  readonly faults: FaultScript = new FaultScript();
  readonly log: LoggedRequest[] = [];
  readonly #options: ServerOptions;
  readonly #listener: Deno.Listener;
  readonly #conns = new Set<Deno.Conn>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = Promise.withResolvers<void>();
  readonly #accepting: Promise<void>;

  constructor(options: ServerOptions) {
    const { tls, hostname = "127.0.0.1" } = options;
    this.#options = options;
    this.#listener = tls === undefined
      ? Deno.listen({ hostname, port: 0 })
      : Deno.listenTls({ hostname, port: 0, ...tls });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.host = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${this.port}`;
    this.url = `${tls === undefined ? "http" : "https"}://${this.host}`;
    this.#accepting = this.#accept();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.resolve();
    this.#listener.close();
    for (const conn of this.#conns) close(conn);
    await this.#accepting;
    await Promise.allSettled([...this.#running]);
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      this.#conns.add(conn);
      // Head and body are written apart; without this the body waits for the client's ACK.
      if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
      const served = this.#serve(conn);
      this.#running.add(served);
      served.finally(() => this.#running.delete(served));
    }
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    const reader = new Reader(conn);
    try {
      while (await this.#one(conn, reader));
    } catch (error) {
      // The client went away, or its TLS handshake failed: what many tests are about.
      if (!isOfConnection(error)) throw error;
    } finally {
      this.#conns.delete(conn);
      close(conn);
    }
  }

  /** One request; whether the connection can be used again. */
  async #one(conn: Deno.Conn, reader: Reader): Promise<boolean> {
    const { handle, upgrade } = this.#options;
    const head = await readHead(reader);
    if (head === undefined) return false;
    const chosen = this.faults.next(head);
    const cut = chosen.find((fault) => fault.kind === "cutRequest");
    const request = { ...head, body: await readBody(reader, head.headers, cut?.bytes) };
    const entry = logEntry(this.port, request);
    this.log.push(entry);
    if (upgrade !== undefined && await upgrade(request, conn)) return false;
    if (cut !== undefined) {
      if (cut.keep) await handle({ ...request, headers: withoutRange(head.headers) });
      return false;
    }
    const reply = await answer(request, chosen, handle);
    const context = { request, entry, closed: this.#stopping.promise };
    return await writeReply(conn, { reply, wire: wireOf(reply, chosen) }, context);
  }
}

/** The range that a request announced is not the one of the bytes that came. */
function withoutRange(headers: Headers): Headers {
  const kept = new Headers(headers);
  kept.delete("content-range");
  return kept;
}

function logEntry(port: number, request: ServerRequest): LoggedRequest {
  const { method, target, path, headers, body } = request;
  return {
    port,
    method,
    target,
    path,
    headers,
    authorization: headers.get("authorization") ?? undefined,
    bodySize: body.length,
    bodyHash: createHash("sha256").update(body).digest("hex"),
    status: 0,
    sent: 0,
  };
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // Closed already.
  }
}

/** Starts a server on a free port. */
export function startServer(options: ServerOptions): Server {
  return new RawServer(options);
}

function isOfConnection(error: unknown): boolean {
  const { errors } = Deno;
  return [
    errors.BrokenPipe,
    errors.ConnectionReset,
    errors.ConnectionAborted,
    errors.NotConnected,
    errors.BadResource,
    errors.Interrupted,
    errors.InvalidData,
    errors.UnexpectedEof,
  ].some((type) => error instanceof type);
}
