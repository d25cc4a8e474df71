/**
 * One set-up step at a time, over processes, done once.
 * @module
 */
import { join } from "@std/path";
import { exists, removeTree } from "./command.ts";
import { TESTBED } from "./paths.ts";

/**
 * Runs `action` while no other process holds the lock of the same name; a process that died holds none.
 * @param parent the directory of the locks is below it. Default: the testbed.
 */
export async function withLock<T>(
  name: string,
  action: () => Promise<T>,
  parent = TESTBED,
): Promise<T> {
  const directory = join(parent, "locks");
  await Deno.mkdir(directory, { recursive: true });
  using file = await Deno.open(join(directory, name), { create: true, write: true });
  await file.lock(true);
  return await action();
}

/**
 * The path of something cached below the testbed. Made by `make` in a temporary directory and renamed
 * when complete; made once, however many processes ask.
 */
export async function cached(
  name: string,
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const final = join(TESTBED, name);
  if (await exists(final)) return final;
  return await withLock(name.replaceAll("/", "_"), async () => {
    if (await exists(final)) return final;
    const partial = `${final}.partial`;
    await removeTree(partial);
    await Deno.mkdir(partial, { recursive: true });
    await make(partial);
    await Deno.rename(partial, final);
    return final;
  });
}
