/**
 * Which other tools a layer names: with another of those, or without one, its bytes would be others.
 * @module
 */
import type { TarEntry, TarHandler } from "../tar/parser.ts";
import type { LayerReferences } from "./store_key.ts";

/** What a layer is looked through for. */
export interface ReferenceOptions {
  /** The layer's own directory in the image: `/mise/installs/node/24.11.0`. */
  readonly image: string;
  /** Its directories on the host, of the same form. */
  readonly hosts: readonly string[];
}

/** Bytes kept of the chunk before, for a path that is cut in two. */
const OVERLAP = 512;

/** A part of a path below the directory of all tools. */
const PART = "([A-Za-z0-9][A-Za-z0-9._@+~-]*)";

/** The directory of all tools that a tool's own is in. */
function installsOf(directory: string): string {
  return directory.split("/").slice(0, -2).join("/");
}

/** Finds the directories of tools that a text names. */
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
 * Looks through a layer as it is read: all names of links and all content, whatever kind of file it is. A
 * mention too many is another key and no more; one too few would be a wrong layer.
 */
export class ReferenceCollector implements TarHandler {
  readonly #references = new Set<string>();
  readonly #options: ReferenceOptions;
  readonly #image: Finder;
  readonly #hosts: readonly Finder[];
  readonly #decoder = new TextDecoder("latin1");
  #hostPath: string | undefined;
  #rest = "";

  /** Collects nothing yet. */
  constructor(options: ReferenceOptions) {
    this.#options = options;
    this.#image = new Finder(options.image);
    this.#hosts = options.hosts.map((host) => new Finder(host));
  }

  /** The other tools that the layer names. */
  get references(): LayerReferences {
    return [...this.#references].sort();
  }

  /** A host directory of another tool that the layer names: then it is of no use elsewhere. */
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

  /** Takes an entry. */
  entry({ linkTarget, type }: TarEntry): boolean {
    this.#rest = "";
    if (linkTarget !== undefined) this.#search(linkTarget);
    return type === "file";
  }

  /** Takes content. */
  data(chunk: Uint8Array): void {
    const text = this.#rest + this.#decoder.decode(chunk);
    this.#search(text);
    this.#rest = text.slice(-OVERLAP);
  }

  /** Takes the end of the content. */
  end(): void {
    this.#rest = "";
  }
}
