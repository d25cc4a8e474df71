/**
 * Checks the content of an image before anything is built: the real paths of tools, whether copied files
 * exist, credentials, and conflicts of layers with each other or with the base.
 * @module
 */
import { basename, isAbsolute, relative } from "@std/path";
import { baseContentKey } from "./base/base_facts.ts";
import type { BaseImage } from "./base/base_image.ts";
import type { WorkflowContext } from "../context.ts";
import { describeError, MiseOciError } from "../errors.ts";
import { parseDockerignore } from "../layer/tree/dockerignore.ts";
import type { BaseDirectories, LayerEntry, LayerTree } from "../layer/mod.ts";

import { findSecrets } from "../layer/tree/secrets.ts";
import { Sha256 } from "../oci/mod.ts";
import {
  type BuildPlan,
  type Copy,
  type DeclaredPlace,
  type LayerPlan,
  nameMatcher,
  type Project,
  refuseDeclared,
  type Tool,
} from "../plan/mod.ts";
import { secretFinder } from "../secrets.ts";
import type { Cache } from "../store/mod.ts";
import { isWithin } from "../paths.ts";

/** Imported on demand: warm builds find everything in the cache. */
const filesModule = () => import("./base/base_files.ts");

/** Number of paths shown in a message. */
const SHOWN = 5;

/** A problem with files in a layer. */
export interface LayerConcern {
  /** One sentence without a final period, with the layer and the first paths. */
  readonly text: string;
  /** All affected image paths. */
  readonly paths: readonly string[];
}

/**
 * The concern about credentials in a layer; names paths, never content.
 *
 * @param onSearch Called for each file whose text is searched.
 * @throws {MiseOciError} `secret` for a file that contains the value of a variable that is declared secret
 * or left out.
 */
export function maybeSecretsConcern(
  layer: LayerPlan,
  { entries }: LayerTree,
  { declared = [], allowed = [] }: Pick<BuildPlan, "declared" | "allowed">,
  onSearch: () => void = () => {},
): LayerConcern | undefined {
  const maybeDeclared = secretFinder(declared);
  const found: DeclaredPlace[] = [];
  const own = findSecrets(entries, {
    published: layer.policies.isPublished === true,
    texts: layer.policies.searchesTexts === true,
    allowed: nameMatcher(allowed),
    onText: (path, text) => {
      onSearch();
      const secret = maybeDeclared(text);
      if (secret === undefined) return;
      found.push({ what: `the file ${JSON.stringify(path)}`, name: path, secret });
    },
  });
  refuseDeclared(found);
  if (own.length === 0) return undefined;
  const paths = own.map((path) => `/${path}`);
  const shown = paths.slice(0, SHOWN).map((path) => JSON.stringify(path)).join(", ");
  const more = paths.length > SHOWN ? ` and ${paths.length - SHOWN} more (-v lists them)` : "";
  const name = JSON.stringify(layer.name);
  const text = `The ${layer.kind} layer ${name} holds what looks like credentials: ${shown}${more}`;
  return { text, paths };
}

/** @throws {MiseOciError} `secret` with every concern and all of its paths. */
export function refuseSecrets(concerns: readonly LayerConcern[]): void {
  if (concerns.length === 0) return;
  const texts = concerns.map(({ text, paths }) =>
    paths.length > SHOWN
      ? `${text.slice(0, text.lastIndexOf(": "))}: ${
        paths.map((path) => JSON.stringify(path)).join(", ")
      }`
      : text
  );
  throw new MiseOciError("secret", `Refused by --strict-env: ${texts.join("; ")}`, {
    hint: "Leave the files out with globs in exclude under [_.oci] or, of a copy, in its " +
      ".dockerignore; or accept one with --allow-env PATH",
  });
}

const CHECKS = "base-checks";

/** Options of {@linkcode refuseReplacements}. */
export interface GroundOptions {
  /** The base with packages. */
  readonly ground: BaseImage;
  /** Its directories. */
  readonly baseDirectories: BaseDirectories;
  /** Contains its layers. */
  readonly cache: Cache;
  /** The contents of the other layers that were already scanned. */
  readonly trees?: ReadonlyMap<LayerPlan, LayerTree>;
}

/** Whether an entry may change the type of a base path, which only the base's list of files can tell. */
function isDoubtful({ type, path }: LayerEntry, base: BaseDirectories): boolean {
  if (type !== "directory") return base.has(path);
  const slash = path.lastIndexOf("/");
  return slash < 0 || base.has(path.slice(0, slash));
}

/**
 * Refuses entries that would replace a directory of the base or another layer by a file, or a file by a
 * directory, since everything below would be lost. The base's files are read only for paths that were not
 * checked before.
 *
 * @throws {MiseOciError} `invalid` naming layer and path.
 */
