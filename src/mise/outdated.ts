/**
 * Which tools have newer versions, as mise says.
 * @module
 */
import { asObject, asString, maybe } from "../oci/mod.ts";
import { askJson } from "./ask.ts";
import type { MiseContext } from "./context.ts";

/** A tool that is behind. */
export interface OutdatedTool {
  /** mise's name of it. */
  readonly name: string;
  /** What the config asks for. */
  readonly requested: string;
  /** The version that is installed; absent if none is. */
  readonly current?: string;
  /** The newest version that the config allows, or of all. */
  readonly latest: string;
  /** Config file that asks for it. */
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
 * Asks mise which tools are behind; it asks the tools' own registries.
 *
 * @throws {MiseOciError} `mise` saying what failed.
 */
export async function readOutdatedTools(
  options: {
    readonly misePath: string;
    /** Absolute directory of the project. */
    readonly directory: string;
    /** Also versions that the config does not allow. */
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
