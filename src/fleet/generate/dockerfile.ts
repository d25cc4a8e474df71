/**
 * A Dockerfile with one stage per tool: BuildKit builds tools that need a compiler natively for every
 * platform, in parallel, and the image has one layer per tool, like those of mise-oci (spec section 14).
 * @module
 */
import { isAbsolute, relative } from "@std/path/posix";
import { stringify } from "@std/toml";
import { MiseOciError } from "../../errors.ts";
import { Annotation } from "../../oci/mod.ts";
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

const PREREQUISITES = "ca-certificates curl git xz-utils unzip build-essential pkg-config";
const PREREQUISITES_APK = "bash build-base ca-certificates curl git pkgconf unzip xz";

function miseStage({ plan, project }: GenerateInput): readonly string[] {
  return [
    "",
    "# Tools are installed on the base itself, so that they are built for its C library.",
    "FROM base AS mise",
    "USER root",
    "RUN if command -v apt-get >/dev/null; then \\",
    `      apt-get update && apt-get install -y --no-install-recommends ${PREREQUISITES}; \\`,
    `    elif command -v apk >/dev/null; then apk add --no-cache ${PREREQUISITES_APK}; fi`,
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
  const names = choice.packages.map(({ name, version }) =>
    version === undefined ? name : `${name}=${version}`
  ).join(" ");
  return choice.manager === "apk" ? [`RUN apk add --no-cache ${names}`] : [
    "RUN apt-get update && \\",
    `    apt-get install -y --no-install-recommends ${names} && \\`,
    "    rm -rf /var/lib/apt/lists/*",
  ];
}

function chown({ owner: { uid, gid } }: LayerPlan): string {
  return uid === 0 && gid === 0 ? "" : ` --chown=${uid}:${gid}`;
}

/** Copies must be below the project, because BuildKit has no access to other files. */
function copyLine(layer: LayerPlan, { project }: GenerateInput): string {
  const [source] = layer.sources;
  if (source?.type !== "tree" && source?.type !== "file") {
    throw cannot(`copy ${layer.name} has no file`, "Report this as a bug");
  }
  const path = relative(project.directory, source.hostPath);
  if (isAbsolute(path) || path === ".." || path.startsWith("../")) {
    throw cannot(
      `"${source.hostPath}" is not below the project`,
      "Move it there, or leave the copy out",
    );
  }
  const from = JSON.stringify(path === "" ? "." : `./${path}`);
  return `COPY --link${chown(layer)} [${from}, ${JSON.stringify(source.imagePath)}]`;
}

/** The generated files of a layer; its other files are not below the project. */
function contentsOf(
  { kind, sources }: LayerPlan,
): readonly Extract<LayerSource, { type: "content" }>[] {
  if (kind !== "dotfiles" && kind !== "config") return [];
  const other = sources.find(({ type }) => type === "tree" || type === "file");
  if (other !== undefined && kind === "dotfiles") {
    throw cannot(
      `the dotfile "${other.imagePath}" is copied from this machine`,
      "Write it as content or template, or leave it out",
    );
  }
  return sources.filter((source) => source.type === "content");
}

function filesName({ kind }: LayerPlan): string {
  return `files-${kind}`;
}

/** A stage with the small files of a layer, each of which would otherwise be a layer in the image. */
function filesStage(layer: LayerPlan): readonly string[] {
  const contents = contentsOf(layer);
  if (contents.length === 0) return [];
  return [
    "",
    `FROM scratch AS ${filesName(layer)}`,
    ...contents.flatMap(({ content, imagePath, mode }) =>
      heredoc(mode === 0o644 ? "COPY" : `COPY --chmod=${mode.toString(8)}`, content, imagePath)
    ),
  ];
}

function layerLines(layer: LayerPlan, input: GenerateInput): readonly string[] {
  const { project, plan } = input;
  switch (layer.kind) {
    case "tool": {
      const tool = toolOf(project, layer);
      if (tool === undefined) return [];
      const path = toolImagePath(plan.mountPoint, tool);
      return [`COPY --link${chown(layer)} --from=${stageName(tool)} ${path} ${path}`];
    }
    case "copy":
      return [copyLine(layer, input)];
    case "mise":
      return ["COPY --link --from=mise /usr/local/bin/mise /usr/local/bin/mise"];
    case "dotfiles":
    case "config":
      return contentsOf(layer).length === 0
        ? []
        : [`COPY --link${chown(layer)} --from=${filesName(layer)} / /`];
    default:
      return [];
  }
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
    ...miseStage(input),
    ...inOrder(project.tools).flatMap((tool) => toolStage(tool, input)),
    ...plan.layers.flatMap(filesStage),
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
