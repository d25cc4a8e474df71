/**
 * The layer of `[dotfiles]`: files of the host, rendered templates and inline texts, where mise would put
 * them, with `~/` being the home of the image's user.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { Annotation } from "../../oci/mod.ts";
import type { Dotfile, Project } from "../project.ts";
import type { LayerPlan, LayerSource, Owner } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

/** `~/` of root, and of users that nobody knows. */
const ROOT_HOME = "/root";

/** Where dotfiles go and whose they are. */
export interface DotfilesPlace {
  /** Absolute image directory that `~/` means. */
  readonly home: string;
  /** Owner of the files. */
  readonly owner: Owner;
  /** Owner of the files below `~/`, if another. */
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

/** Where a dotfile goes: absolute, without a trailing slash. */
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

/** Whether a dotfile is text of the config, or nothing, and so never a directory. */
function isNoDirectory({ mode }: Dotfile): boolean {
  return mode === "content" || mode === "template" || mode === "absent";
}

/** Refuses two dotfiles in one place, and one below another that is a text. */
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
    // Inline text is for its owner alone, as mise writes it.
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
 * Plans the dotfiles of a project for a place.
 *
 * @throws {MiseOciError} `config` for targets that are none or in each other's way.
 */
export function planDotfiles(project: Project, place: DotfilesPlace): readonly LayerPlan[] {
  const placed = (project.dotfiles ?? []).map((dotfile): Placed => ({
    dotfile,
    imagePath: imagePathOf(dotfile, place.home === "/" ? "" : place.home),
  }));
  if (placed.length === 0) return [];
  refuseConflicts(placed);
  // Directories before what other dotfiles add to them.
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

/** Plans the layer of dotfiles as if the image's user were root; see `settlePlan`. */
export function planDotfilesLayer({ project, resolved }: LayerPlanInput): readonly LayerPlan[] {
  return planDotfiles(project, { home: ROOT_HOME, owner: resolved.owner });
}
