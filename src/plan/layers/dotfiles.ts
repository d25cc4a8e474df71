/**
 * The layer of `[dotfiles]`: host files, rendered templates and inline texts, at the paths that
 * mise would use; `~/` is the home of the image's user.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { Annotation } from "../../oci/mod.ts";
import type { Dotfile, Project } from "../project.ts";
import type { LayerPlan, LayerSource, Owner } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

/** `~/` of root, and of users whose home is unknown. */
const ROOT_HOME = "/root";

/** Where dotfiles go and who owns them. */
export interface DotfilesPlace {
  /** Absolute image directory for `~/`. */
  readonly home: string;
  /** Owner of the files. */
  readonly owner: Owner;
  /** Owner of the files below `~/`, if different. */
  readonly homeOwner?: Owner;
}

interface Placed {
  readonly dotfile: Dotfile;
  readonly imagePath: string;
}

function fail({ target, source }: Dotfile, why: string, hint?: string): never {
  throw new MiseOciError(
    "config",
    `Cannot put dotfile ${JSON.stringify(target)} of ${
      JSON.stringify(source)
    } in the image: ${why}`,
    hint === undefined ? {} : { hint },
  );
}

/** The image path of a dotfile: absolute, without a trailing slash. */
function imagePathOf(dotfile: Dotfile, home: string): string {
  const { target } = dotfile;
  const path = isAtHome(dotfile) ? `${home}/${target.slice(2)}` : target;
  if (!path.startsWith("/")) fail(dotfile, "its target is neither absolute nor below ~/");
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.length === 0) fail(dotfile, "its target is the root of the image");
  if (parts.some((part) => part === "." || part === "..") || path.includes("\0")) {
    fail(dotfile, 'its target contains "." or ".."');
  }
  return `/${parts.join("/")}`;
}

/** Whether a dotfile is a text or a whiteout, so that nothing can be below it. */
function isNoDirectory({ mode }: Dotfile): boolean {
  return mode === "content" || mode === "template" || mode === "absent";
}

/** Refuses two dotfiles at one path, and one below another that cannot be a directory. */
function refuseConflicts(placed: readonly Placed[]): void {
  const byPath = new Map<string, Dotfile>();
  for (const { dotfile, imagePath } of placed) {
    const other = byPath.get(imagePath);
    if (other !== undefined) {
      fail(
        dotfile,
        `${JSON.stringify(other.target)} of ${JSON.stringify(other.source)} goes to ` +
          `${JSON.stringify(imagePath)} too`,
        "Remove one of them",
      );
    }
    byPath.set(imagePath, dotfile);
  }
  for (const { dotfile, imagePath } of placed) {
    for (let at = imagePath.lastIndexOf("/"); at > 0; at = imagePath.lastIndexOf("/", at - 1)) {
      const parent = byPath.get(imagePath.slice(0, at));
      if (parent !== undefined && isNoDirectory(parent)) {
        const what = parent.mode === "absent" ? "absent" : "a file";
        fail(dotfile, `${JSON.stringify(parent.target)} is ${what}, and cannot hold another`);
      }
    }
  }
}

function isAtHome({ target }: Dotfile): boolean {
  return target === "~" || target.startsWith("~/");
}

function sourceOf(
  { dotfile, imagePath }: Placed,
  { home, homeOwner }: Pick<DotfilesPlace, "home" | "homeOwner">,
): LayerSource {
  const { mode, permissions, content, hostPath, exclude } = dotfile;
  if (mode === "absent") return { type: "absent", imagePath };
  const owner = homeOwner !== undefined && isAtHome(dotfile) ? { owner: homeOwner, home } : {};
  if (mode === "content" || mode === "template") {
    if (content === undefined) fail(dotfile, "it has no content");
    // mise makes inline text readable only by its owner.
    return {
      type: "content",
      content,
      imagePath,
      mode: permissions ?? (mode === "content" ? 0o600 : 0o644),
      ...owner,
    };
  }
  if (hostPath === undefined) fail(dotfile, "it has no source");
  return {
    type: "tree",
    hostPath,
    imagePath,
    ...(exclude.length === 0 ? {} : { exclude }),
    ...(permissions === undefined ? {} : { mode: permissions }),
    ...owner,
  };
}

/**
 * Plans the project's dotfiles for a home and an owner.
 *
 * @throws {MiseOciError} `config` for targets that are invalid or conflict with each other.
 */
export function planDotfiles(project: Project, place: DotfilesPlace): readonly LayerPlan[] {
  const placed = (project.dotfiles ?? []).map((dotfile): Placed => ({
    dotfile,
    imagePath: imagePathOf(dotfile, place.home === "/" ? "" : place.home),
  }));
  if (placed.length === 0) return [];
  refuseConflicts(placed);
  // Directories come before dotfiles that add files to them.
  const sorted = placed.toSorted((a, b) => a.imagePath < b.imagePath ? -1 : 1);
  return [{
    kind: "dotfiles",
    name: "dotfiles",
    owner: place.owner,
    sources: sorted.map((one) => sourceOf(one, place)),
    relocations: [],
    exclude: [],
    policies: { searchesTexts: true },
    createdBy: "mise-oci: dotfiles",
    annotations: { [Annotation.layerKind]: "dotfiles", [Annotation.dotfiles]: "true" },
  }];
}

/** Plans the dotfiles for root; see `settlePlan`. */
export function planDotfilesLayer({ project, resolved }: LayerPlanInput): readonly LayerPlan[] {
  return planDotfiles(project, { home: ROOT_HOME, owner: resolved.owner });
}
