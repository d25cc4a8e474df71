/**
 * Temporary directories for a rootfs.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import { makeRootfsPlace, sweepRootfsPlaces } from "../store/rootfs_places.ts";
import { Rootfs } from "./rootfs.ts";

/** A rootfs that is removed when it is disposed of. */
export interface TemporaryRootfs extends AsyncDisposable {
  /** The rootfs, empty at first. */
  readonly rootfs: Rootfs;
  /** Absolute directory of mode 0700 around it; for files of the build itself. */
  readonly directory: string;
}

/**
 * Creates an empty rootfs inside a new directory that only this user can enter (fault U16). Those that
 * killed builds left behind are removed first.
 *
 * @throws {MiseOciError} `io` if the directory cannot be created, or removed at the end.
 */
export async function createTemporaryRootfs(workDir: string): Promise<TemporaryRootfs> {
  try {
    await sweepRootfsPlaces(workDir);
    const place = await makeRootfsPlace(workDir);
    await Deno.mkdir(`${place.directory}/root`, { mode: 0o755 });
    return { ...place, rootfs: new Rootfs(`${place.directory}/root`) };
  } catch (cause) {
    throw new MiseOciError(
      "io",
      `Cannot create a temporary rootfs in "${workDir}": ${describeError(cause)}`,
      { cause },
    );
  }
}
