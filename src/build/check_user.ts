/**
 * Whether the image knows the user that containers are to run as: a name that it does not know is an
 * error of every engine, only later.
 * @module
 */
import { type BuildPlan, type LayerPlan, maybeImageUser } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import { baseContentKey } from "./base_directories.ts";
import type { BaseImage } from "./base_image.ts";
import type { WorkflowContext } from "../context.ts";

/** What the layers of a base hold. */
const filesModule = () => import("./base_files.ts");

/** The part of a plan that matters here. */
export interface UserPlan {
  /** Names the user. */
  readonly config: Pick<BuildPlan["config"], "user">;
  /** May bring users along. */
  readonly layers: readonly Pick<LayerPlan, "sources">[];
}

const PASSWD = "/etc/passwd";
const USERS = "base-users";

async function isKnown(
  name: string,
  { ground, cache }: { readonly ground: BaseImage; readonly cache: Cache },
  context: WorkflowContext,
): Promise<boolean> {
  if (ground.layers.length === 0) return false;
  const key = `${await baseContentKey(ground)} ${name}`;
  const kept = await cache.getDocument(USERS, key);
  if (typeof kept === "boolean") return kept;
  const { readBaseFiles } = await filesModule();
  const files = await readBaseFiles(ground, cache, context);
  const known = maybeImageUser(name, files.text(PASSWD) ?? "") !== undefined;
  await cache.putDocument(USERS, key, known);
  return known;
}

/** Whether a layer may bring users of its own. */
function bringsUsers({ layers }: UserPlan): boolean {
  const paths = layers.flatMap(({ sources }) => sources.map(({ imagePath }) => imagePath));
  return paths.some((path) => path === PASSWD || PASSWD.startsWith(`${path}/`));
}

/**
 * Warns of a user of `[oci]` that the image does not know. Numbers need no user.
 *
 * @param options what is below the new layers, and where its layers are.
 */
export async function warnOfUnknownUser(
  plan: UserPlan,
  options: { readonly ground: BaseImage; readonly cache: Cache },
  context: WorkflowContext,
): Promise<void> {
  const [name = ""] = (plan.config.user ?? "").split(":");
  if (name === "" || /^\d+$/.test(name) || bringsUsers(plan)) return;
  if (await isKnown(name, options, context)) return;
  context.reporter.emit({
    type: "warning",
    text:
      `User ${JSON.stringify(name)} of [oci] is not in ${PASSWD} of the image, so no container ` +
      "starts. Name one that is there, or a number such as 1000",
  });
}
