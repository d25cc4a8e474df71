/**
 * Finds the other tools that a layer refers to by path, on whose versions its bytes depend.
 * @module
 */
import type { TarEntry, TarHandler } from "../tar/parser.ts";
import type { LayerReferences } from "./store_key.ts";

/** What to search a layer for. */
export interface ReferenceOptions {
  /** The layer's own image directory: `/mise/installs/node/24.11.0`. */
  readonly image: string;
  /** Its host directories, of the same form. */
  readonly hosts: readonly string[];
}

/** Bytes kept of the previous chunk, for paths that cross the boundary. */
const OVERLAP = 512;

/** A path component below the installs directory. */
const PART = "([A-Za-z0-9][A-Za-z0-9._@+~-]*)";

/** The installs directory that contains a tool's directory. */
function installsOf(directory: string): string {
  return directory.split("/").slice(0, -2).join("/");
}

/** Finds directories of tools in a text. */
class Finder {
  readonly #installs: string;
  readonly #pattern: RegExp;

  constructor(directory: string) {
    this.#installs = installsOf(directory);
    this.#pattern = new RegExp(`${escape(this.#installs)}/${PART}/${PART}`, "g");
  }

  find(text: string): readonly string[] {
    if (this.#installs === "" || !text.includes(this.#installs)) return [];
    return Array.from(text.matchAll(this.#pattern), ([directory]) => directory);
  }
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/**
 * Searches a layer while it is read: targets of links and the content of every file. A false match only
 * changes the key; a missed one would lead to a wrong layer.
 */
export class ReferenceCollector implements TarHandler {
  readonly #references = new Set<string>();
  readonly #options: ReferenceOptions;
  readonly #image: Finder;
  readonly #hosts: readonly Finder[];
  readonly #decoder = new TextDecoder("latin1");
  #hostPath: string | undefined;
  #rest = "";

  /** Starts without references. */
  constructor(options: ReferenceOptions) {
    this.#options = options;
    this.#image = new Finder(options.image);
    this.#hosts = options.hosts.map((host) => new Finder(host));
  }

  /** The other tools that the layer refers to. */
  get references(): LayerReferences {
    return [...this.#references].sort();
  }

  /** A host directory of another tool that the layer contains, which makes it useless elsewhere. */
  get hostPath(): string | undefined {
    return this.#hostPath;
  }

  #search(text: string): void {
    const { image, hosts } = this.#options;
    for (const directory of this.#image.find(text)) {
      if (directory !== image) this.#references.add(directory);
    }
    for (const finder of this.#hosts) {
      this.#hostPath ??= finder.find(text).find((directory) => !hosts.includes(directory));
    }
  }

  /** Receives an entry. */
  entry({ linkTarget, type }: TarEntry): boolean {
    this.#rest = "";
    if (linkTarget !== undefined) this.#search(linkTarget);
    return type === "file";
  }

  /** Receives content. */
  data(chunk: Uint8Array): void {
    const text = this.#rest + this.#decoder.decode(chunk);
    this.#search(text);
    this.#rest = text.slice(-OVERLAP);
  }

  /** Receives the end of the content. */
  end(): void {
    this.#rest = "";
  }
}
