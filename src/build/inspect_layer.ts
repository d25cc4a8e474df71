/**
 * Looks at what goes into a layer before anything is built: credentials, and files that would take the
 * place of a directory of the base.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { BaseDirectories, LayerEntry, LayerTree } from "../layer/mod.ts";
import { findSecrets } from "../layer/secrets.ts";
import { Sha256 } from "../oci/mod.ts";
import {
  type BuildPlan,
  type DeclaredPlace,
  type LayerPlan,
  nameMatcher,
  refuseDeclared,
} from "../plan/mod.ts";
import { secretFinder } from "../secrets.ts";
import type { Cache } from "../store/mod.ts";
import { baseContentKey } from "./base_directories.ts";
import type { BaseImage } from "./base_image.ts";
import { hiddenFiles, refuseConflicts } from "./layer_conflicts.ts";
import type { WorkflowContext } from "../context.ts";

/** What the layers of a base hold. */
const filesModule = () => import("./base_files.ts");

/** Paths named in a message. */
const SHOWN = 5;

/** What is wrong with a layer, and the files it is about. */
export interface LayerConcern {
  /** One sentence without a final period: layer and first paths. */
  readonly text: string;
  /** All paths of the image. */
  readonly paths: readonly string[];
}

/** Layers of what others have published. */
const PUBLISHED: ReadonlySet<LayerPlan["kind"]> = new Set(["tool", "plugin", "mise", "self"]);

/**
 * What to say if a layer holds credentials: paths, never content.
 *
 * @throws {MiseOciError} `secret` for a file that holds the value of a variable that is declared secret or
 * left out.
 */
export function maybeSecretsConcern(
  layer: LayerPlan,
  { entries }: LayerTree,
  { declared = [], allowed = [] }: Pick<BuildPlan, "declared" | "allowed">,
): LayerConcern | undefined {
  const maybeDeclared = secretFinder(declared);
  const found: DeclaredPlace[] = [];
  const own = findSecrets(entries, {
    published: PUBLISHED.has(layer.kind),
    texts: layer.kind === "dotfiles",
    allowed: nameMatcher(allowed),
    onText: (path, text) => {
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
