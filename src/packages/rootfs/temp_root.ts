/**
 * The temporary place of a rootfs.
 * @module
 */
import { describeError, MiseOciError } from "../../errors.ts";
import { Rootfs } from "./rootfs.ts";

/** A rootfs that is gone once disposed of. */
export interface TemporaryRootfs extends AsyncDisposable {
  /** The rootfs, empty at first. */
  readonly rootfs: Rootfs;
  /** Absolute directory of mode 0700 around it; for files of the build itself. */
  readonly directory: string;
}

/**
 * Creates an empty rootfs inside a new directory that only this user can enter, because the image may
 * have setuid programs and secrets (fault U16).
 *
 * @throws {MiseOciError} `io` if the directory cannot be created, or removed at the end.
 */
export async function createTemporaryRootfs(workDir: string): Promise<TemporaryRootfs> {
  let directory: string;
  try {
    await Deno.mkdir(workDir, { recursive: true });
    directory = await Deno.makeTempDir({ dir: workDir, prefix: "rootfs-" });
    await Deno.chmod(directory, 0o700);
    await Deno.mkdir(`${directory}/root`, { mode: 0o755 });
  } catch (cause) {
    throw new MiseOciError(
      "io",
      `Cannot create a temporary rootfs in "${workDir}": ${describeError(cause)}`,
      { cause },
    );
  }
  return {
    directory,
    rootfs: new Rootfs(`${directory}/root`),
    async [Symbol.asyncDispose](): Promise<void> {
      await removeTree(directory);
    },
  };
}

async function removeTree(directory: string): Promise<void> {
  try {
    await Deno.remove(directory, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    try {
      openDirectories(directory); // one without write permission keeps its content, unless root asks
      await Deno.remove(directory, { recursive: true });
    } catch (cause) {
      throw new MiseOciError(
        "io",
        `Cannot remove the temporary rootfs "${directory}": ${describeError(cause)}`,
        { hint: "Remove it by hand", cause },
      );
    }
  }
}

function openDirectories(directory: string): void {
  Deno.chmodSync(directory, 0o700);
  for (const entry of Deno.readDirSync(directory)) {
    if (entry.isDirectory) openDirectories(`${directory}/${entry.name}`);
  }
}
