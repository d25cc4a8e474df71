/**
 * Installs packages into a rootfs with the base's own package manager, sources and keys. Whether this machine
 * can do that is checked before any work (fault U32).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { DEFAULT_PATH } from "../oci/image_path.ts";
import { formatPlatform, type Platform } from "../oci/mod.ts";
import type { Rootfs } from "../rootfs/rootfs.ts";
import { type IsolatedResult, prepareMountPoints, runIsolated } from "./isolate.ts";
import type { InstallStep } from "./managers/manager.ts";
import { managerOf } from "./managers/mod.ts";
import type { PackagesPlan } from "./plan.ts";

/** Facts about the host; tests use other values. */
export interface HostFacts {
  /** Operating system, as `Deno.build.os` has it. */
  readonly os: string;
  /** User id; `null` on systems without user ids. */
  readonly uid: number | null;
  /** Whether reading, writing and running programs are allowed without a path. */
  readonly allowed: Readonly<Record<"read" | "write", boolean>>;
}

/** The facts of this host. */
export function hostFacts(): HostFacts {
  const allowed = (name: "read" | "write"): boolean =>
    Deno.permissions.querySync({ name }).state === "granted";
  return {
    os: Deno.build.os,
    uid: Deno.uid(),
    allowed: { read: allowed("read"), write: allowed("write") },
  };
}

/**
 * Checks that packages can be installed on this host.
 *
 * @throws {MiseOciError} `packages` if it is not Linux or the user not root, `permission` naming the flag
 * that is missing.
 */
export function checkHost({ os, uid, allowed }: HostFacts = hostFacts()): void {
  if (os !== "linux") {
    throw new MiseOciError("packages", "Cannot install system packages: it takes a Linux host", {
      hint: "Build on Linux, or choose a base image that has the packages",
    });
  }
  for (const name of ["read", "write"] as const) {
    if (allowed[name]) continue;
    // Deno.symlink refuses grants that are limited to paths.
    throw new MiseOciError(
      "permission",
      `Cannot install system packages: unpacking links takes --allow-${name} for all paths`,
      { hint: `Pass --allow-${name} without paths` },
    );
  }
  if (uid !== 0) {
    throw new MiseOciError("packages", "Cannot install system packages: it takes root", {
      hint: "Run mise-oci as root, or in a user name space that has one: podman unshare mise-oci …",
    });
  }
}

/**
 * `SOURCE_DATE_EPOCH` for installation, 1980-01-01. User databases contain it as the day of the last change,
 * and with it Python writes bytecode that is validated by content and not by time. Not 0, which would make
 * the passwords of new users expire.
 */
export const INSTALL_EPOCH = 315532800;

const PROXIES = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