export async function refuseReplacements(
  plan: LayerPlan,
  tree: LayerTree,
  { ground, baseDirectories, cache, trees = new Map() }: GroundOptions,
  context: WorkflowContext,
): Promise<void> {
  const { entries } = tree;
  refuseConflicts(plan, tree, trees);
  for (const text of hiddenFiles(plan, tree, trees)) {
    context.reporter.emit({ type: "warning", text });
  }
  if (ground.layers.length === 0) return;
  const doubtful = entries.filter((entry) => isDoubtful(entry, baseDirectories));
  if (doubtful.length === 0) return;
  const hash = new Sha256().update(await baseContentKey(ground));
  for (const { type, path } of doubtful) hash.update(`\0${type} ${path}`);
  const key = await hash.hex();
  if (await cache.getDocument(CHECKS, key) === true) return;
  const { readBaseFiles } = await filesModule();
  const files = await readBaseFiles(ground, cache, context);
  for (const { type, path } of doubtful) {
    const there = files.get(path)?.type;
    const replaced = type === "directory"
      ? there !== undefined && files.resolve(path)?.type !== "directory"
      : there === "directory" || type !== "symlink" && files.resolve(path)?.type === "directory";
    if (!replaced) continue;
    const [what, instead] = type === "directory" ? ["file", "directory"] : ["directory", "file"];
    throw new MiseOciError(
      "invalid",
      `Cannot put ${JSON.stringify(plan.name)} in the image: "/${path}" is a ${what} of the base ` +
        `image, and would become a ${instead === "file" && type === "symlink" ? "link" : instead}`,
      { hint: `Choose another image path${type === "file" ? `, such as "/${path}/NAME"` : ""}` },
    );
  }
  await cache.putDocument(CHECKS, key, true);
}

/** Whether two layers can overlap: most tools and copies cannot. */
function mayMeet(a: LayerPlan, b: LayerPlan): boolean {
  return a.sources.some(({ imagePath: one }) =>
    b.sources.some(({ imagePath: other }) => isWithin(one, other) || isWithin(other, one))
  );
}

/** Whether the contents of a layer must be compared with other layers of the image. */
export function meetsOthers(layer: LayerPlan, { layers }: Pick<BuildPlan, "layers">): boolean {
  return layers.some((other) => other !== layer && mayMeet(layer, other));
}

/** A path that is a directory in only one of the trees. */
function maybeConflict(a: LayerTree, b: LayerTree): string | undefined {
  const [few, many] = a.entries.length < b.entries.length ? [a, b] : [b, a];
  const types = new Map(few.entries.map(({ path, type }) => [path, type === "directory"]));
  return many.entries.find(({ path, type }) =>
    types.has(path) && types.get(path) !== (type === "directory")
  )?.path;
}

function describe({ kind, name }: LayerPlan): string {
  return kind === "tool" || kind === "copy" ? `${kind} ${JSON.stringify(name)}` : `${kind} layer`;
}

/**
 * Refuses a layer that conflicts with one scanned earlier.
 *
 * @param trees contents of the other layers.
 * @throws {MiseOciError} `invalid` naming both layers and the path.
 */
export function refuseConflicts(
  plan: LayerPlan,
  tree: LayerTree,
  trees: ReadonlyMap<LayerPlan, LayerTree>,
): void {
  for (const [other, held] of trees) {
    if (other === plan || !mayMeet(plan, other)) continue;
    const path = maybeConflict(tree, held);
    if (path === undefined) continue;
    const isDirectory = tree.entries.some((entry) =>
      entry.path === path && entry.type === "directory"
    );
    const [directory, file] = isDirectory ? [plan, other] : [other, plan];
    throw new MiseOciError(
      "invalid",
      `Cannot put ${describe(file)} and ${describe(directory)} in one image: ` +
        `"/${path}" is a file in the first and a directory in the second`,
      { hint: "Choose another image path for one of them" },
    );
  }
}

/** Warns of each file of a copy or dotfile that one of mise-oci's own layers replaces. */
export function hiddenFiles(
  plan: LayerPlan,
  tree: LayerTree,
  trees: ReadonlyMap<LayerPlan, LayerTree>,
): readonly string[] {
  return [...trees].flatMap(([other, held]) => {
    if (other === plan || !mayMeet(plan, other)) return [];
    const isTop = plan.policies.isTop === true;
    if (isTop === (other.policies.isTop === true)) return [];
    const [top, topTree] = isTop ? [plan, tree] as const : [other, held] as const;
    const [below, belowTree] = isTop ? [other, held] as const : [plan, tree] as const;
    const files = new Set(
      topTree.entries.filter(({ type }) => type !== "directory").map(({ path }) => path),
    );
    return belowTree.entries.filter(({ path }) => files.has(path)).map(({ path }) =>
      `"/${path}" of ${
        describe(below)
      } is not what the image has: the ${top.kind} layer takes its ` +
      `place${top.kind === "mise" ? " (--no-mise leaves that out)" : ""}`
    );
  });
}

