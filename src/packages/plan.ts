/**
 * Which packages go into an image, in which versions, and whether they can: pure checks before any work
 * (spec.md, section 10).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { BaseFiles } from "../layer/read/mod.ts";
import { formatPlatform, MANAGER_NAMES, type ManagerName, type Platform } from "../oci/mod.ts";
import type { Manager, PackageSpec } from "./managers/manager.ts";
import { managerOf, maybeManager, maybeOther } from "./managers/mod.ts";

/** One entry of `[bootstrap.packages]`; structurally the project's `SystemPackage`. */
export interface RequestedPackage {
  /** Package manager, the part before the colon. */
  readonly manager: string;
  /** Name of the package. */
  readonly name: string;
  /** Exact version, or `latest`. */
  readonly version: string;
  /** Architectures (`GOARCH`) it is for; all if absent. */
  readonly architectures?: readonly string[];
  /** Config file that declares it. */
  readonly source: string;
}

/** Input of the packages layer. */
export interface PackagesPlan {
  /** The package manager of the base. */
  readonly manager: ManagerName;
  /** The packages by name. */
  readonly packages: readonly PackageSpec[];
}

/** Options of {@linkcode planPackages} besides the packages. */
export interface PlanPackagesOptions {
  /** What the image runs on. */
  readonly platform: Platform;
  /** The base as the user wrote it. */
  readonly from: string;
  /** The files of the base; `undefined` for `scratch`. */
  readonly base: BaseFiles | undefined;
}

/**
 * Chooses the packages of a project that are for a platform, and checks what can be checked without the
 * base image. A later entry of the same package replaces an earlier one; the order of the entries does
 * not matter otherwise.
 *
 * @returns `undefined` if there is nothing to install on this platform.
 * @throws {MiseOciError} `packages` for an unknown manager and for two managers, `config` for an invalid name
 * or version.
 */
export function selectPackages(
  requested: readonly RequestedPackage[],
  { architecture }: Platform,
): PackagesPlan | undefined {
  const wanted = requested.filter(({ architectures }) =>
    architectures === undefined || architectures.includes(architecture)
  );
  if (wanted.length === 0) return undefined;
  const manager = oneManager(wanted);
  const specs = new Map<string, PackageSpec>();
  for (const entry of wanted) {
    const spec = checkPackage(entry, manager);
    specs.set(spec.name, spec);
  }
  const packages = [...specs.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  return { manager: manager.name, packages };
}

/**
 * Checks the packages of a project against its base image.
 *
 * @returns `undefined` if there is nothing to install on this platform.
 * @throws {MiseOciError} as {@linkcode selectPackages}, and `packages` for a base without the manager.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planPackages } from "./plan.ts";
 *
 * const options = { platform: { os: "linux", architecture: "amd64" }, from: "scratch", base: undefined };
 * assertEquals(planPackages([], options), undefined);
 * ```
 */
export function planPackages(
  requested: readonly RequestedPackage[],
  options: PlanPackagesOptions,
): PackagesPlan | undefined {
  const plan = selectPackages(requested, options.platform);
  if (plan !== undefined) checkBase(managerOf(plan.manager), options);
  return plan;
}

function key({ manager, name }: RequestedPackage): string {
  return JSON.stringify(`${manager}:${name}`);
}

function oneManager(wanted: readonly RequestedPackage[]): Manager {
  const other = wanted.filter(({ manager }) => maybeManager(manager) === undefined);
  if (other.length > 0) {
    throw new MiseOciError(
      "packages",
      `Cannot install ${other.map(key).join(", ")} of "${other[0]!.source}": images can have ${
        new Intl.ListFormat("en").format(MANAGER_NAMES)
      } packages only`,
      { hint: "Remove it, or move it to a config file that image builds do not read" },
    );
  }
  const [first] = wanted;
  const manager = maybeManager(first?.manager ?? "");
  if (manager === undefined) throw new TypeError("No package is wanted");
  const second = wanted.find(({ manager }) => manager !== first!.manager);
  if (second !== undefined) {
    throw new MiseOciError(
      "packages",
      `Cannot install both ${key(first!)} and ${key(second)}: an image has one package manager`,
      { hint: "Keep the entries of the base image's own package manager" },
    );
  }
  return manager;
}

function checkPackage(entry: RequestedPackage, manager: Manager): PackageSpec {
  const { name, version, source } = entry;
  if (!manager.packageName.test(name)) {
    throw new MiseOciError(
      "config",
      `Cannot install ${key(entry)} of "${source}": not a name of ${
        /^[aeiou]/.test(manager.name) ? "an" : "a"
      } ${manager.name} package`,
    );
  }
  if (version === "latest" || version === "") return { name };
  if (!manager.version.test(version)) {
    throw new MiseOciError(
      "config",
      `Cannot install ${key(entry)} of "${source}": ${JSON.stringify(version)} is not a version`,
      { hint: 'Write an exact version, or "latest"' },
    );
  }
  return { name, version };
}

function checkBase(manager: Manager, { base, from, platform }: PlanPackagesOptions): void {
  const has = (path: string): boolean => base?.resolve(path) !== undefined;
  const missing = manager.requires.filter((path) => !has(path));
  if (missing.length === 0) return;
  const other = maybeOther(manager.name, has)?.name;
  const image = base === undefined ? `"${from}"` : `"${from}" (${formatPlatform(platform)})`;
  throw new MiseOciError(
    "packages",
    `Cannot install ${manager.name} packages on ${image}: it has no "/${missing[0]}"`,
    {
      hint: other === undefined
        ? `Use ${manager.bases} base image, or remove the ${manager.name} packages`
        : `The base image has ${other}: write "${other}:NAME" instead`,
    },
  );
}

/** Where a manager keeps its database, relative to the root. */
export function databasePath(manager: ManagerName): string {
  return managerOf(manager).database.path;
}

/**
 * The versions of all packages that a database names.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseVersions } from "./plan.ts";
 *
 * assertEquals(parseVersions("P:curl\nV:8.1-r0\n\n", "apk"), new Map([["curl", "8.1-r0"]]));
 * ```
 */
export function parseVersions(text: string, manager: ManagerName): ReadonlyMap<string, string> {
  const { name, version } = managerOf(manager).database;
  const versions = new Map<string, string>();
  for (const stanza of text.split(/\n\n+/)) {
    const lines = stanza.split("\n");
    const field = (prefix: string): string | undefined =>
      lines.find((line) => line.startsWith(prefix))?.slice(prefix.length).trim();
    const [key, value] = [field(name), field(version)];
    if (key !== undefined && value !== undefined) versions.set(key, value);
  }
  return versions;
}
