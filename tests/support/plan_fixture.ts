/**
 * Projects and options of plans, made up for tests.
 * @module
 */
import type { PlanOptions } from "../../src/plan/options.ts";
import type { plan } from "../../src/plan/plan.ts";
import type { EnvVariable, OciSection, Project, Tool } from "../../src/plan/project.ts";

export const versions: Parameters<typeof plan>[2] = { format: "1", relocation: "1" };

/** An `[oci]` that says nothing. */
export const OCI: OciSection = { copy: [], env: {}, labels: {}, allowEnv: [], dropEnv: [] };

/** A project in which nothing is. */
export const PROJECT: Project = {
  directory: "/p",
  misePath: "/usr/bin/mise",
  miseVersion: "2026.9.15",
  configFiles: ["/p/mise.toml"],
  tools: [],
  env: [],
  oci: OCI,
  settings: { insecureRegistries: [] },
  warnings: [],
};

/** The options of a command line without flags. */
export const OPTIONS: PlanOptions = {
  copies: [],
  platform: { os: "linux", architecture: "amd64" },
  created: "2026-01-01T00:00:00Z",
  allowEnv: [],
  dropEnv: [],
  strictEnv: false,
  hostRoots: [],
};

/** An installed tool with the directory `bin`. */
export function tool(short: string, version: string, more: Partial<Tool> = {}): Tool {
  const installDir = `${short.replace(":", "-")}/${version}`;
  return {
    short,
    backend: short,
    version,
    installPath: `/data/installs/${installDir}`,
    installDir,
    installed: true,
    binPaths: [],
    binDirs: ["bin"],
    ...more,
  };
}

/** A project below the home of a user, with two tools. */
export function project(change: Partial<Project> = {}): Project {
  return {
    ...PROJECT,
    directory: "/home/me/app",
    configFiles: ["/home/me/app/mise.toml"],
    tools: [tool("node", "24.11.0"), tool("npm:prettier", "3.6.2")],
    ...change,
  };
}

/** The options of that project: directories of this machine are known. */
export function options(change: Partial<PlanOptions> = {}): PlanOptions {
  return { ...OPTIONS, hostRoots: ["/home/me", "/data"], ...change };
}

/** A variable of that project's config file. */
export function variable(
  name: string,
  value: string,
  more: Partial<EnvVariable> = {},
): EnvVariable {
  return { name, value, source: "/home/me/app/mise.toml", redacted: false, ...more };
}
