/**
 * How an answer goes over the wire: framed, cut, slowed down or damaged.
 * @module
 */
import { concat, type LoggedRequest, type Reply, type ServerRequest } from "./exchange.ts";
import type { Fault } from "./faults.ts";

const encoder = new TextEncoder();
const EMPTY = new Uint8Array(0);

/** How the answer's body is sent. */
export interface Wire {
  body: Uint8Array;
  framing: "length" | "chunked" | "close";
  declared: number;
  stopAt: number;
  then: "keep" | "close" | "stall";
  dripMs: number;
  endless: boolean;
  head: boolean;
}

/** The wire of an answer, bent by its faults. */
export function wireOf(reply: Reply, faults: readonly Fault[]): Wire {
  const body = typeof reply.body === "string" ? encoder.encode(reply.body) : reply.body ?? EMPTY;
  const wire: Wire = {
    body,
    framing: "length",
    declared: body.length,
    stopAt: Infinity,
    then: "keep",
    dripMs: 0,
    endless: false,
    head: true,
  };
  for (const fault of faults) bend(wire, fault);
  return wire;
}

function bend(wire: Wire, fault: Fault): void {
  switch (fault.kind) {
    case "stallAfter":
      Object.assign(wire, { stopAt: fault.bytes, then: "stall", head: fault.head ?? true });
      break;
    case "drip":
      wire.dripMs = fault.everyMs;
      break;
    case "closeAfter":
      Object.assign(wire, { stopAt: fault.bytes, then: "close" });
      break;
    case "closeBefore":
      Object.assign(wire, { stopAt: 0, then: "close", head: false });
      break;
    case "truncateSilently":
      Object.assign(wire, { stopAt: fault.bytes, then: "close", framing: "close" });
      break;
    case "truncateChunked":
      Object.assign(wire, { stopAt: fault.bytes, then: "close", framing: "chunked" });
      break;
    case "wrongBytes":
      wire.body = wire.body.slice();
      wire.body[fault.at] = (wire.body[fault.at] ?? 0) ^ 0xff;
      break;
    case "extraBytes":
      if (fault.count === Infinity) Object.assign(wire, { endless: true, framing: "chunked" });
      else {
        wire.body = concat([wire.body, new Uint8Array(fault.count)]);
        wire.declared = wire.body.length;
      }
      break;
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** What {@linkcode writeReply} needs to know besides the answer. */
export interface WireContext {
  /** The request answered. */
  readonly request: ServerRequest;
  /** Its line in the log. */
  readonly entry: LoggedRequest;
  /** Resolves when the server stops. */
  readonly closed: Promise<void>;
}

async function writeHead(conn: Deno.Conn, reply: Reply, wire: Wire): Promise<void> {
  const headers = new Headers(reply.headers);
  if (wire.framing === "chunked") headers.set("transfer-encoding", "chunked");
  if (wire.framing === "length" && !headers.has("content-length") && reply.status !== 204) {
    headers.set("content-length", String(wire.declared));
  }
  if (wire.framing === "close") {
    headers.delete("content-length");
    headers.set("connection", "close");
  }
  const fields = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await writeAll(conn, encoder.encode(`HTTP/1.1 ${reply.status} X\r\n${fields}\r\n`));
}

/** Writes the answer; whether the connection can be used again. */
export async function writeReply(
  conn: Deno.Conn,
  answer: { readonly reply: Reply; readonly wire: Wire },
  context: WireContext,
): Promise<boolean> {
  const { reply, wire } = answer;
  const { request, entry, closed } = context;
  if (wire.head) {
    await writeHead(conn, reply, wire);
    entry.status = reply.status;
  }
  const chunked = wire.framing === "chunked";
  const chunk = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length === 0) return;
    entry.sent += bytes.length;
    const size = encoder.encode(`${bytes.length.toString(16)}\r\n`);
    await writeAll(conn, chunked ? concat([size, bytes, encoder.encode("\r\n")]) : bytes);
  };
  if (request.method !== "HEAD" && reply.status !== 204 && reply.status !== 304) {
    const body = wire.body.subarray(0, Math.min(wire.stopAt, wire.body.length));
    if (wire.dripMs > 0) await drip(body, wire.dripMs, { chunk, closed });
    else await chunk(body);
    while (wire.endless) await chunk(new Uint8Array(64 * 1024));
    if (chunked && wire.then === "keep") await writeAll(conn, encoder.encode("0\r\n\r\n"));
  }
  if (wire.then === "stall") await closed;
  return wire.then === "keep" && wire.framing !== "close";
}

async function drip(
  body: Uint8Array,
  everyMs: number,
  to: { chunk: (bytes: Uint8Array) => Promise<void>; closed: Promise<void> },
): Promise<void> {
  let stop = false;
  to.closed.then(() => stop = true);
  for (let at = 0; at < body.length && !stop; at++) {
    await to.chunk(body.subarray(at, at + 1));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
