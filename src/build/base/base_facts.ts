/**
 * Cached facts about a base: its directories, its users, and a key for its content.
 * @module
 */
import type { BaseImage } from "./base_image.ts";
import type { ImageInput, PlannedImage } from "../types.ts";
import type { WorkflowContext } from "../../context.ts";
import type { BaseDirectories } from "../../layer/mod.ts";
import type { BaseFile, BaseFiles } from "../../layer/read/mod.ts";
import { sha256Hex } from "../../oci/mod.ts";
import {
  type BuildPlan,
  type ImageUser,
  isNumericUser,
  type LayerPlan,
  maybeImageUser,
  type Project,
  SCRATCH_USERS,
  settlePlan,
} from "../../plan/mod.ts";
import type { Cache } from "../../store/mod.ts";

/** Imported on demand: warm builds find everything in the cache. */
const filesModule = () => import("./base_files.ts");

const DIRECTORIES = "base-directories";

/** A key for everything that depends on the base's content: its layers in their order. */
export function baseContentKey(base: BaseImage): Promise<string> {
  return sha256Hex(base.layers.map(({ diffId }) => `${diffId}\n`).join(""));
}

/** Includes links to directories (`/bin` → `usr/bin`): a directory entry would replace the link. */
function isDirectory(files: BaseFiles, { type, path }: Pick<BaseFile, "type" | "path">): boolean {
  return type === "directory" || type === "symlink" && files.resolve(path)?.type === "directory";
}

/** A directory with another mode than 0755 or another owner than root: `[path, mode, uid, gid]`. */
type Reserved = readonly [path: string, mode: number, uid: number, gid: number];

function isReserved(value: unknown): value is Reserved {
  return Array.isArray(value) && typeof value[0] === "string" &&
    value.slice(1).every((number) => Number.isInteger(number) && number >= 0);
}

/** A link to a directory, and its target: `["lib", "usr/lib"]`. */
type DirectoryLink = readonly [path: string, directory: string];

function isDirectoryLink(value: unknown): value is DirectoryLink {
  return Array.isArray(value) && value.length === 2 &&
    value.every((path) => typeof path === "string" && path !== "");
}

/** The cached data about a base's directories. */
interface DirectoryList {
  readonly names: readonly string[];
  readonly reserved: readonly Reserved[];
  readonly links: readonly DirectoryLink[];
}

function maybeParseDirectories(value: unknown): DirectoryList | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { names, reserved, links } = value as Record<string, unknown>;
  if (!Array.isArray(names) || !names.every((path) => typeof path === "string")) return undefined;
  if (!Array.isArray(links) || !links.every(isDirectoryLink)) return undefined;
  return Array.isArray(reserved) && reserved.every(isReserved)
    ? { names, reserved, links }
    : undefined;
}

function listDirectories(files: BaseFiles): DirectoryList {
  const names: string[] = [];
  const reserved: Reserved[] = [];
  const links: DirectoryLink[] = [];
  for (const file of files.entries()) {
    const { path, type, mode, uid, gid } = file;
    if (path === "" || !isDirectory(files, file)) continue;
    names.push(path);
    const real = type === "symlink" ? files.resolve(path)?.path ?? "" : "";
    if (real !== "") links.push([path, real]);
    const usual = mode === 0o755 && uid === 0 && gid === 0;
    if (type === "directory" && !usual) reserved.push([path, mode, uid, gid]);
  }
  return { names, reserved, links };
}

function directoriesOf({ names, reserved, links }: DirectoryList): BaseDirectories {
  const set = new Set(names);
  const linked = new Map(links);
  const attributes = new Map(
    reserved.map(([path, mode, uid, gid]) => [path, { mode, uid, gid }]),
  );
  return {
    has: (path) => set.has(path),
    maybeReserved: (path) => attributes.get(path),
    maybeLink: (path) => linked.get(path),
  };
}

/**
 * The directories of the base, which layers do not write again. The result is cached as well, so that a warm
 * build need not merge lists of ten thousand files to find out that `/usr` is a directory.
 */
export async function readBaseDirectories(
  base: BaseImage,
  cache: Cache,
  context: WorkflowContext,
): Promise<BaseDirectories> {
  if (base.layers.length === 0) return directoriesOf({ names: [], reserved: [], links: [] });
  const key = await baseContentKey(base);
  const kept = maybeParseDirectories(await cache.getDocument(DIRECTORIES, key));
  if (kept !== undefined) return directoriesOf(kept);
  const { readBaseFiles } = await filesModule();
  const list = listDirectories(await readBaseFiles(base, cache, context));
  await cache.putDocument(DIRECTORIES, key, list);
  return directoriesOf(list);
}

