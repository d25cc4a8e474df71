/**
 * A Dockerfile with one stage per tool: BuildKit builds tools that need a compiler natively for every
 * platform, in parallel, and the image has one layer per tool, like those of mise-oci (spec section 14).
 * @module
 */
import { basename, dirname, isAbsolute, relative } from "@std/path/posix";
import { stringify } from "@std/toml";
import { MiseOciError } from "../../errors.ts";
import { Annotation, MANAGER_NAMES, packageManager, packageWords } from "../../oci/mod.ts";
import {
  DEFAULT_WORKDIR,
  isInstallerOf,
  type LayerPlan,
  type LayerSource,
  type Tool,
  toolImagePath,
  toolOf,
} from "../../plan/mod.ts";
import type { GenerateInput } from "./generator.ts";

function cannot(what: string, hint: string): MiseOciError {
  return new MiseOciError("unsupported", `Cannot generate a Dockerfile: ${what}`, { hint });
}

/** A double-quoted value for ENV and LABEL, with `$` escaped because it would start a variable. */
function quote(name: string, value: string): string {
  if (/[\r\n]/.test(value)) {
    throw cannot(
      `${name} has several lines`,
      "Leave it out with --drop-env, or set it at run time",
    );
  }
  return `"${value.replace(/[\\"$]/g, "\\$&")}"`;
}

/** A here-document, whose delimiter does not occur in the text. */
function heredoc(instruction: string, text: string, rest: string): readonly string[] {
  let end = "EOF";
  while (text.split("\n").includes(end)) end += "_";
  return [`${instruction} <<'${end}' ${rest}`, ...text.replace(/\n$/, "").split("\n"), end];
}

/** A valid stage name for BuildKit. */
function stageName({ short, version }: Tool): string {
  const plain = `tool-${short}-${version}`.toLowerCase().replace(/[^a-z0-9._-]+/g, "-");
  return plain.replace(/-+$/, "");
}

function maybeInstaller(tool: Tool, tools: readonly Tool[]): Tool | undefined {
  return tools.find((other) => other !== tool && isInstallerOf(tool.backend, other.short));
}

/** The entry of a tool in `[tools]`, with its options. */
function toolEntry({ short, version }: Tool, { toolOptions }: GenerateInput): unknown {
  const options = toolOptions.get(short);
  return options === undefined ? version : { ...options, version };
}

function toolsToml(tools: readonly Tool[], input: GenerateInput): string {
  const table = Object.fromEntries(tools.map((tool) => [tool.short, toolEntry(tool, input)]));
  return `${stringify({ tools: table }).trim()}\n`;
}

/** The stage of a tool, based on the stage of the tool that installs it, if any. */
function toolStage(tool: Tool, input: GenerateInput): readonly string[] {
  const { tools } = input.project;
  const installer = maybeInstaller(tool, tools);
  const from = installer === undefined ? "mise" : stageName(installer);
  const needed = installer === undefined ? [tool] : [installer, tool];
  return [
    "",
    `FROM ${from} AS ${stageName(tool)}`,
    ...heredoc("COPY", toolsToml(needed, input), "/build/mise.toml"),
    "RUN mise trust --quiet && mise install --yes",
  ];
}

/** Installs the packages for building tools from source, with the base's package manager. */
function prerequisiteLines(): readonly string[] {
  return [
    ...MANAGER_NAMES.flatMap((name, i) => {
      const { programs: [program], dockerfile } = packageManager(name);
      const { update, install, buildTools } = dockerfile;
      return [
        `${i === 0 ? "RUN if" : "    elif"} command -v ${basename(program)} >/dev/null; then \\`,
        `      ${update === undefined ? "" : `${update} && `}${install} ${buildTools}; \\`,
      ];
    }),
    "    fi",
  ];
}

