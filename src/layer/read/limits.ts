/**
 * Limits on reading a layer, as protection against decompression bombs.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { TAR_LIMITS, type TarLimits } from "../../tar/parser.ts";

/** Limits on reading one layer. */
export interface LayerLimits extends TarLimits {
  /** Maximum number of uncompressed bytes per compressed byte… */
  readonly maxRatio: number;
  /** …after this many uncompressed bytes. */
  readonly ratioAfterBytes: number;
}

/** The limits of a tar; 2000:1 after 64 MiB. */
const DEFAULT_LIMITS: LayerLimits = {
  ...TAR_LIMITS,
  maxRatio: 2000,
  ratioAfterBytes: 64 * 1024 ** 2,
};

/** Common options of everything that reads a layer. */
export interface LayerReadOptions {
  /** The layer's name in messages; default `layer`. */
  readonly what?: string;
  /** Limits; omitted ones have the values of {@linkcode DEFAULT_LIMITS}. */
  readonly limits?: Partial<LayerLimits>;
  /** Receives warnings, one sentence each. */
  readonly warn?: (text: string) => void;
  /** Cancels reading. */
  readonly signal?: AbortSignal;
  /**
   * Whether the consumer no longer uses a chunk once it requests the next. Its memory is then freed at
   * once, instead of by the garbage collector, which would let 60 MB accumulate. Default: false.
   */
  readonly transient?: boolean;
}

/** Counts the bytes of a layer's stream and fails when a limit is exceeded. */
export class LayerMeter {
  /** Compressed bytes so far. */
  bytesIn = 0;
  /** Uncompressed bytes so far. */
  bytesOut = 0;
  readonly #limits: LayerLimits;
  readonly #what: string;
  readonly #signal: AbortSignal | undefined;

  /** Starts at zero, with the limits of the options. */
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

  /** Counts uncompressed bytes. @throws {MiseOciError} `invalid` once a limit is exceeded. */
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