/** The environment of every command: only the proxies of the host. */
export function installEnv(
  hostEnv: (name: string) => string | undefined,
): Readonly<Record<string, string>> & { readonly PATH: string } {
  const proxies = PROXIES.flatMap((name) => {
    const value = hostEnv(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/root",
    LC_ALL: "C.UTF-8",
    TZ: "UTC",
    TERM: "dumb",
    DEBIAN_FRONTEND: "noninteractive",
    DEBCONF_NONINTERACTIVE_SEEN: "true",
    SOURCE_DATE_EPOCH: String(INSTALL_EPOCH),
    ...Object.fromEntries(proxies),
  };
}

/** The context for an installation. */
export interface InstallContext {
  /** Variables of the host: PATH and proxies. */
  readonly env?: (name: string) => string | undefined;
  /** Kills what is running. */
  readonly signal?: AbortSignal;
  /** Called with details: 1 for steps, 2 for lines of output. */
  readonly detail?: (level: 1 | 2, text: string) => void;
  /** Longest time of one step in ms; default half an hour. */
  readonly timeout?: number;
}

const HALF_AN_HOUR = 30 * 60 * 1000;

/**
 * Installs the packages of a plan.
 *
 * @throws {MiseOciError} `packages` with the manager's output if it fails, hangs, or cannot run on this
 * machine.
 */
export async function installPackages(
  rootfs: Rootfs,
  plan: PackagesPlan,
  options: InstallContext & { readonly platform: Platform },
): Promise<void> {
  prepareMountPoints(rootfs);
  provideHostFiles(rootfs);
  const { probe, steps } = managerOf(plan.manager).install(plan.packages);
  const probed = await run(rootfs, probe, options);
  if (probed.code !== 0) throw probeError(probed, options.platform);
  const names = plan.packages.map(({ name }) => JSON.stringify(name)).join(", ");
  for (const step of steps) {
    options.detail?.(1, `${step.name} (${names})`);
    const result = await run(rootfs, step, options);
    if (result.code !== 0) throw stepError(step, result, `${plan.manager} packages ${names}`);
  }
}

async function run(
  rootfs: Rootfs,
  step: InstallStep,
  { env = () => undefined, signal, detail, timeout = HALF_AN_HOUR }: InstallContext,
): Promise<IsolatedResult> {
  const limit = AbortSignal.timeout(timeout);
  const hostPath = env("PATH");
  try {
    return await runIsolated(rootfs, {
      command: step.command,
      network: step.network,
      env: installEnv(env),
      hostPath: hostPath === undefined ? DEFAULT_PATH : `${hostPath}:${DEFAULT_PATH}`,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      onLine: (line) => detail?.(2, `${step.name}: ${line}`),
    });
  } catch (error) {
    if (signal?.aborted === true || !limit.aborted) throw error;
    throw new MiseOciError(
      "packages",
      `Cannot install packages: ${step.name} did not end within ${
        Math.round(timeout / 1000)
      } seconds`,
    );
  }
}

/** Files that containers get from their host; the layer never has them. */
function provideHostFiles(rootfs: Rootfs): void {
  for (const path of ["etc/resolv.conf", "etc/hosts"]) {
    const real = rootfs.locate(path, "ignore");
    const content = maybeReadHostFile(`/${path}`);
    if (real !== undefined && content !== undefined) {
      writeFile(rootfs, real, { content, mode: 0o644 });
    }
  }
  // Debian's maintainer scripts call it to find out whether they may start services.
  const policy = rootfs.locate("usr/sbin/policy-rc.d", "ignore");
  if (policy !== undefined && rootfs.lstat(policy) === undefined) {
    const content = new TextEncoder().encode("#!/bin/sh\nexit 101\n");
    writeFile(rootfs, policy, { content, mode: 0o755 });
  }
}

function writeFile(
  rootfs: Rootfs,
  real: string,
  { content, mode }: { readonly content: Uint8Array; readonly mode: number },
): void {
  using file = rootfs.createFile(real);
  for (let done = 0; done < content.length;) done += file.writeSync(content.subarray(done));
  rootfs.setAttributes(real, { mode, uid: 0, gid: 0, mtime: 0 });
}

function maybeReadHostFile(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** How to let the kernel run programs of a platform. */
function registerHint({ architecture }: Platform): string {
  return "apt-get install qemu-user-static binfmt-support (Debian, Ubuntu), or " +
    `docker run --privileged --rm tonistiigi/binfmt --install ${architecture}`;
}

function probeError({ tail }: IsolatedResult, platform: Platform): MiseOciError {
  const said = clean(tail.at(-1) ?? "no output");
  if (/Exec format error/i.test(said)) {
    return new MiseOciError(
      "packages",
      `Cannot install packages: this machine cannot run ${formatPlatform(platform)} programs`,
      {
        hint: `Register an emulator: ${registerHint(platform)}; or build on such a machine`,
      },
    );
  }
  return new MiseOciError(
    "packages",
    `Cannot run programs of the base image apart from the host: ${said}`,
    {
      // A handler without the flag F searches for the emulator in the base.
      hint: /No such file or directory/i.test(said)
        ? `If this machine is not ${
          formatPlatform(platform)
        }, register an emulator with the flag F: ${registerHint(platform)}`
        : "It takes root, util-linux, and the right to create name spaces (in a container: " +
          "--privileged)",
    },
  );
}

function stepError(step: InstallStep, { code, tail }: IsolatedResult, what: string): MiseOciError {
  const errors = tail.filter((line) => /^(?:E|ERROR|Err|dpkg: error)\b/.test(line));
  const said = (errors.length > 0 ? errors : tail.slice(-3)).map(clean).join("; ");
  return new MiseOciError(
    "packages",
    `Cannot install ${what}: ${step.name} ended with exit code ${code}: ${said.slice(0, 1000)}`,
    { hint: "See everything that it said with -vv" },
  );
}

/** A line of output of a program of the base, without terminal control characters. */
function clean(line: string): string {
  // deno-lint-ignore no-control-regex
  return line.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim();
}
