/**
 * Finding an engine.
 * @module
 */
import { DELIMITER, join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import { docker } from "./docker.ts";
import { podman } from "./podman.ts";
import type { Engine, EngineName } from "./port.ts";

/** What {@linkcode selectEngine} needs. */
export interface SelectOptions {
  /** Which engine, or the first of podman and docker that is installed. */
  readonly engine: "auto" | EngineName;
  /** `PATH`. */
  readonly path: string;
}

const MAKERS = { podman, docker } as const;

const INSTALL = "Install podman (https://podman.io/docs/installation) or docker " +
  "(https://docs.docker.com/engine/install), or push the image and run it elsewhere";

async function maybeFind(name: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(DELIMITER)) {
    if (directory === "") continue;
    const candidate = join(directory, Deno.build.os === "windows" ? `${name}.exe` : name);
    try {
      const info = await Deno.stat(candidate);
      if (info.isFile && (info.mode === null || (info.mode & 0o111) !== 0)) return candidate;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        continue;
      }
      if (error instanceof Deno.errors.PermissionDenied) continue;
      throw error;
    }
  }
  return undefined;
}

/**
 * Finds the engine on PATH; `auto` prefers podman, which needs no daemon.
 *
 * @throws {MiseOciError} `engine` naming the programs that were searched for and how to install one.
 */
export async function selectEngine({ engine, path }: SelectOptions): Promise<Engine> {
  const names = engine === "auto" ? ["podman", "docker"] as const : [engine];
  for (const name of names) {
    const program = await maybeFind(name, path);
    if (program !== undefined) return MAKERS[name](program);
  }
  const missing = engine === "auto"
    ? "neither podman nor docker is on PATH"
    : `${engine} is not on PATH`;
  throw new MiseOciError("engine", `Cannot find a container engine: ${missing}`, { hint: INSTALL });
}
