/**
 * The tools for which mise finds newer versions.
 * @module
 */
import { asObject, asString, maybe } from "../oci/mod.ts";
import { askJson } from "./ask.ts";
import type { MiseContext } from "./context.ts";

/** A tool with a newer version. */
export interface OutdatedTool {
  /** mise's name for it. */
  readonly name: string;
  /** The version that the config requests. */
  readonly requested: string;
  /** The installed version, if any. */
  readonly current?: string;
  /** The newest version that the config allows, or of all with `bump`. */
  readonly latest: string;
  /** Config file that requests it. */
  readonly source?: string;
}

function parseOutdated(value: unknown, what: string): readonly OutdatedTool[] {
  return Object.entries(asObject(value, what)).map(([key, entry]) => {
    const object = asObject(entry, `${what}.${key}`);
    const field = (name: string): string | undefined =>
      maybe(object[name], `${what}.${key}.${name}`, asString);
    const source = maybe(object["source"], `${what}.${key}.source`, asObject)?.["path"];
    const current = field("current");
    return {
      name: field("name") ?? key,
      requested: field("requested") ?? "",
      ...(current === undefined ? {} : { current }),
      latest: asString(object["latest"], `${what}.${key}.latest`),
      ...(typeof source === "string" ? { source } : {}),
    };
  });
}

/**
 * Queries the outdated tools; mise queries the registries of the tools.
 *
 * @throws {MiseOciError} `mise` with the failure.
 */
export async function readOutdatedTools(
  options: {
    readonly misePath: string;
    /** Absolute directory of the project. */
    readonly directory: string;
    /** Whether to include versions that the config does not allow. */
    readonly bump: boolean;
    /** mise environment (`-E`). */
    readonly miseEnv?: string;
  },
  context: MiseContext,
): Promise<readonly OutdatedTool[]> {
  const { misePath, directory, bump, miseEnv } = options;
  const env = miseEnv === undefined ? {} : { MISE_ENV: miseEnv };
  return await askJson({ misePath, directory, env, context }, {
    args: ["outdated", "--json", ...(bump ? ["--bump"] : [])],
    parse: parseOutdated,
  });
}
