/**
 * Where the home of the image's user is: only the base knows.
 * @module
 */
import { type BuildPlan, hasHomeDotfiles, maybeImageUser, planDotfiles } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { BaseImage } from "./base_image.ts";
import type { ImageInput, PlannedImage } from "./plan_images.ts";
import type { WorkflowContext } from "../context.ts";

/** What the layers of a base hold. */
const filesModule = () => import("./base_files.ts");

/** What moving dotfiles needs. */
export interface MoveDotfilesOptions {
  /** What is below the dotfiles: base and packages. */
  readonly ground: BaseImage;
  /** Where its layers are. */
  readonly cache: Cache;
  /** The flags. */
  readonly request: Pick<ImageInput, "owner">;
}

/**
 * Moves the dotfiles of a plan from root's home to that of the user that containers run as, if the base
 * knows it. They are the user's own unless the project or a flag names an owner: inline dotfiles can be
 * read by nobody else.
 */
export async function moveDotfiles(
  { plan, project }: PlannedImage,
  { ground, cache, request }: MoveDotfilesOptions,
  context: WorkflowContext,
): Promise<BuildPlan> {
  const user = plan.config.user ?? ground.config?.config?.User ?? "";
  if (!hasHomeDotfiles(project) || user === "" || ground.layers.length === 0) return plan;
  const { readBaseFiles } = await filesModule();
  const files = await readBaseFiles(ground, cache, context);
  const known = maybeImageUser(user, files.text("/etc/passwd") ?? "");
  if (known === undefined) return plan;
  const { uid, gid, home } = known;
  const given = request.owner !== undefined || project.oci.userId !== undefined;
  const layers = plan.layers.flatMap((layer) =>
    layer.kind === "dotfiles"
      ? planDotfiles(project, {
        home,
        owner: layer.owner,
        ...(given ? {} : { homeOwner: { uid, gid } }),
      })
      : layer
  );
  return { ...plan, layers };
}
