/**
 * The check of an image that was just built: warnings, errors with `--strict`, packages with `--fix`.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { LayerTree } from "../../layer/mod.ts";
import type { LayerPlan, Project } from "../../plan/mod.ts";
import type { CheckReport } from "../../check/mod.ts";
import type { Cache } from "../../store/mod.ts";
import type { ImageInCache } from "../types.ts";
import { type CheckedImage, isSilent, openFrom } from "../../check/checked_image.ts";
import { findReport } from "../../check/find_report.ts";
import { warnOfForeignTools } from "../host/embed.ts";
import { packageKey } from "../../plan/project.ts";
import { replaceFile } from "./write_whole.ts";
import type { CheckMode } from "../../check/report/report_problems.ts";
import type { WorkflowContext } from "../../context.ts";

/** Imported on demand: editing a config file. */
const addModule = () => import("../../check/report/add_packages.ts");
/** Imported on demand: most images have no problems. */
const problemsModule = () => import("../../check/report/report_problems.ts");

/** Options of {@linkcode checkBuilt}. */
export interface CheckOptions {
  /** Whether problems are warnings or an error. */
  readonly check: CheckMode;
  /** Caches facts and reports. */
  readonly cache: Cache;
}

/** The file to add packages to: the last one with packages, or else the project's own. */
function configFile({ configFiles, packages = [] }: Project): string {
  const withPackages = packages.at(-1)?.source;
  const path = withPackages ?? configFiles.findLast((file) => file.endsWith(".toml"));
  if (path !== undefined) return path;
  throw new MiseOciError("config", "Cannot add packages: the project has no mise.toml", {
    hint: "Make one, and give --fix again",
  });
}

/** The packages that `--fix` added to a config file. */
export interface AddedPackages {
  /** Restores the file, for an image that could not be built with the packages. */
  undo(): Promise<void>;
}

/** Adds the packages that fix problems to the config file; `undefined` if there are none. */
async function writePackages(
  report: CheckReport,
  project: Project,
  { reporter }: WorkflowContext,
): Promise<AddedPackages | undefined> {
  const declared = new Set(project.packages?.map(packageKey));
  const { packagesOf } = await problemsModule();
  const packages = packagesOf(report).filter((one) => !declared.has(packageKey(one)));
  if (packages.length === 0) return undefined;
  const path = configFile(project);
  const text = await Deno.readTextFile(path);
  const { addPackages } = await addModule();
  const changed = addPackages(text, packages, path);
  if (changed === text) return undefined;
  await replaceFile(path, changed);
  const keys = packages.map((one) => `"${packageKey(one)}" = "latest"`).join(", ");
  reporter.emit({ type: "step", text: `Added to [bootstrap.packages] of ${path}: ${keys}` });
  return {
    undo: async () => {
      // Changes by other programs in the meantime are kept.
      if (await Deno.readTextFile(path) !== changed) return;
      await replaceFile(path, text);
      reporter.emit({ type: "step", text: `Took out of ${path} again what --fix had added` });
    },
  };
}

function checkedImage(
  { image, plan, base }: ImageInCache,
  trees: ReadonlyMap<LayerPlan, LayerTree>,
  cache: Cache,
): CheckedImage {
  const { imageConfig, layers } = image;
  return {
    config: imageConfig,
    open: openFrom(cache),
    layers: layers.flatMap((descriptor, i) => {
      const diffId = imageConfig.diffIds[i];
      const layer = plan.layers[i - base.layers.length];
      const tree = layer === undefined ? undefined : trees.get(layer);
      return diffId === undefined
        ? []
        : { descriptor, diffId, ...(tree === undefined ? {} : { tree }) };
    }),
  };
}

/**
 * Checks a built image.
 *
 * @returns the packages added to the config file, if any; the image must then be built again.
 * @throws {MiseOciError} `check` if there are problems and the check is strict.
 */
export async function checkBuilt(
  built: ImageInCache,
  options: CheckOptions & {
    /** The host files of scanned layers. */
    readonly trees: ReadonlyMap<LayerPlan, LayerTree>;
    /** Warnings that were already shown. */
    readonly told: readonly string[];
    /** Adds missing packages to the config file. */
    readonly fix: boolean;
  },
  context: WorkflowContext,
): Promise<AddedPackages | undefined> {
  const { check, cache, trees, told, fix } = options;
  const { project, plan } = built;
  const warnOfFormats = (): Promise<void> => warnOfForeignTools(project, plan.platform, context);
  if (check === "off" && !fix) {
    await warnOfFormats();
    return undefined;
  }
  const report = await findReport(checkedImage(built, trees, cache), cache, context);
  if (report === undefined) {
    const text = "The image is not checked: it has layers that only the registry has";
    context.reporter.emit({ type: "detail", level: 1, text });
    await warnOfFormats();
    return undefined;
  }
  if (isSilent(report)) return undefined;
  const added = fix ? await writePackages(report, project, context) : undefined;
  if (added !== undefined) return added;
  (await problemsModule()).reportProblems(report, { check, fixable: !fix, told }, context);
  return undefined;
}