const PASSWD = "/etc/passwd";
const GROUP = "/etc/group";
const USERS = "base-image-users";

/** Options of {@linkcode settleUser}. */
export interface UserOptions {
  /** The base with packages. */
  readonly ground: BaseImage;
  /** Contains its layers, and caches results. */
  readonly cache: Cache;
}

function isImageUser(value: unknown): value is ImageUser {
  if (typeof value !== "object" || value === null) return false;
  const { uid, gid, home } = value as Record<string, unknown>;
  return Number.isInteger(uid) && Number.isInteger(gid) &&
    (home === undefined || typeof home === "string");
}

/** The user in the base's database; the result is cached, so that a warm build reads no layer for it. */
async function maybeBaseUser(
  user: string,
  { ground, cache }: UserOptions,
  context: WorkflowContext,
): Promise<ImageUser | undefined> {
  if (ground.layers.length === 0) return maybeImageUser(user, SCRATCH_USERS);
  const key = `${await baseContentKey(ground)} ${user}`;
  const kept = await cache.getDocument(USERS, key);
  if (kept === false) return undefined;
  if (isImageUser(kept)) return kept;
  const { readBaseFiles } = await filesModule();
  const files = await readBaseFiles(ground, cache, context);
  const found = maybeImageUser(user, {
    passwd: files.text(PASSWD) ?? "",
    group: files.text(GROUP) ?? "",
  });
  await cache.putDocument(USERS, key, found ?? false);
  return found;
}

/** Whether a layer may contain its own user database. */
function bringsUsers(
  { layers }: { readonly layers: readonly Pick<LayerPlan, "sources">[] },
): boolean {
  const paths = layers.flatMap(({ sources }) => sources.map(({ imagePath }) => imagePath));
  return paths.some((path) => path === PASSWD || PASSWD.startsWith(`${path}/`));
}

/** The first user id that distributions assign to regular users. */
const FIRST_UID = 1000;

/**
 * The user of an image from `scratch`, whose database is written for it: names that it lacks get the numbers of
 * `[oci]`.
 */
function maybeNewUser(
  user: string,
  { ground }: Pick<UserOptions, "ground">,
  { userId, groupId = userId }: Project["oci"],
): ImageUser | undefined {
  const isPlain = /^(?:[A-Za-z_][\w.-]*|\d+)(?::(?:[A-Za-z_][\w.-]*|\d+))?$/.test(user);
  if (ground.layers.length > 0 || !isPlain) return undefined;
  const [name = "", group] = user.split(":");
  const known = maybeImageUser(name, SCRATCH_USERS);
  const uid = known?.uid ?? userId ?? FIRST_UID;
  if (group === undefined) return known ?? { uid, gid: groupId ?? uid };
  const gid = maybeImageUser(`0:${group}`, SCRATCH_USERS)?.gid ?? groupId ?? uid;
  return { uid, gid, ...(known?.home === undefined ? {} : { home: known.home }) };
}

/** Says which half of a `User` the image does not have. */
async function missingUser(
  user: string,
  options: UserOptions,
  context: WorkflowContext,
): Promise<string> {
  const [name = "", group = ""] = user.split(":");
  const isGroup = group !== "" && await maybeBaseUser(name, options, context) !== undefined;
  const [what, file] = isGroup
    ? [`Group ${JSON.stringify(group)}`, GROUP]
    : [`User ${JSON.stringify(name)}`, PASSWD];
  return `${what} is not in ${file} of the image, so no container starts. Name one that is there, or a ` +
    "number such as 1000";
}

/**
 * Completes a plan with the image's user from the base's database, and warns if it is not in there: every
 * engine would refuse to start a container.
 */
export async function settleUser(
  { plan, project }: PlannedImage,
  { request, ...options }: UserOptions & { readonly request: Pick<ImageInput, "owner"> },
  context: WorkflowContext,
): Promise<BuildPlan> {
  const base = options.ground.config?.config;
  const wanted = plan.config.user ?? base?.User ?? "";
  const known = wanted === ""
    ? undefined
    : await maybeBaseUser(wanted, options, context) ?? maybeNewUser(wanted, options, project.oci);
  // A database in a layer may contain users that the base's does not.
  const user = known !== undefined && (isNumericUser(wanted) || !bringsUsers(plan))
    ? known
    : undefined;
  if (known === undefined && plan.config.user !== undefined && !bringsUsers(plan)) {
    const text = await missingUser(plan.config.user, options, context);
    context.reporter.emit({ type: "warning", text });
  }
  return settlePlan(plan, project, {
    ...(options.ground.layers.length === 0 ? {} : { base: base ?? {} }),
    ...(user === undefined ? {} : { user }),
    hasOwner: request.owner !== undefined || project.oci.userId !== undefined,
  });
}
