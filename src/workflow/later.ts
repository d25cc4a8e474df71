/**
 * Modules that only some builds need, each loaded when a build does: one that changes nothing would spend
 * more on reading them than on all of its work (docs/decisions/start.md).
 *
 * `as string` hides the literals from Deno, see src/commands/workflows.ts.
 * @module
 */

/** What packs and compresses a layer: nothing of it is needed if all layers are cached. */
export const packModule = (): Promise<typeof import("../layer/build.ts")> =>
  import("../layer/build.ts" as string) as Promise<typeof import("../layer/build.ts")>;
/** The workers that compress. */
export const poolModule = (): Promise<typeof import("../layer/pool.ts")> =>
  import("../layer/pool.ts" as string) as Promise<typeof import("../layer/pool.ts")>;
/** Builds layers while the base is on its way. */
export const aheadModule = (): Promise<typeof import("./build_ahead.ts")> =>
  import("./build_ahead.ts" as string) as Promise<typeof import("./build_ahead.ts")>;
/** A base in a registry. */
export const registryModule = (): Promise<typeof import("./base_registry.ts")> =>
  import("./base_registry.ts" as string) as Promise<typeof import("./base_registry.ts")>;
/** What the layers of a base hold. */
export const filesModule = (): Promise<typeof import("./base_files.ts")> =>
  import("./base_files.ts" as string) as Promise<typeof import("./base_files.ts")>;
/** System packages. */
export const packagesModule = (): Promise<typeof import("./packages_layer.ts")> =>
  import("./packages_layer.ts" as string) as Promise<typeof import("./packages_layer.ts")>;
/** Tools of another platform. */
export const foreignModule = (): Promise<typeof import("./foreign_tools.ts")> =>
  import("./foreign_tools.ts" as string) as Promise<typeof import("./foreign_tools.ts")>;
/** mise of another platform. */
export const releaseModule = (): Promise<typeof import("./choose_release.ts")> =>
  import("./choose_release.ts" as string) as Promise<typeof import("./choose_release.ts")>;
/** The check of an image that has not been checked. */
export const layersModule = (): Promise<typeof import("./check_layers.ts")> =>
  import("./check_layers.ts" as string) as Promise<typeof import("./check_layers.ts")>;
/** What a check has to say. */
export const problemsModule = (): Promise<typeof import("./report_problems.ts")> =>
  import("./report_problems.ts" as string) as Promise<typeof import("./report_problems.ts")>;
/** What the check adds to a config file. */
export const addModule = (): Promise<typeof import("./add_packages.ts")> =>
  import("./add_packages.ts" as string) as Promise<typeof import("./add_packages.ts")>;
/** Archives of an image. */
export const archiveModule = (): Promise<typeof import("./write_archive.ts")> =>
  import("./write_archive.ts" as string) as Promise<typeof import("./write_archive.ts")>;
/** What a dry run looks at. */
export const planModule = (): Promise<typeof import("./check_plan.ts")> =>
  import("./check_plan.ts" as string) as Promise<typeof import("./check_plan.ts")>;
/** Which of the packages that a project declares go into an image. */
export const selectModule = (): Promise<typeof import("../packages/mod.ts")> =>
  import("../packages/mod.ts" as string) as Promise<typeof import("../packages/mod.ts")>;
/** Layers that a registry has already. */
export const reuseModule = (): Promise<typeof import("../image/reuse.ts")> =>
  import("../image/reuse.ts" as string) as Promise<typeof import("../image/reuse.ts")>;
