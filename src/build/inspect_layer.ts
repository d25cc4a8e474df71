/**
 * Looks at what goes into a layer before anything is built: credentials, and files that would take the
 * place of a directory of the base.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { BaseDirectories, LayerEntry, LayerTree } from "../layer/mod.ts";
import { findSecrets } from "../layer/secrets.ts";
import { Sha256 } from "../oci/mod.ts";
import type { LayerPlan } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import { baseContentKey } from "./base_directories.ts";
import type { BaseImage } from "./base_image.ts";
import { hiddenFiles, refuseConflicts } from "./layer_conflicts.ts";
import type { WorkflowContext } from "../context.ts";

/** What the layers of a base hold. */
const filesModule = () => import("./base_files.ts");

/** Paths named in a message. */
const SHOWN = 5;

function list(paths: readonly string[]): string {
  const shown = paths.slice(0, SHOWN).map((path) => JSON.stringify(`/${path}`)).join(", ");
  return paths.length > SHOWN ? `${shown} and ${paths.length - SHOWN} more` : shown;
}

/** What to say if a layer holds credentials: paths, never content. */
export function maybeSecretsConcern(
  plan: LayerPlan,
  { entries }: LayerTree,
): string | undefined {
  const paths = findSecrets(entries);
  if (paths.length === 0) return undefined;
  return `The ${plan.kind} layer ${JSON.stringify(plan.name)} holds what looks like credentials: ${
    list(paths)
  }`;
}

/** @throws {MiseOciError} `secret` with every concern. */
export function refuseSecrets(concerns: readonly string[]): void {
  if (concerns.length === 0) return;
  throw new MiseOciError("secret", `Refused by --strict-env: ${concerns.join("; ")}`, {
    hint: "Leave the files out with globs in exclude under [_.oci]",
  });
}

const CHECKS = "base-checks";

/** What {@linkcode refuseReplacements} compares with. */
export interface GroundOptions {
  /** What is below the layers: base and packages. */
  readonly ground: BaseImage;
  /** Its directories. */
  readonly baseDirectories: BaseDirectories;
  /** Where its layers are. */
  readonly cache: Cache;
  /** What the other layers hold that were looked at already. */
  readonly trees?: ReadonlyMap<LayerPlan, LayerTree>;
}

/** Whether an entry may change what a path of the base is; only the base's files tell for sure. */
function isDoubtful({ type, path }: LayerEntry, base: BaseDirectories): boolean {
  if (type !== "directory") return base.has(path);
  const slash = path.lastIndexOf("/");
  return slash < 0 || base.has(path.slice(0, slash));
}

/**
 * Refuses what would make a file of a directory of the base or of another layer, or a directory of a
 * file: all that was below would be gone. The base's files are read only for paths that were not looked at before.
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