async function maybeRealPath(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    // A link to itself has no target.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.FilesystemLoop) {
      return undefined;
    }
    throw error;
  }
}

/** `path` relative to `root`; `undefined` if it is not below it. */
function below(root: string, path: string): string | undefined {
  const result = relative(root, path);
  return result === ".." || result.startsWith("../") || isAbsolute(result) ? undefined : result;
}

async function binDirs(tool: Tool, realInstall: string): Promise<readonly string[]> {
  const dirs = await Promise.all(tool.binPaths.map(async (path) => {
    const real = await maybeRealPath(path);
    return (real === undefined ? undefined : below(realInstall, real)) ??
      below(tool.installPath, path) ?? [];
  }));
  const found = dirs.flat();
  return found.length > 0 ? [...new Set(found)] : ["bin"];
}

/**
 * Sets `realInstallPath` and `binDirs` of each tool. A tool that is not installed keeps mise's values. A
 * tool without directories of executables gets `bin`, mise's convention.
 */
export async function followToolPaths(project: Project): Promise<Project> {
  const tools = await Promise.all(project.tools.map(async (tool): Promise<Tool> => {
    const real = await maybeRealPath(tool.installPath);
    const realInstallPath = real ?? tool.installPath;
    return { ...tool, realInstallPath, binDirs: await binDirs(tool, realInstallPath) };
  }));
  return { ...project, tools };
}

const MISSING = "no such file or directory";

/** Why something cannot be copied, if so. */
async function maybeProblem(
  path: string,
  { image, directory }: { readonly image: string; readonly directory: boolean },
): Promise<string | undefined> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return MISSING;
    if (error instanceof Deno.errors.NotCapable) throw error;
    return describeError(error);
  }
  if (!info.isFile && !info.isDirectory) return "neither a file nor a directory";
  if (directory && !info.isDirectory) {
    return `it is a file and the image path ends with "/": write ${
      JSON.stringify(`${image}/${basename(path)}`)
    } instead`;
  }
  return undefined;
}

/**
 * Checks that every file and directory to copy into the image exists.
 *
 * @throws {MiseOciError} `not-found` naming each host path that is missing or of the wrong kind.
 */
export async function checkSources(
  { dotfiles = [] }: Pick<Project, "dotfiles">,
  copies: readonly Copy[],
): Promise<void> {
  const wanted = [
    ...copies.map(({ host, image, directory = false }) => ({ host, image, directory })),
    ...dotfiles.flatMap(({ hostPath, target, mode }) =>
      hostPath === undefined || mode === "template" || mode === "content" || mode === "absent"
        ? []
        : [{ host: hostPath, image: target, directory: mode === "symlink-each" }]
    ),
  ];
  const problems: string[] = [];
  let missing = false;
  for (const { host, image, directory } of wanted) {
    const problem = await maybeProblem(host, { image, directory });
    if (problem === undefined) continue;
    missing ||= problem === MISSING;
    problems.push(`Cannot copy ${JSON.stringify(host)} to ${JSON.stringify(image)}: ${problem}`);
  }
  if (problems.length === 0) return;
  throw new MiseOciError("not-found", problems.join("; "), {
    hint: missing
      ? "A relative path starts at the file that names it, that of --copy at the working directory"
      : "Copy files and directories, each under its full path in the image",
  });
}

/** Larger than any `.dockerignore`. */
const MAX_IGNORE_BYTES = 1 << 20;

/** The patterns of a directory's `.dockerignore`; `undefined` if it has none. */
async function maybeIgnore(host: string): Promise<readonly string[] | undefined> {
  const path = `${host.replace(/\/+$/, "")}/.dockerignore`;
  let text: string;
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) return undefined;
    if (size > MAX_IGNORE_BYTES) throw new Error(`it has more than ${MAX_IGNORE_BYTES} bytes`);
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    if (error instanceof Deno.errors.NotCapable) throw error;
    // Without it, files that should be left out would be copied.
    throw new MiseOciError("io", `Cannot read ${JSON.stringify(path)}: ${describeError(error)}`, {
      cause: error,
    });
  }
  return parseDockerignore(text);
}

/** Adds the patterns of `.dockerignore` to copies. */
export async function withIgnores(copies: readonly Copy[]): Promise<readonly Copy[]> {
  return await Promise.all(copies.map(async (copy) => {
    const ignore = await maybeIgnore(copy.host);
    return ignore === undefined || ignore.length === 0 ? copy : { ...copy, ignore };
  }));
}
