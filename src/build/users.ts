/**
 * The user of an image as its base knows it, and the plan that follows from that.
 * @module
 */
import {
  type BuildPlan,
  type ImageUser,
  isNumericUser,
  type LayerPlan,
  maybeImageUser,
  type Project,
  settlePlan,
} from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import { baseContentKey } from "./base_directories.ts";
import type { BaseImage } from "./base_image.ts";
import type { WorkflowContext } from "../context.ts";
import type { ImageInput, PlannedImage } from "./plan_images.ts";

/** What the layers of a base hold. */
const filesModule = () => import("./base_files.ts");

const PASSWD = "/etc/passwd";
const GROUP = "/etc/group";
const USERS = "base-image-users";

/** What knowing users needs. */
export interface UserOptions {
  /** What is below the new layers: base and packages. */
  readonly ground: BaseImage;
  /** Where its layers are, and where answers are kept. */
  readonly cache: Cache;
}

function isImageUser(value: unknown): value is ImageUser {
  if (typeof value !== "object" || value === null) return false;
  const { uid, gid, home } = value as Record<string, unknown>;
  return Number.isInteger(uid) && Number.isInteger(gid) &&
    (home === undefined || typeof home === "string");
}

/** The user by the base's database; the answer is kept, so that a warm build reads no layer for it. */
async function maybeBaseUser(
  user: string,
  { ground, cache }: UserOptions,
  context: WorkflowContext,
): Promise<ImageUser | undefined> {
  if (ground.layers.length === 0) return maybeImageUser(user, { passwd: "", group: "" });
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

/** Whether a layer may bring a user database of its own. */
function bringsUsers(
  { layers }: { readonly layers: readonly Pick<LayerPlan, "sources">[] },
): boolean {
  const paths = layers.flatMap(({ sources }) => sources.map(({ imagePath }) => imagePath));
  return paths.some((path) => path === PASSWD || PASSWD.startsWith(`${path}/`));
}

/** The first number that distributions give to people. */
const FIRST_UID = 1000;

/** The user of an image from `scratch`, which has no database that could know its name. */
function maybeNewUser(
  user: string,
  { ground }: Pick<UserOptions, "ground">,
  { userId = FIRST_UID, groupId = userId }: Project["oci"],
): ImageUser | undefined {
  const isPlain = /^[A-Za-z_][\w.-]*$/.test(user);
  return ground.layers.length === 0 && isPlain ? { uid: userId, gid: groupId } : undefined;
}

/**
 * Completes a plan with what the base knows of the image's user, and warns of one that it does not know:
 * every engine would refuse to start a container.
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
  // A database that a layer brings says what the base's does not.
  const user = known !== undefined && (isNumericUser(wanted) || !bringsUsers(plan))
    ? known
    : undefined;
  if (known === undefined && plan.config.user !== undefined && !bringsUsers(plan)) {
    const [name = ""] = plan.config.user.split(":");
    context.reporter.emit({
      type: "warning",
      text: `User ${JSON.stringify(name)} of [oci] is not in ${PASSWD} of the image, so no ` +
        "container starts. Name one that is there, or a number such as 1000",
    });
  }
  return settlePlan(plan, project, {
    ...(options.ground.layers.length === 0 ? {} : { base: base ?? {} }),
    ...(user === undefined ? {} : { user }),
    hasOwner: request.owner !== undefined || project.oci.userId !== undefined,
  });
}
