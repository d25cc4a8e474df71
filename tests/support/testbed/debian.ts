/**
 * Programs from Debian's packages.
 * @module
 */
import { run, which } from "./command.ts";
import { withLock } from "./kept.ts";
import { whyNoMirror } from "./nature.ts";
import { DEBIAN_PARTS } from "./parts.ts";
import { IS_ROOT } from "./paths.ts";

type DebianPart = keyof typeof DEBIAN_PARTS;
const PARTS = Object.keys(DEBIAN_PARTS) as DebianPart[];

/** Parts that this machine cannot have, with the reason. */
type Missing = Partial<Record<DebianPart, string>>;

function absent(): DebianPart[] {
  return PARTS.filter((part) => which(part) === undefined);
}

async function aptGet(...args: string[]): Promise<string | undefined> {
  // Packages such as docker.io start a service when they are installed; tests start their own.
  const env = { ...Deno.env.toObject(), DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const options = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
  const result = await run(["apt-get", "-q", "-y", ...options, ...args], {
    env,
    allowFailure: true,
  });
  return result.code === 0
    ? undefined
    : result.stderr.trim().split("\n").at(-1) ?? "apt-get failed";
}

/**
 * Installs the packages whose programs are missing and nothing else.
 *
 * @returns the parts that this machine cannot have, with the reason.
 * @throws {Error} if a package that its release has cannot be installed.
 */
export async function installDebianPackages(log: (line: string) => void): Promise<Missing> {
  return await withLock("apt", async () => {
    const wanted = absent();
    if (wanted.length === 0) return {};
    const reason = whyNoApt();
    if (reason !== undefined) return missing(wanted, () => reason);
    const failure = await install(wanted, log);
    if (failure === undefined) return missing(absent(), (part) => `no program "${part}"`);
    const unreachable = await whyNoMirror();
    if (unreachable !== undefined) return missing(absent(), () => unreachable);
    const offered = new Set<DebianPart>();
    for (const part of absent()) if (await isOffered(part)) offered.add(part);
    if (offered.size > 0) throw new Error(`Cannot install ${[...offered].join(", ")}: ${failure}`);
    return missing(absent(), (part) => `this release has no package "${DEBIAN_PARTS[part]}"`);
  });
}

function missing(parts: readonly DebianPart[], reason: (part: DebianPart) => string): Missing {
  return Object.fromEntries(parts.map((part) => [part, reason(part)]));
}

function whyNoApt(): string | undefined {
  if (which("apt-get") === undefined) return "no apt-get on this machine";
  return IS_ROOT ? undefined : "not root, so apt-get cannot install it";
}

async function isOffered(part: DebianPart): Promise<boolean> {
  const { code } = await run(["apt-cache", "show", DEBIAN_PARTS[part]], { allowFailure: true });
  return code === 0;
}

/** Installs what can be installed. @returns why not everything was, if so. */
async function install(
  parts: readonly DebianPart[],
  log: (line: string) => void,
): Promise<string | undefined> {
  const packages = [...new Set(parts.map((part) => DEBIAN_PARTS[part]))];
  log(`installing ${packages.join(" ")}`);
  const arguments_ = ["install", "--no-install-recommends", ...packages];
  // The package lists of the machine may be good enough; if not, fetch them.
  if (await aptGet(...arguments_) === undefined) return undefined;
  await aptGet("update");
  const failure = await aptGet(...arguments_);
  if (failure === undefined) return undefined;
  // One package that does not exist on this release must not take the others with it.
  for (const name of packages) await aptGet("install", "--no-install-recommends", name);
  return failure;
}