function miseStage({ plan, project }: GenerateInput): readonly string[] {
  return [
    "",
    "# Tools are installed on the base itself, so that they are built for its C library.",
    "FROM base AS mise",
    "USER root",
    ...prerequisiteLines(),
    `ENV MISE_DATA_DIR=${quote("mount_point", plan.mountPoint)} MISE_YES=1`,
    "RUN curl -fsSL https://mise.run | \\",
    `      MISE_VERSION=v${project.miseVersion} MISE_INSTALL_PATH=/usr/local/bin/mise sh`,
    "WORKDIR /build",
  ];
}

/** Installs the system packages with the base's package manager. */
function packageLines(layers: readonly LayerPlan[]): readonly string[] {
  const choice = layers.find(({ packages }) => packages !== undefined)?.packages;
  if (choice === undefined) return [];
  const names = packageWords(choice.manager, choice.packages).join(" ");
  const { update, install, clean } = packageManager(choice.manager).dockerfile;
  const commands = [update, `${install} ${names}`, clean].filter((one) => one !== undefined);
  return `RUN ${commands.join(" && \\\n    ")}`.split("\n");
}

/** Adds the certificates of `ca` to those of the base, so that stages can use them for downloads. */
function certificateLines(layers: readonly LayerPlan[]): readonly string[] {
  const [own, bundle] = layers.find(({ kind }) => kind === "certificates")?.sources ?? [];
  if (own?.type !== "content" || bundle === undefined) return [];
  const path = bundle.imagePath;
  return [
    ...heredoc("COPY", own.content, own.imagePath),
    `RUN mkdir -p ${dirname(path)} && cat ${own.imagePath} >> ${path}`,
  ];
}

function chown({ owner: { uid, gid } }: LayerPlan): string {
  return uid === 0 && gid === 0 ? "" : ` --chown=${uid}:${gid}`;
}

/** A layer source of a type. */
type SourceOf<Type extends LayerSource["type"]> = Extract<LayerSource, { readonly type: Type }>;

/** Copies must be below the project, because BuildKit has no access to other files. */
function copyLine(
  layer: LayerPlan,
  source: SourceOf<"tree" | "file">,
  { project }: GenerateInput,
): string {
  const path = relative(project.directory, source.hostPath);
  if (layer.kind === "dotfiles") {
    throw cannot(
      `the dotfile "${source.imagePath}" is copied from this machine`,
      "Write it as content or template, or leave it out",
    );
  }
  if (isAbsolute(path) || path === ".." || path.startsWith("../")) {
    throw cannot(
      `"${source.hostPath}" is not below the project`,
      "Move it there, or leave the copy out",
    );
  }
  const from = JSON.stringify(path === "" ? "." : `./${path}`);
  return `COPY --link${chown(layer)} [${from}, ${JSON.stringify(source.imagePath)}]`;
}

/** The stage from which the files of a layer are copied, and their path in it. */
function maybeInstalled(
  layer: LayerPlan,
  { project, plan: { mountPoint } }: GenerateInput,
): { readonly stage: string; readonly path: string } | undefined {
  if (layer.kind === "mise") return { stage: "mise", path: "/usr/local/bin/mise" };
  const tool = toolOf(project, layer);
  if (tool !== undefined) {
    return { stage: stageName(tool), path: toolImagePath(mountPoint, tool) };
  }
  const owner = project.tools.find(({ plugin }) =>
    layer.kind === "plugin" && plugin?.name === layer.name
  );
  const [source] = layer.sources;
  return owner === undefined || source === undefined
    ? undefined
    : { stage: stageName(owner), path: source.imagePath };
}

/** Whether the first stage creates the contents of the layer. */
function isInBase({ kind, packages }: LayerPlan): boolean {
  return packages !== undefined || kind === "certificates";
}

/** The generated files of a layer. */
function contentsOf(layer: LayerPlan, input: GenerateInput): readonly SourceOf<"content">[] {
  if (isInBase(layer) || maybeInstalled(layer, input) !== undefined) return [];
  return layer.sources.filter((source) => source.type === "content");
}

function filesName({ kind }: LayerPlan): string {
  return `files-${kind}`;
}

