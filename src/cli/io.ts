/**
 * The real process as {@linkcode Io}.
 * @module
 */
import type { Io, TextSink } from "../commands/io.ts";

/** Writes all bytes to a stream that may accept only a part at a time. */
function sink(stream: { writeSync(bytes: Uint8Array): number }): TextSink {
  const encoder = new TextEncoder();
  return {
    write(text): void {
      for (let bytes = encoder.encode(text); bytes.length > 0;) {
        bytes = bytes.subarray(stream.writeSync(bytes));
      }
    },
  };
}

/** The environment of this process. */
export function processIo(signal: AbortSignal): Io {
  return {
    stdout: sink(Deno.stdout),
    stderr: sink(Deno.stderr),
    env: (name) => Deno.env.get(name),
    cwd: () => Deno.cwd(),
    isTerminal: (stream) => Deno[stream].isTerminal(),
    size: () => {
      try {
        return Deno.consoleSize();
      } catch {
        return undefined; // No terminal at all.
      }
    },
    signal,
  };
}
