/**
 * The output of `build`.
 * @module
 */
import { packageWords } from "../../oci/package_managers.ts";
import { formatPlatform } from "../../oci/platform.ts";
import { isToolLayer } from "../../plan/tool_of.ts";
import type { BuildPlan, LayerPlan } from "../../plan/types.ts";
import { escapeLine, joinLines } from "../../ui/text.ts";
import { renderTable } from "../../ui/table.ts";
import type { BuildResult, BuiltImage } from "../../build/types.ts";
import type { LoadResult, PushResult } from "../../workflow/types.ts";
import type { Output } from "../command.ts";
import { factLines, tableFacts } from "./facts.ts";
import { summary as pushSummary } from "./push.ts";
import { layersJson, layerTable, type PrintOptions } from "./layers.ts";

function sizeOf({ layers }: Pick<BuildResult, "layers">): number {
  return layers.reduce((sum, layer) => sum + layer.size, 0);
}

/** The output for several platforms: the facts, then a table for each image. */
function imagesOutput(
  result: BuildResult,
  images: readonly BuiltImage[],
  options: PrintOptions,
): Output {
  return {
    text: (columns) =>
      options.quiet ? `${result.digest}\n` : joinLines([
        ...factLines([
          ["output", result.output],
          ["archive", result.archive?.path],
          ["digest", result.digest],
          ["tag", result.tag],
        ], columns),
        ...images.flatMap(({ platform, digest, layers }) => [
          "",
          ...factLines([["platform", formatPlatform(platform)], ["digest", digest]], columns),
          "",
          ...layerTable(layers, options.short, columns),
        ]),
      ], columns),
    json: () => ({
      output: result.output,
      archive: result.archive,
      digest: result.digest,
      tag: result.tag,
      images: imagesJson(images),
    }),
  };
}

/** Images for `--json`. */
function imagesJson(images: readonly BuiltImage[]): readonly unknown[] {
  return images.map((image) => ({
    platform: formatPlatform(image.platform),
    digest: image.digest,
    size: sizeOf(image),
    layers: layersJson(image.layers),
  }));
}

/** Where an image was sent after its build. */
export interface Delivery {
  /** `--push`. */
  readonly pushed?: PushResult;
  /** `--load`. */
  readonly loaded?: LoadResult;
}

/** The output of a build, with where the image was sent. */
function withDelivery(output: Output, { pushed, loaded }: Delivery, quiet: boolean): Output {
  if (pushed === undefined && loaded === undefined) return output;
  const places = pushed === undefined ? [] : [pushed, ...pushed.also ?? []];
  return {
    text: (columns) =>
      output.text(columns) + (quiet ? "" : joinLines([
        "",
        ...places.map(pushSummary),
        ...(loaded === undefined
          ? []
          : [`loaded ${loaded.digest} into ${loaded.engine} as ${escapeLine(loaded.image)}`]),
      ], columns)),
    json: () => ({
      ...output.json() as object,
      pushed: pushed &&
        places.map(({ digest, reference, blobs }) => ({ digest, reference, blobs })),
      loaded,
    }),
  };
}

/** The output of a build. */
export function buildOutput(
  result: BuildResult,
  options: PrintOptions,
  delivery: Delivery = {},
): Output {
  return withDelivery(builtOutput(result, options), delivery, options.quiet);
}

function builtOutput(result: BuildResult, options: PrintOptions): Output {
  if (result.images !== undefined) return imagesOutput(result, result.images, options);
  const platform = formatPlatform(result.platform);
  return {
    text: (columns) =>
      options.quiet ? `${result.digest}\n` : joinLines([
        ...factLines([
          ["output", result.output],
          ["archive", result.archive?.path],
          ["digest", result.digest],
          ["tag", result.tag],
          ["platform", platform],
        ], columns),
        "",
        ...layerTable(result.layers, options.short, columns),
      ], columns),
    json: () => ({
      output: result.output,
      archive: result.archive,
      digest: result.digest,
      tag: result.tag,
      platform,
      size: sizeOf(result),
      layers: layersJson(result.layers),
    }),
  };
}

/** The image paths of a layer's sources, without duplicates. */
function imagePaths(layer: LayerPlan): readonly string[] {
  return [...new Set(layer.sources.map(({ imagePath }) => imagePath))];
}

