/**
 * The values that determine the layers of a project's tools, in the form of the keys of a layer store.
 * @module
 */
import { dirname, join } from "@std/path";
import { parse as parseToml } from "@std/toml";
import type { StoreWant } from "../fleet/layer_store.ts";
import { resolveCompression } from "../oci/compression.ts";
import { LAYER_FORMAT, RELOCATION_FORMAT } from "../layer/format.ts";
import type { BaseDirectories } from "../layer/mod.ts";
import { type LayerPlan, type Project, type Tool, toolImagePath } from "../plan/mod.ts";
import { hostEnv } from "./environment.ts";
import type { PlannedImage } from "./types.ts";

/** Returns TOML files by path, and nothing for one that cannot be read: mise reports the error. */
type ReadToml = (path: string) => Promise<Record<string, unknown>>;

const readToml: ReadToml = async (path) => {
  try {
    return parseToml(await Deno.readTextFile(path));
  } catch {
    return {};
  }
};

/** Reads each file once, because the tools of a project share files. */
function tomlReader(): ReadToml {
  const files = new Map<string, ReturnType<ReadToml>>();
  return (path) => {
    const file = files.get(path) ?? readToml(path);
    files.set(path, file);
    return file;
  };
}

/** The options of a tool in the config besides its version: they affect what is installed. */
export async function toolOptions(
  { source, short }: Tool,
  read: ReadToml = readToml,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (source === undefined || !source.endsWith(".toml")) return undefined;
  const tools = (await read(source))["tools"] as Record<string, unknown> | undefined;
  const entry = tools?.[short];
  return typeof entry === "object" && entry !== null ? { ...entry } : undefined;
}

/** The entry of a version in the lock file next to the config. */
async function lockOf({ source, short, version }: Tool, read: ReadToml): Promise<string> {
  if (source === undefined) return "";
  const lock = await read(join(dirname(source), "mise.lock"));
  const entries = (lock["tools"] as Record<string, unknown> | undefined)?.[short];
  const list = Array.isArray(entries) ? entries : entries === undefined ? [] : [entries];
  const own = list.filter((one) => (one as { version?: unknown })?.version === version);
  return own.length === 0 ? "" : JSON.stringify(own);
}

/** The C library that this machine's installs are for. */
function hostLibc(): string {
  const set = hostEnv("MISE_LIBC");
  if (set !== undefined) return set;
  try {
    const names = Array.from(Deno.readDirSync("/lib"), ({ name }) => name);
    return names.some((name) => name.startsWith("ld-musl-")) ? "musl" : "gnu";
  } catch {
    return "gnu";
  }
}

/** The base's directories above a prefix, with the targets of links. */
function directoriesAbove(prefix: string, base: BaseDirectories): readonly string[] {
  const parts = prefix.split("/").slice(1, -1);
  return parts.flatMap((_, i) => {
    const path = parts.slice(0, i + 1).join("/");
    if (!base.has(path)) return [];
    const link = base.maybeLink?.(path);
    return [link === undefined ? path : `${path} → ${link}`];
  });
}

/** The tool that a layer is of. */
export function toolOf({ tools }: Project, { name, version }: LayerPlan): Tool | undefined {
  return tools.find((tool) => tool.short === name && tool.version === version);
}

/** The values that determine the layers of an image's tools, by plan. */
export async function storeWants(
  { plan, project }: PlannedImage,
  base: BaseDirectories,
): Promise<ReadonlyMap<LayerPlan, StoreWant>> {
  const { platform, mountPoint } = plan;
  const { kind, level } = resolveCompression(plan.compression);
  const directories = project.tools.map((tool) => toolImagePath(mountPoint, tool));
  const libc = hostLibc();
  const read = tomlReader();
  const wants = new Map<LayerPlan, StoreWant>();
  for (const layer of plan.layers) {
    const tool = layer.kind === "tool" ? toolOf(project, layer) : undefined;
    if (tool === undefined) continue;
    const { short, version, backend } = tool;
    const prefix = toolImagePath(mountPoint, tool);
    const sourceExcludes = layer.sources.flatMap((source) =>
      source.type === "tree" ? source.exclude ?? [] : []
    );
    wants.set(layer, {
      tool: { short, version },
      directories,
      input: {
        backend,
        version,
        options: JSON.stringify(await toolOptions(tool, read) ?? {}),
        lock: await lockOf(tool, read),
        platform,
        libc,
        prefix,
        owner: `${layer.owner.uid}:${layer.owner.gid}`,
        excludes: [...layer.exclude, ...sourceExcludes],
        compression: `${kind}:${level}`,
        layerFormat: LAYER_FORMAT,
        relocationFormat: RELOCATION_FORMAT,
        baseDirectories: directoriesAbove(prefix, base),
      },
    });
  }
  return wants;
}
