/**
 * The real process as {@linkcode Io}.
 * @module
 */
import type { Io, TextSink } from "../commands/io.ts";
import { describeError, MiseOciError } from "../errors.ts";

/** Writes all bytes to a stream that may accept only a part at a time. */
function sink(name: "stdout" | "stderr"): TextSink {
  const encoder = new TextEncoder();
  return {
    write(text): void {
      try {
        for (let bytes = encoder.encode(text); bytes.length > 0;) {
          bytes = bytes.subarray(Deno[name].writeSync(bytes));
        }
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) throw error;
        const [why] = describeError(error).split(" (os error");
        throw new MiseOciError("io", `Cannot write to ${name}: ${why}`, {
          hint: "Write to another place",
          cause: error,
        });
      }
    },
  };
}

/** The environment of this process. */
export function processIo(signal: AbortSignal): Io {
  return {
    stdout: sink("stdout"),
    stderr: sink("stderr"),
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