/** The contents of a layer: image paths, or packages. */
function contents(layer: LayerPlan): readonly string[] {
  const { packages } = layer;
  return packages === undefined
    ? imagePaths(layer)
    : packageWords(packages.manager, packages.packages);
}

/** Names of the image's variables; values may be secrets and are not printed. */
function variableNames({ config }: BuildPlan): readonly string[] {
  const names = [...config.env, ...config.fixedEnv].map(([name]) => name);
  return [...new Set(names)].filter((name) => name !== "PATH");
}

/** Whether a layer belongs to a tool that is not installed. */
function isMissing({ missing = [] }: BuildPlan, layer: LayerPlan): boolean {
  return isToolLayer(layer) && missing.includes(`${layer.name}@${layer.version}`);
}

/** The exclude globs of all layers. */
function excludes({ layers }: BuildPlan): readonly string[] {
  return [...new Set(layers.flatMap(({ exclude }) => exclude))];
}

function compressionText({ kind, level }: BuildPlan["compression"]): string {
  return level === undefined ? kind : `${kind}:${level}`;
}

/** The output of a dry run for one platform. */
function planOutput(plan: BuildPlan): Output {
  const { config, notes = [] } = plan;
  const list = (words: readonly string[] | undefined): string | undefined =>
    words === undefined ? undefined : JSON.stringify(words);
  return {
    text: (columns) =>
      joinLines([
        ...factLines([
          ["from", plan.fromText],
          ["tag", plan.tag],
          ["platform", formatPlatform(plan.platform)],
          ["mount", plan.mountPoint],
          ["compress", compressionText(plan.compression)],
          ["env", variableNames(plan).join(" ")],
          ["path", config.path.join(":")],
          ["command", list(config.cmd)],
          ["entry", list(config.entrypoint)],
          ["user", config.user],
          ["workdir", config.workdir],
          ["expose", config.expose?.join(" ")],
          ["volumes", config.volumes?.join(" ")],
          ["stop", config.stopSignal],
          ["health", list(config.healthcheck?.test)],
          ["exclude", excludes(plan).join(" ")],
          ...tableFacts("label", config.labels),
          ...tableFacts("annotate", config.annotations),
        ], columns),
        "",
        ...renderTable(
          [{ title: "LAYER" }, { title: "NAME" }, { title: "VERSION" }, { title: "OWNER" }, {
            title: "CONTENT",
          }],
          plan.layers.map((layer) => [
            layer.kind,
            layer.name,
            isMissing(plan, layer) ? `${layer.version} (not installed)` : layer.version ?? "",
            `${layer.owner.uid}:${layer.owner.gid}`,
            contents(layer).join(" "),
          ]),
          columns,
        ),
        ...notes.length === 0 ? [] : ["", ...notes.map(escapeLine)],
      ], columns),
    json: () => planJson(plan),
  };
}

/** The output of a dry run for one or more platforms. */
export function plansOutput(plans: readonly BuildPlan[]): Output {
  const outputs = plans.map(planOutput);
  const [only] = outputs;
  if (only !== undefined && outputs.length === 1) return only;
  return {
    text: (columns) => outputs.map((output) => output.text(columns)).join("\n"),
    json: () => ({ dryRun: true, images: plans.map(planJson) }),
  };
}

function planJson(plan: BuildPlan): unknown {
  const { config } = plan;
  return {
    dryRun: true,
    from: plan.fromText,
    tag: plan.tag,
    platform: formatPlatform(plan.platform),
    mountPoint: plan.mountPoint,
    compression: plan.compression,
    env: variableNames(plan),
    path: config.path,
    entrypoint: config.entrypoint,
    cmd: config.cmd,
    user: config.user,
    workdir: config.workdir,
    labels: config.labels,
    annotations: config.annotations,
    expose: config.expose,
    volumes: config.volumes,
    stopSignal: config.stopSignal,
    healthcheck: config.healthcheck,
    created: config.created,
    layers: plan.layers.map((layer) => ({
      kind: layer.kind,
      name: layer.name,
      version: layer.version,
      installed: isToolLayer(layer) ? !isMissing(plan, layer) : undefined,
      owner: layer.owner,
      exclude: layer.exclude.length === 0 ? undefined : layer.exclude,
      paths: imagePaths(layer),
      packages: layer.packages?.packages,
      createdBy: layer.createdBy,
      annotations: layer.annotations,
    })),
    notes: plan.notes?.length === 0 ? undefined : plan.notes,
    warnings: plan.warnings,
  };
}
