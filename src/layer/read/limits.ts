/**
 * How much a layer may ask for before it is taken for a bomb.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { TAR_LIMITS, type TarLimits } from "../../tar/parser.ts";

/** Bounds of what is read from one layer. */
export interface LayerLimits extends TarLimits {
  /** Most uncompressed bytes per compressed byte… */
  readonly maxRatio: number;
  /** …once this many uncompressed bytes were seen. */
  readonly ratioAfterBytes: number;
}

/** Those of a tar; 2000:1 after 64 MiB. */
const DEFAULT_LIMITS: LayerLimits = {
  ...TAR_LIMITS,
  maxRatio: 2000,
  ratioAfterBytes: 64 * 1024 ** 2,
};

/** Options that everything that reads a layer shares. */
export interface LayerReadOptions {
  /** What the layer is called in messages; default `layer`. */
  readonly what?: string;
  /** Bounds; those left out have the values of {@linkcode DEFAULT_LIMITS}. */
  readonly limits?: Partial<LayerLimits>;
  /** Takes what the user should know, one sentence each. */
  readonly warn?: (text: string) => void;
  /** Stops reading. */
  readonly signal?: AbortSignal;
  /**
   * Whether whoever reads is done with a chunk once it asks for the next: its memory is then freed at
   * once, and not when garbage is collected, which would let 60 MB pile up. Default: false.
   */
  readonly transient?: boolean;
}

/** Counts what a layer's stream gives and fails once a bound is passed. */
export class LayerMeter {
  /** Compressed bytes so far. */
  bytesIn = 0;
  /** Uncompressed bytes so far. */
  bytesOut = 0;
  readonly #limits: LayerLimits;
  readonly #what: string;
  readonly #signal: AbortSignal | undefined;

  /** Starts at zero with the bounds of the options. */
  constructor(options: LayerReadOptions) {
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#what = options.what ?? "layer";
    this.#signal = options.signal;
  }

  /** Counts compressed bytes. @throws the signal's reason if it is aborted. */
  input(bytes: number): void {
    this.#signal?.throwIfAborted();
    this.bytesIn += bytes;
  }

  /** Counts uncompressed bytes. @throws {MiseOciError} `invalid` once a bound is passed. */
  output(bytes: number): void {
    this.bytesOut += bytes;
    const { maxBytes, maxRatio, ratioAfterBytes } = this.#limits;
    if (this.bytesOut > maxBytes) {
      this.#fail(`it is larger than ${maxBytes} bytes uncompressed`);
    }
    if (this.bytesOut > ratioAfterBytes && this.bytesOut > this.bytesIn * maxRatio) {
      this.#fail(`it expands to more than ${maxRatio} times its compressed size`);
    }
  }

  #fail(why: string): never {
    throw new MiseOciError("invalid", `Refusing to read ${this.#what}: ${why}`, {
      hint: "This looks like a decompression bomb; use another base image",
    });
  }
}
