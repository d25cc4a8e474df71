/**
 * Where a command writes its result: a file that appears when it is complete, or standard output.
 * @module
 */
import { dirname } from "@std/path";
import { describeError, MiseOciError } from "../errors.ts";
import { realDisk } from "./disk.ts";
import { maybeLstat, maybeStat, maybeSystemCode } from "./io_error.ts";
import { checkWritable, TempFile } from "./temp_file.ts";

/** The path that means standard output. */
export const STDOUT = "-";

const NAME_FILE = "Name a file in a directory that exists";

/** Takes the bytes of an output. */
interface OutputSink {
  /** Writes all bytes. @throws {MiseOciError} `io` naming the file or `stdout`. */
  write(chunk: Uint8Array): Promise<void>;
}

function failure(path: string, why: string, hint: string): MiseOciError {
  return new MiseOciError("io", `Cannot write ${JSON.stringify(path)}: ${why}`, { hint });
}

/**
 * The file to write for a path: links are followed, so that a link remains one. A pipe or a device would be
 * replaced by a file, and the program at its other end would wait forever.
 *
 * @throws {MiseOciError} `io` for anything that exists and is not a file.
 */
async function outputPath(path: string): Promise<string> {
  const info = maybeStat(path);
  if (info?.isDirectory) throw failure(path, "it is a directory", NAME_FILE);
  if (info !== undefined && !info.isFile) {
    throw failure(path, "it is a pipe, a socket or a device", `${NAME_FILE}, or - for stdout`);
  }
  return info !== undefined && maybeLstat(path)?.isSymlink === true
    ? await Deno.realPath(path)
    : path;
}

/**
 * Reports before the work that an output cannot be written.
 *
 * @throws {MiseOciError} `io` naming the path.
 */
export async function checkOutputFile(path: string): Promise<void> {
  if (path === STDOUT) return;
  const parent = dirname(await outputPath(path));
  if (maybeStat(parent)?.isDirectory !== true) {
    throw failure(path, `there is no directory ${JSON.stringify(parent)}`, NAME_FILE);
  }
  await checkWritable(parent);
}

/** The error for a failed write to standard output. */
function stdoutError(error: unknown): unknown {
  if (maybeSystemCode(error) === undefined) return error;
  const isBroken = error instanceof Deno.errors.BrokenPipe;
  const [words] = describeError(error).split(" (os error");
  const why = isBroken ? "the program that reads it has ended" : words;
  return new MiseOciError("io", `Cannot write to stdout: ${why}`, {
    hint: isBroken ? "See what that program says, or name a file" : "Write to another place",
    cause: error,
  });
}

async function intoFile(
  path: string,
  produce: (sink: OutputSink) => Promise<void>,
): Promise<void> {
  const target = await outputPath(path);
  const file = await TempFile.create(dirname(target));
  try {
    await produce(file);
    await file.commit(target);
  } catch (error) {
    await file.abort();
    throw error;
  }
  await realDisk.syncDirectory(dirname(target));
}

/**
 * Writes to a file, which appears when it is complete, or to standard output if the path is `-`. Each write waits
 * for the previous one, so that a slow reader slows down the producer.
 *
 * @throws {MiseOciError} `io`; what `produce` throws. No file is created then.
 */
export async function writeOutput(
  path: string,
  produce: (sink: OutputSink) => Promise<void>,
): Promise<void> {
  if (path !== STDOUT) return await intoFile(path, produce);
  const writer = Deno.stdout.writable.getWriter();
  try {
    await produce({
      write: (chunk) =>
        writer.write(chunk).catch((error) => {
          throw stdoutError(error);
        }),
    });
  } finally {
    writer.releaseLock();
  }
}
