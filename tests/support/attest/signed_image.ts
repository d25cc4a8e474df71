/**
 * An image that was pushed with a bill of materials, provenance and signatures.
 * @module
 */
import { runProgram, runProgramJson } from "../cli.ts";
import type { RealRegistry } from "../registries.ts";
import { createMiseProject, type MiseProject, pushBase, run, type RunResult } from "../testbed.ts";
import { writeKeyPair } from "./keys.ts";

/** Password of the keys. */
export const PASSWORD = "sentinel-password-4711";
/** SHA-256 of prettier in the lock file. */
export const CHECKSUM = "ab".repeat(32);
/** Where the lock file says that prettier comes from. */
export const URL = "https://example.com/prettier.tgz";
const LOCK = `[[tools."npm:prettier"]]
version = "3.6.2"
backend = "npm:prettier"
[tools."npm:prettier".platforms.linux-x64]
checksum = "sha256:${CHECKSUM}"
url = "${URL}"
[tools."npm:prettier".platforms.linux-arm64]
checksum = "sha256:${CHECKSUM}"
url = "${URL}"
`;

/** Runs the program in the project. */
export function miseOci(project: MiseProject, args: readonly string[]): Promise<RunResult> {
  return runProgram(args, { cwd: project.directory, env: environment(project) });
}

/** The environment of the project. */
export function environment(project: MiseProject): Record<string, string> {
  return { ...project.env, SOURCE_DATE_EPOCH: "1700000000", COSIGN_PASSWORD: PASSWORD };
}

/** A signed image with everything attached. Dispose of it before its registry. */
export interface SignedImage extends AsyncDisposable {
  /** Where it is. */
  readonly registry: RealRegistry;
  /** What it was built of: a git repository with a lock file. */
  readonly project: MiseProject;
  /** `HOST/team/app:v1`. */
  readonly reference: string;
  /** What push said. */
  readonly pushed: {
    readonly digest: string;
    readonly attached: readonly { readonly artifactType: string; readonly digest: string }[];
  };
  /** Absolute path of the public key that belongs to the signatures. */
  readonly pub: string;
  /** Absolute path of another public key. */
  readonly other: string;
}

/** Makes the project a git repository of one commit, with a token in the address of its origin. */
async function initRepository(cwd: string): Promise<void> {
  const git = (...args: string[]): Promise<RunResult> => run(["git", ...args], { cwd });
  await git("init", "-q");
  await git("add", "-A");
  await git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "x");
  await git("remote", "add", "origin", "https://u:sentinel-token@example.com/a.git");
}

/** Builds an image on Debian and pushes it with `--sbom --provenance --sign`. */
export async function pushSigned(registry: RealRegistry): Promise<SignedImage> {
  const project = await createMiseProject({ tools: ["prettier"], files: { "mise.lock": LOCK } });
  const from = await pushBase(registry.host);
  const { key, pub } = await writeKeyPair(project.root, { password: PASSWORD });
  const other = await writeKeyPair(project.root, { name: "other", password: PASSWORD });
  await initRepository(project.directory);
  const reference = `${registry.host}/team/app:v1`;
  const pushed = await runProgramJson<SignedImage["pushed"]>(
    ["push", "--from", from, "--sbom", "--provenance", "--sign", key, reference],
    { cwd: project.directory, env: environment(project) },
  );
  return {
    registry,
    project,
    reference,
    pushed,
    pub,
    other: other.pub,
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}
