/**
 * Reads the revision of a git repository from its files, without running git.
 * @module
 */
import { dirname, join, resolve } from "@std/path";

/** A revision. */
export interface GitRevision {
  /** Absolute path of the repository's work tree. */
  readonly root: string;
  /** The commit. */
  readonly commit: string;
  /** The checked-out branch or tag: `refs/heads/main`. */
  readonly ref?: string;
  /** URL of the remote, without user and password. */
  readonly url?: string;
}

async function maybeText(path: string): Promise<string | undefined> {
  return await Deno.readTextFile(path).catch((error: unknown) => {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  });
}

/** The repository's data directory; in a linked work tree or submodule, `.git` is a file that names it. */
async function maybeGitDirectory(root: string): Promise<string | undefined> {
  const path = join(root, ".git");
  const info = await Deno.stat(path).catch(() => undefined);
  if (info === undefined) return undefined;
  if (info.isDirectory) return path;
  const target = /^gitdir: (.+)$/m.exec(await maybeText(path) ?? "")?.[1];
  return target === undefined ? undefined : resolve(root, target.trim());
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

async function maybeResolve(
  ref: string,
  directories: readonly string[],
): Promise<string | undefined> {
  if (!/^refs\/[^\0]+$/.test(ref) || ref.split("/").includes("..")) return undefined;
  for (const directory of directories) {
    const loose = (await maybeText(join(directory, ref)))?.trim() ?? "";
    if (COMMIT.test(loose)) return loose;
    for (const line of (await maybeText(join(directory, "packed-refs")) ?? "").split("\n")) {
      const [commit = "", name] = line.trim().split(" ");
      if (name === ref && COMMIT.test(commit)) return commit;
    }
  }
  return undefined;
}

/** The URL of `origin`, without credentials. */
function maybeOrigin(config: string): string | undefined {
  const section = /\[remote "origin"\]([^[]*)/.exec(config)?.[1] ?? "";
  const url = /^\s*url\s*=\s*(\S+)\s*$/m.exec(section)?.[1];
  if (url === undefined) return undefined;
  const scp = /^(?:[^@/\s]+@)?([\w.-]+):(?!\/\/)(.+)$/.exec(url);
  if (scp !== null) return `ssh://${scp[1]}/${scp[2]?.replace(/^\//, "")}`;
  try {
    const parsed = new URL(url);
    parsed.username = "";
    parsed.password = "";
    parsed.search = "";
    // A local path means nothing on other machines.
    return parsed.protocol === "file:" ? undefined : parsed.href;
  } catch {
    return undefined;
  }
}

/** The revision of the repository that contains a directory, if any. */
export async function maybeReadRevision(directory: string): Promise<GitRevision | undefined> {
  for (let root = directory;; root = dirname(root)) {
    const git = await maybeGitDirectory(root);
    if (git !== undefined) return await readRevision(root, git);
    if (root === dirname(root)) return undefined;
  }
}

async function readRevision(root: string, git: string): Promise<GitRevision | undefined> {
  const shared = (await maybeText(join(git, "commondir")))?.trim();
  const common = shared === undefined ? git : resolve(git, shared);
  const head = (await maybeText(join(git, "HEAD")))?.trim() ?? "";
  const ref = /^ref: (\S+)$/.exec(head)?.[1];
  const commit = ref === undefined ? head : await maybeResolve(ref, [git, common]);
  if (commit === undefined || !COMMIT.test(commit)) return undefined;
  const url = maybeOrigin(await maybeText(join(common, "config")) ?? "");
  return {
    root,
    commit,
    ...(ref === undefined ? {} : { ref }),
    ...(url === undefined ? {} : { url }),
  };
}
