/**
 * Programs that play podman or docker: shell scripts in a directory of their own.
 * @module
 */
import { join } from "@std/path";
import { makeTempDir } from "./testbed/command.ts";

/** A program that notes how it was called. */
export interface FakeProgram extends AsyncDisposable {
  /** Absolute directory that holds only this program. */
  readonly directory: string;
  /** Absolute path. */
  readonly path: string;
  /** The arguments of each call so far. */
  calls(): Promise<readonly (readonly string[])[]>;
}

/** Makes a program of a script for `sh`; `$CALLS` is where it may keep files. */
export async function makeFakeProgram(name: string, script: string): Promise<FakeProgram> {
  const temp = await makeTempDir();
  const directory = join(temp.path, "bin");
  const calls = join(temp.path, "calls");
  await Deno.mkdir(directory);
  await Deno.mkdir(calls);
  const path = join(directory, name);
  // One file a call, an argument's end marked by NUL: an argument may hold anything else.
  const note = `CALLS='${calls}'; f=$(mktemp "$CALLS/call.$(date +%s%N).XXXXXX"); ` +
    `for a in "$@"; do printf '%s\\0' "$a"; done > "$f"`;
  await Deno.writeTextFile(path, `#!/bin/sh\n${note}\n${script}\n`, { mode: 0o755 });
  return {
    directory,
    path,
    calls: async () => {
      const names = await Array.fromAsync(Deno.readDir(calls), (entry) => entry.name);
      const files = names.filter((file) => file.startsWith("call.")).sort();
      return await Promise.all(files.map(async (file) => {
        const text = await Deno.readTextFile(join(calls, file));
        return text.split("\0").slice(0, -1);
      }));
    },
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}
