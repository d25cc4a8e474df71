/**
 * Makes tar archives byte by byte, broken ones too, and asks other programs what is in them.
 * @module
 */

/** One entry; what is left out is what a well-behaved archive has. */
export interface FixtureEntry {
  readonly name: string | Uint8Array;
  /** Type flag; default `5` for a name with a final slash, `2` with `link`, else `0`. */
  readonly type?: string;
  readonly content?: string | Uint8Array;
  readonly link?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  /** Replaces the size field: a number, or the 12 bytes. */
  readonly size?: number | Uint8Array;
  readonly prefix?: string;
  readonly magic?: string;
  /** PAX records that go before the entry; names over 100 bytes get theirs by themselves. */
  readonly pax?: Readonly<Record<string, string | Uint8Array>>;
  /** Changes the header before (default) its checksum is made. */
  readonly patch?: (header: Uint8Array) => void;
  /** Changes the header after its checksum is made. */
  readonly spoil?: (header: Uint8Array) => void;
}

const encoder = new TextEncoder();

function bytes(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? encoder.encode(value) : value;
}

/** All arrays in one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The bytes padded with zeros to whole blocks. */
function padded(content: Uint8Array): Uint8Array {
  return concat(content, new Uint8Array((512 - content.length % 512) % 512));
}

/** The body of a PAX header. */
export function paxBody(records: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  return concat(
    ...Object.entries(records).map(([key, value]) => {
      const rest = concat(encoder.encode(` ${key}=`), bytes(value), encoder.encode("\n"));
      let length = rest.length + 1;
      while (String(length).length + rest.length !== length) length++;
      return concat(encoder.encode(String(length)), rest);
    }),
  );
}

/** The blocks of one entry. */
export function tarEntry(entry: FixtureEntry): Uint8Array {
  const name = bytes(entry.name);
  const type = entry.type ??
    (entry.link !== undefined ? "2" : name.at(-1) === 0x2f ? "5" : "0");
  const content = bytes(entry.content ?? "");
  const header = new Uint8Array(512);
  const octal = (value: number, at: number, length: number): void => {
    header.set(encoder.encode(value.toString(8).padStart(length - 1, "0")), at);
  };
  header.set(name.subarray(0, 100), 0);
  octal(entry.mode ?? (type === "5" ? 0o755 : type === "2" ? 0o777 : 0o644), 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  if (entry.size instanceof Uint8Array) header.set(entry.size, 124);
  else octal(entry.size ?? content.length, 124, 12);
  octal(entry.mtime ?? 0, 136, 12);
  header.set(encoder.encode(type), 156);
  header.set(bytes(entry.link ?? "").subarray(0, 100), 157);
  header.set(encoder.encode(entry.magic ?? "ustar\x0000"), 257);
  if (entry.prefix !== undefined) header.set(encoder.encode(entry.prefix), 345);
  entry.patch?.(header);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(encoder.encode(sum.toString(8).padStart(6, "0") + "\0 "), 148);
  entry.spoil?.(header);
  const link = bytes(entry.link ?? "");
  const records = {
    ...(name.length > 100 && type !== "L" && type !== "K" ? { path: name } : {}),
    ...(link.length > 100 ? { linkpath: link } : {}),
    ...entry.pax,
  };
  const pax = Object.keys(records).length === 0
    ? new Uint8Array()
    : tarEntry({ name: "PaxHeaders/x", type: "x", content: paxBody(records) });
  return concat(pax, header, padded(content));
}

/** A whole archive, with two end blocks. */
export function tar(...entries: readonly (FixtureEntry | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const parts = entries.map((entry) => entry instanceof Uint8Array ? entry : tarEntry(entry));
  return concat(...parts, new Uint8Array(1024));
}

/** The bytes as a stream of chunks of the given size. */
export function streamOf(
  content: Uint8Array,
  chunkSize = 64 * 1024,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller): void {
      if (at >= content.length) return controller.close();
      controller.enqueue(content.slice(at, at += chunkSize));
    },
  });
}

/** What another reader sees: `TYPE SIZE NAME[ -> LINK]` a line, or `undefined` if it refuses. */
export type Listing = readonly string[] | undefined;

const PYTHON = `
import json, sys, tarfile
kinds = {b"0": "file", b"\\0": "file", b"7": "file", b"5": "directory", b"2": "symlink", b"1": "hardlink"}
try:
    out = []
    with tarfile.open(sys.argv[1], "r:", errors="strict") as archive:
        for m in archive:
            kind = "directory" if m.isdir() else kinds.get(m.type, m.type.decode())
            size = m.size if kind == "file" else 0
            out.append([kind, size, m.name, m.linkname if kind in ("symlink", "hardlink") else ""])
    print(json.dumps(out))
except Exception as error:
    print("null")
`;

async function run(
  command: string,
  args: readonly string[],
): Promise<{ ok: boolean; text: string }> {
  const { success, stdout } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    env: { LC_ALL: "C.UTF-8", TZ: "UTC" },
  }).output();
  return { ok: success, text: new TextDecoder().decode(stdout) };
}

/** One line of a listing. */
export function listingLine(type: string, size: number, name: string, link = ""): string {
  const clean = (path: string): string =>
    path.split("/").filter((part) => part !== "" && part !== ".").join("/");
  const target = type === "hardlink" ? clean(link) : link;
  return `${type} ${size} ${clean(name)}${link === "" ? "" : ` -> ${target}`}`;
}

/** What Python's tarfile sees in an archive. */
export async function listWithPython(path: string): Promise<Listing> {
  const { text } = await run("python3", ["-c", PYTHON, path]);
  const rows: [string, number, string, string][] | null = JSON.parse(text);
  return rows?.map((row) => listingLine(...row));
}

const GNU_TYPES: Readonly<Record<string, string>> = {
  "-": "file",
  d: "directory",
  l: "symlink",
  h: "hardlink",
};

/** What GNU tar sees in an archive. */
export async function listWithGnuTar(path: string): Promise<Listing> {
  const { ok, text } = await run("tar", [
    "-tv",
    "--numeric-owner",
    "--full-time",
    "--quoting-style=c",
    "-f",
    path,
  ]);
  if (!ok) return undefined;
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const match = /^(.)\S+ \S+ +(\S+) \S+ \S+ (".*?(?<!\\)")(?: (?:->|link to) (".*"))?$/.exec(
      line,
    );
    if (match === null) return line;
    const type = GNU_TYPES[match[1]!] ?? match[1]!;
    const [name, link] = [match[3]!, match[4] ?? '""'].map((text) => JSON.parse(text) as string);
    return listingLine(type, type === "file" ? Number(match[2]) : 0, name!, link);
  });
}
