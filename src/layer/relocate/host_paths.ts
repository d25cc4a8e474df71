/**
 * Finds the files of a tool that still name the host's install directories after relocation, in text or in
 * an executable's search path: what they name is not in the image. Looked for in the bytes that are packed
 * anyway, so no file is read twice.
 * @module
 */
import { isWithin } from "../../paths.ts";
import { Buffer } from "node:buffer";
import { INSTALL, type RelocationMap } from "./relocate.ts";
import { HOST_PATHS } from "./host_path_warning.ts";

/** Files named in the warning, which a build shows with `-v`. */
const SHOWN = 100;
/** Bytes that go on with a name: `/data/node` is not in `/data/node2`. */
const NAME_BYTE = /[A-Za-z0-9._~+@%-]/;

/** Since 2.6 or so Deno turns bytes to text at memory speed, and searches bytes slowly; before, the reverse. */
const [MAJOR = 0, MINOR = 0] = Deno.version.deno.split(".").map(Number);
const FAST_TEXT = MAJOR > 2 || (MAJOR === 2 && MINOR >= 6);

/** What every directory of {@linkcode INSTALL} has in its path. */
const INSTALLS = "/installs/";

/** What {@linkcode mayNameHost} looks for. */
export function hostNeedles({ rules }: RelocationMap): readonly string[] {
  return [INSTALLS, ...rules.flatMap(({ host }) => INSTALL.test(host) ? [] : latin1(host))];
}

/** Whether bytes may name a relocated directory: quick, and right where the answer is no. */
export function mayNameHost(bytes: Uint8Array, needles: readonly string[]): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!FAST_TEXT) return needles.some((needle) => buffer.includes(needle, 0, "latin1"));
  const text = buffer.toString("latin1");
  return needles.some((needle) => text.includes(needle));
}

/** Bytes are compared, whatever they mean. */
function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Collects the files of one layer that name host directories. */
export class HostPathFinder {
  readonly #needles: readonly string[];
  readonly #own: readonly string[];
  readonly #longest: number;
  readonly #files: string[] = [];
  #count = 0;
  #path = "";
  #found = false;
  /** The end of what was seen of the file, in which a name may have begun. */
  #tail = "";

  /** Looks for the host directories of a map. */
  constructor({ rules, own }: RelocationMap) {
    // Whatever is below where mise installs tools is of the host, also tools that the project does not have.
    const rootOf = (path: string): string => INSTALL.exec(path)?.[1] ?? path;
    const roots = new Set(rules.map(({ host }) => rootOf(host)));
    // What has the same path in the image is found there.
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

  /** Begins a file. */
  begin(path: string): void {
    this.#path = path;
    // Bytecode names its source for tracebacks only.
    this.#found = this.#needles.length === 0 || path.endsWith(".pyc");
    this.#tail = "";
  }

  /** Looks at the next bytes of the file. */
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
    // A name that ends with the file ends there.
    if (!this.#found && this.#needles.some((needle) => this.#tail.endsWith(needle))) this.#note();
  }

  /** What the user should know, if there is anything. */
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

/** Whether a directory's name ends where it was found; what follows may be in the next bytes. */
function isWhole(needle: string, next: string | undefined): boolean {
  return needle.endsWith("/") || (next !== undefined && !NAME_BYTE.test(next));
}