/** A stage with the small files of a layer, each of which would otherwise be a layer in the image. */
function filesStage(layer: LayerPlan, input: GenerateInput): readonly string[] {
  const contents = contentsOf(layer, input);
  if (contents.length === 0) return [];
  return [
    "",
    `FROM scratch AS ${filesName(layer)}`,
    ...contents.flatMap(({ content, imagePath, mode }) =>
      heredoc(mode === 0o644 ? "COPY" : `COPY --chmod=${mode.toString(8)}`, content, imagePath)
    ),
  ];
}

/** The lines of a layer of any kind. */
function layerLines(layer: LayerPlan, input: GenerateInput): readonly string[] {
  const installed = maybeInstalled(layer, input);
  if (installed !== undefined) {
    const { stage, path } = installed;
    const owner = layer.kind === "mise" ? "" : chown(layer);
    return [`COPY --link${owner} --from=${stage} ${path} ${path}`];
  }
  return [
    ...layer.sources.flatMap((source) =>
      source.type === "tree" || source.type === "file" ? copyLine(layer, source, input) : []
    ),
    ...(contentsOf(layer, input).length === 0
      ? []
      : [`COPY --link${chown(layer)} --from=${filesName(layer)} / /`]),
  ];
}

function configLines({ plan: { config } }: GenerateInput): readonly string[] {
  const env = [...new Map([...config.env, ...config.fixedEnv])].filter(([name]) => name !== "PATH");
  const configured = config.env.findLast(([name]) => name === "PATH")?.[1];
  const path = [...config.path, configured ?? "${PATH}"].join(":");
  return [
    ...env.map(([name, value]) => `ENV ${name}=${quote(name, value)}`),
    `ENV PATH="${path}"`,
    ...Object.entries(config.labels)
      .filter(([name]) => name !== Annotation.created)
      .map(([name, value]) => `LABEL ${quote(name, name)}=${quote(name, value)}`),
    `WORKDIR ${config.workdir ?? DEFAULT_WORKDIR}`,
    ...(config.user === undefined ? [] : [`USER ${config.user}`]),
    ...(config.entrypoint === undefined ? [] : [`ENTRYPOINT ${JSON.stringify(config.entrypoint)}`]),
    ...(config.cmd === undefined ? [] : [`CMD ${JSON.stringify(config.cmd)}`]),
  ];
}

/** Tools that install others come first, since a stage can only be based on an earlier one. */
function inOrder(tools: readonly Tool[]): readonly Tool[] {
  const installers = new Set(tools.map((tool) => maybeInstaller(tool, tools)));
  return [
    ...tools.filter((tool) => installers.has(tool)),
    ...tools.filter((tool) => !installers.has(tool)),
  ];
}

function dockerfileOf(input: GenerateInput): string {
  const { plan, project } = input;
  if (plan.from.kind !== "registry") {
    throw cannot(
      `the base "${plan.fromText}" is not in a registry`,
      'Name one in [oci], such as from = "debian:bookworm-slim"',
    );
  }
  const lines = [
    "# syntax=docker/dockerfile:1",
    "# Made by mise-oci generate dockerfile. One stage and layer per tool: when a tool changes, only its",
    "# stage is built again, for each platform separately.",
    `FROM ${plan.fromText} AS base`,
    ...packageLines(plan.layers),
    ...certificateLines(plan.layers),
    ...miseStage(input),
    ...inOrder(project.tools).flatMap((tool) => toolStage(tool, input)),
    ...plan.layers.flatMap((layer) => filesStage(layer, input)),
    "",
    "FROM base",
    ...plan.layers.flatMap((layer) => layerLines(layer, input)),
    ...configLines(input),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Generates the Dockerfile of one project. @throws {MiseOciError} `unsupported` naming what it cannot
 * express.
 */
export function generateDockerfile([input]: readonly GenerateInput[]): string {
  if (input === undefined) throw new TypeError("A Dockerfile without a project");
  return dockerfileOf(input);
}
