/**
 * The values that determine the layers of a project's tools, in the form of the keys of a layer store.
 * @module
 */
import { dirname, join } from "@std/path";
import { parse as parseToml } from "@std/toml";
import { MiseOciError } from "../../errors.ts";
import type { StoreWant } from "../../fleet/layer_store.ts";
import type { StoreKeyInput } from "../../fleet/store_key.ts";
import { resolveCompression } from "../../oci/compression.ts";
import { LAYER_FORMAT, RELOCATION_FORMAT } from "../../layer/format.ts";
import type { BaseDirectories } from "../../layer/mod.ts";
import { type LayerPlan, type Tool, toolImagePath, toolOf } from "../../plan/mod.ts";
import { hostEnv } from "../host/environment.ts";
import { isShared } from "./reuse_layers.ts";
import type { PlannedImage } from "../types.ts";

/** Reads TOML files; empty for a file that does not exist. */
type ReadToml = (path: string) => Promise<Record<string, unknown>>;

/**
 * Reads a file that affects a tool's layer. If it cannot be parsed, that is an error even if mise accepts
 * it, because without the options the key would be that of another layer.
 */
const readToml: ReadToml = async (path) => {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
  try {
    return parseToml(text);
  } catch (cause) {
    const file = JSON.stringify(path);
    throw new MiseOciError("config", `Cannot read the options of tools in ${file}`, {
      hint: "Write plain TOML 1.0, with [tools] above the tables of single tools",
      cause,
    });
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

/**
 * The options of a tool in the config besides its version: they affect what is installed.
 *
 * @throws {MiseOciError} `config` if it cannot be read.
 */
export async function toolOptions(
  { source, short }: Tool,
  read: ReadToml = readToml,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (source === undefined || !source.endsWith(".toml")) return undefined;
  const tools = (await read(source))["tools"] as Record<string, unknown> | undefined;
  const entry = tools?.[short];
  return typeof entry === "object" && entry !== null ? { ...entry } : undefined;
}

/** The lock file's entry for a version, next to the config. */
async function lockOf({ source, short, version }: Tool, read: ReadToml): Promise<string> {
  if (source === undefined) return "";
  const lock = await read(join(dirname(source), "mise.lock"));
  const entries = (lock["tools"] as Record<string, unknown> | undefined)?.[short];
  const list = Array.isArray(entries) ? entries : entries === undefined ? [] : [entries];
  const own = list.filter((one) => (one as { version?: unknown })?.version === version);
  return own.length === 0 ? "" : JSON.stringify(own);
}

/** The C library of installs on this machine. */
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

/** The parts of a key that differ between layers of a plan. */
type OwnInput = Pick<StoreKeyInput, "backend" | "options" | "lock" | "prefix">;

/** Path of mise in images. */
const MISE_PATH = "/usr/local/bin/mise";

async function ownInput(
  { kind, sources: [source] }: LayerPlan,
  { tool, mountPoint, read }: {
    readonly tool: Tool | undefined;
    readonly mountPoint: string;
    readonly read: ReadToml;
  },
): Promise<OwnInput | undefined> {
  if (kind === "mise" && source?.type === "file") {
    // Several executables have the same version; the diff ID is compared in the end.
    const { size } = await Deno.stat(source.hostPath);
    return { backend: "mise", options: JSON.stringify({ size }), lock: "", prefix: MISE_PATH };
  }
  if (tool === undefined) return undefined;
  return {
    backend: tool.backend,
    options: JSON.stringify(await toolOptions(tool, read) ?? {}),
    lock: await lockOf(tool, read),
    prefix: toolImagePath(mountPoint, tool),
  };
}

/**
 * The keys of the layers that an image can share, by plan.
 *
 * @throws {MiseOciError} `config` if a file that affects a key cannot be parsed.
 */
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
  for (const layer of plan.layers.filter(isShared)) {
    const tool = toolOf(project, layer);
    const own = await ownInput(layer, { tool, mountPoint, read });
    if (own === undefined) continue;
    const { name: short, version = "" } = layer;
    const sourceExcludes = layer.sources.flatMap((source) =>
      source.type === "tree" ? source.exclude ?? [] : []
    );
    wants.set(layer, {
      tool: { short, version },
      directories,
      input: {
        ...own,
        version,
        platform,
        libc,
        owner: `${layer.owner.uid}:${layer.owner.gid}`,
        excludes: [...layer.exclude, ...sourceExcludes],
        compression: `${kind}:${level}`,
        layerFormat: LAYER_FORMAT,
        relocationFormat: RELOCATION_FORMAT,
        baseDirectories: directoriesAbove(own.prefix, base),
      },
    });
  }
  return wants;
}
