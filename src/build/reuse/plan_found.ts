/**
 * Plans images with layers found in registries: with `--install`, only tools without such a layer are
 * installed.
 * @module
 */
import { isInstallerOf, type LayerPlan, type Project } from "../../plan/mod.ts";
import { adoptReused } from "./adopt_reused.ts";
import { isHostPlatform } from "../host/environment.ts";
import { planPlatforms } from "../plan_images.ts";
import type { ImageInput, PlannedImage } from "../types.ts";
import { requestedPlatforms } from "../host/read_projects.ts";
import type { ReuseIndex } from "./reuse_layers.ts";
import type { BuildContext } from "../types.ts";

/** Planned images, with the layers found for them. */
export interface PlannedFound {
  /** The images, with the data about tools that are not installed. */
  readonly planned: readonly PlannedImage[];
  /** For each image, the layers that do not need to be built. */
  readonly reuse: readonly ReuseIndex[];
}

/** `NAME@VERSION` of every tool to install; installers of others come first. */
function missingTools({ tools }: Project, found: ReadonlySet<string>): readonly string[] {
  const nameOf = ({ short, version }: Project["tools"][number]): string => `${short}@${version}`;
  const absent = tools.filter(({ installed }) => !installed);
  const missing = absent.filter((tool) => !found.has(`tool ${nameOf(tool)}`));
  const helpers = absent.filter((tool) =>
    !missing.includes(tool) && missing.some(({ backend }) => isInstallerOf(backend, tool.short))
  );
  return [...helpers, ...missing].map(nameOf);
}

function layerName({ kind, name, version }: LayerPlan): string {
  return `${kind} ${name}@${version ?? ""}`;
}

/** The layers found for one plan, for another plan of the same project. */
function forPlan({ plan }: PlannedImage, index: ReuseIndex): ReuseIndex {
  const byName = new Map([...index].map(([layer, found]) => [layerName(layer), found]));
  return new Map(plan.layers.flatMap((layer) => {
    const found = byName.get(layerName(layer));
    return found === undefined ? [] : [[layer, found] as const];
  }));
}

/**
 * Plans the images of a build.
 *
 * @param find returns the layers of an image that do not need to be built.
 * @throws {MiseOciError} as planning and `mise install`.
 */
export async function planFound(
  build: ImageInput,
  find: (planned: PlannedImage) => Promise<ReuseIndex>,
  context: BuildContext,
): Promise<PlannedFound> {
  // Tools for another platform are all installed, in a separate directory.
  const isLazy = build.install && build.useCache && requestedPlatforms(build).every(isHostPlatform);
  let planned = await planPlatforms(isLazy ? { ...build, install: false } : build, context);
  let reuse: ReuseIndex[] = [];
  for (const one of planned) reuse.push(await find(one));
  const [first] = planned;
  if (isLazy && first !== undefined) {
    const names = new Set([...reuse[0] ?? []].map(([layer]) => layerName(layer)));
    const installOnly = missingTools(first.project, names);
    if (installOnly.length > 0) {
      planned = await planPlatforms({ ...build, installOnly }, context);
      reuse = planned.map((one, i) => forPlan(one, reuse[i] ?? new Map()));
    }
  }
  return {
    planned: planned.map((one, i) => adoptReused(one, reuse[i] ?? new Map(), build.dropEnv)),
    reuse,
  };
}
