/**
 * Finds files of a tool that still contain host install directories after relocation, in text or in an
 * executable's search path, since these do not exist in the image. Searches the bytes while they are
 * packed, so that no file is read twice.
 * @module
 */
import { isWithin } from "../../paths.ts";
import { Buffer } from "node:buffer";
import { INSTALL, type RelocationMap } from "./relocate.ts";
import { HOST_PATHS } from "./host_path_warning.ts";

/** Number of files named in the warning, which a build shows with `-v`. */
const SHOWN = 100;
/** Bytes that continue a name: `/data/node` is not in `/data/node2`. */
const NAME_BYTE = /[A-Za-z0-9._~+@%-]/;

/**
 * From about 2.6, Deno converts bytes to text at memory speed but searches bytes slowly; before, the
 * reverse.
 */
const [MAJOR = 0, MINOR = 0] = Deno.version.deno.split(".").map(Number);
const FAST_TEXT = MAJOR > 2 || (MAJOR === 2 && MINOR >= 6);

/** Part of every path that {@linkcode INSTALL} matches. */
const INSTALLS = "/installs/";

/** The texts that {@linkcode mayNameHost} searches for. */
export function hostNeedles({ rules }: RelocationMap): readonly string[] {
  return [INSTALLS, ...rules.flatMap(({ host }) => INSTALL.test(host) ? [] : latin1(host))];
}

/** Whether bytes may contain a relocated directory: fast, with false positives only. */
export function mayNameHost(bytes: Uint8Array, needles: readonly string[]): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!FAST_TEXT) return needles.some((needle) => buffer.includes(needle, 0, "latin1"));
  const text = buffer.toString("latin1");
  return needles.some((needle) => text.includes(needle));
}

/** One character per byte, for comparing bytes as text. */
function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Collects the files of one layer that contain host directories. */
export class HostPathFinder {
  readonly #needles: readonly string[];
  readonly #own: readonly string[];
  readonly #longest: number;
  readonly #files: string[] = [];
  #count = 0;
  #path = "";
  #found = false;
  /** The end of the previous bytes, for names that cross the boundary. */
  #tail = "";

  /** Searches for the host directories of a map. */
  constructor({ rules, own }: RelocationMap) {
    // The whole installs directory is the host's, including tools that the project does not have.
    const rootOf = (path: string): string => INSTALL.exec(path)?.[1] ?? path;
    const roots = new Set(rules.map(({ host }) => rootOf(host)));
    // Directories with the same path in the image are found there.
    for (const { host, image } of rules) if (host === image) roots.delete(rootOf(image));
    const minimal = [...roots].filter((root) =>
      ![...roots].some((other) =>
        other !== root && (other.endsWith("/") ? root.startsWith(other) : isWithin(root, other))
      )
    );
    this.#needles = minimal.filter((root) => root.length > 1).map(latin1);
    this.#longest = Math.max(0, ...this.#needles.map((needle) => needle.length));
    this.#own = own;
  }

  /** Starts a file. */
  begin(path: string): void {
    this.#path = path;
    // Bytecode contains the path of its source only for tracebacks.
    this.#found = this.#needles.length === 0 || path.endsWith(".pyc");
    this.#tail = "";
  }

  /** Searches the next bytes of the file. */
  add(bytes: Uint8Array): void {
    if (this.#found || bytes.length === 0) return;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const reach = this.#longest + 1;
    const seam = this.#tail + buffer.subarray(0, reach).toString("latin1");
    if (this.#tail !== "" && this.#isIn(seam)) return this.#note();
    if (FAST_TEXT ? this.#isIn(buffer.toString("latin1")) : this.#isInBytes(buffer)) {
      return this.#note();
    }
    this.#tail = bytes.length >= reach
      ? buffer.subarray(-reach).toString("latin1")
      : seam.slice(-reach);
  }

  /** Ends the file. */
  end(): void {
    // A name at the very end of the file is complete.
    if (!this.#found && this.#needles.some((needle) => this.#tail.endsWith(needle))) this.#note();
  }

  /** The warning, if any file was found. */
  warning(): string | undefined {
    if (this.#count === 0) return undefined;
    const names = this.#files.map((path) => JSON.stringify(path)).join(", ");
    const more = this.#count > SHOWN ? ` and ${this.#count - SHOWN} more` : "";
    const [files, name] = this.#count === 1
      ? ["1 file", "names"]
      : [`${this.#count} files`, "name"];
    return `${files} still ${name} ${HOST_PATHS}: ${names}${more}`;
  }

  #isIn(text: string): boolean {
    return this.#needles.some((needle) => {
      for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
        if (isWhole(needle, text[at + needle.length])) return true;
      }
      return false;
    });
  }

  #isInBytes(buffer: Buffer): boolean {
    return this.#needles.some((needle) => {
      for (
        let at = buffer.indexOf(needle, 0, "latin1");
        at >= 0;
        at = buffer.indexOf(needle, at + 1, "latin1")
      ) {
        const next = buffer[at + needle.length];
        if (isWhole(needle, next === undefined ? undefined : String.fromCharCode(next))) {
          return true;
        }
      }
      return false;
    });
  }

  #note(): void {
    this.#found = true;
    this.#count++;
    if (this.#files.length >= SHOWN) return;
    const path = `/${this.#path}`;
    const root = this.#own.find((directory) => isWithin(path, directory));
    this.#files.push(root === undefined ? path : path.slice(root.length + 1));
  }
}

/** Whether a match is a whole name; the next byte may not be known yet. */
function isWhole(needle: string, next: string | undefined): boolean {
  return needle.endsWith("/") || (next !== undefined && !NAME_BYTE.test(next));
}
