/**
 * Follows the links of the tools' directories, so that the plan, which does no I/O, knows where each
 * tool's files and directories of executables really are.
 * @module
 */
import { isAbsolute, relative } from "@std/path";
import type { Project, Tool } from "../plan/mod.ts";

async function maybeRealPath(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    // A link to itself leads nowhere either.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.FilesystemLoop) {
      return undefined;
    }
    throw error;
  }
}

/** `path` relative to `root`, or `undefined` if it is not below it. */
function below(root: string, path: string): string | undefined {
  const result = relative(root, path);
  return result === ".." || result.startsWith("../") || isAbsolute(result) ? undefined : result;
}

async function binDirs(tool: Tool, realInstall: string): Promise<readonly string[]> {
  const dirs = await Promise.all(tool.binPaths.map(async (path) => {
    const real = await maybeRealPath(path);
    return (real === undefined ? undefined : below(realInstall, real)) ??
      below(tool.installPath, path) ?? [];
  }));
  const found = dirs.flat();
  return found.length > 0 ? [...new Set(found)] : ["bin"];
}

/**
 * The project with `realInstallPath` and `binDirs` of each tool. A tool that is not installed keeps
 * what mise says of it. A tool without any directory of executables gets `bin`, mise's convention.
 */
export async function followToolPaths(project: Project): Promise<Project> {
  const tools = await Promise.all(project.tools.map(async (tool): Promise<Tool> => {
    const real = await maybeRealPath(tool.installPath);
    const realInstallPath = real ?? tool.installPath;
    return { ...tool, realInstallPath, binDirs: await binDirs(tool, realInstallPath) };
  }));
  return { ...project, tools };
}
