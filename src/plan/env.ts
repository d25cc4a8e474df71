/**
 * The image's environment (spec section 8): which variables are baked in, in which order, and the
 * warnings about them. Messages contain names, never values.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { looksLikeSecret, maybeSecretKind } from "../secrets.ts";
import { nearest } from "../suggest.ts";
import { mentionsPath, rebaseValue, toolImagePath, toolRelocations } from "./paths.ts";
import type { EnvVariable, Project } from "./project.ts";
import type { PlanOptions } from "./options.ts";

/** A problem that is a warning by default and an error under `--strict-env`. */
export interface Concern {
  /** What is wrong, without a final period. */
  readonly text: string;
  /** The consequence and the remedy; appended to the text. */
  readonly advice: string;
}

/** The image's environment without PATH, and the problems found in it. */
export interface EnvPlan {
  /** Variables in order of application. */
  readonly env: readonly (readonly [name: string, value: string])[];
  /** Problems with values, at most one per variable. */
  readonly concerns: readonly Concern[];
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/** Returns a predicate for names that match one of the patterns; `*` stands for any characters. */
export function nameMatcher(patterns: readonly string[]): (name: string) => boolean {
  const expressions = patterns.map((pattern) =>
    new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`)
  );
  return (name) => expressions.some((expression) => expression.test(name));
}

function stopAtSecrets(secrets: readonly EnvVariable[]): void {
  if (secrets.length === 0) return;
  const list = secrets.map(({ name, source }) =>
    source === undefined ? name : `${name} (${source})`
  );
  const names = secrets.map(({ name }) => name);
  throw new MiseOciError(
    "secret",
    `Cannot bake into the image what mise marks as a secret: ${list.join(", ")}`,
    {
      hint:
        `Leave it out with --drop-env ${
          names[0]
        } (or drop_env under [_.oci]) and pass it when the ` +
        `container runs with -e ${names[0]}; if it is not a secret, use --allow-env ${names[0]} ` +
        `(or allow_env under [_.oci])`,
    },
  );
}

const READABLE =
  "; everyone who can pull the image can read its value (--drop-env leaves it out, --allow-env accepts it)";

/** Why a variable deserves a warning; `undefined` if it does not. */
function maybeConcern(
  variable: EnvVariable,
  value: string,
  context: { readonly configFiles: ReadonlySet<string>; readonly hostRoots: readonly string[] },
): Concern | undefined {
  const { name, source, tool } = variable;
  if (tool === undefined && source !== undefined && !context.configFiles.has(source)) {
    return { text: `${name} comes from the file ${source}`, advice: READABLE };
  }
  if (looksLikeSecret(name)) return { text: `${name} looks like a secret`, advice: READABLE };
  const kind = maybeSecretKind(value);
  if (kind !== undefined) {
    return { text: `${name} holds what looks like ${kind}`, advice: READABLE };
  }
  if (!namesHost(value, context)) return undefined;
  return {
    text: `${name} names a directory of this machine that the image does not have`,
    advice:
      ": write it under [oci.env] with the image's own directory (--drop-env leaves it out, " +
      "--allow-env accepts it)",
  };
}

function namesHost(value: string, { hostRoots }: Pick<PlanOptions, "hostRoots">): boolean {
  return hostRoots.some((root) => mentionsPath(value, root));
}

/**
 * Warns of names given by a flag that the project does not have: a typo would leave a secret in the
 * image. A name with a slash is the path of a file.
 */
function strayNames(
  names: ReadonlySet<string>,
  flags: Pick<PlanOptions, "dropEnv" | "allowEnv">,
): readonly string[] {
  const describeUnknown = (flag: string, given: readonly string[]): readonly string[] =>
    given.filter((name) => !/[*/]/.test(name) && name !== "PATH" && !names.has(name)).map(
      (name) => {
        const near = nearest(name, [...names]);
        const hint = near === undefined ? "" : `; did you mean ${near}?`;
        return `${flag} ${name} changes nothing: the project has no such variable${hint}`;
      },
    );
  return [
    ...describeUnknown("--drop-env", flags.dropEnv),
    ...describeUnknown("--allow-env", flags.allowEnv),
  ];
}

/** Variables of mise that name directories of the host. */
const OF_HOST: ReadonlySet<string> = new Set([
  "PATH",
  "MISE_DATA_DIR",
  "MISE_CONFIG_DIR",
  "MISE_PLUGINS_DIR",
]);

function ociVariables(project: Project): readonly EnvVariable[] {
  return Object.entries(project.oci.env).map(([name, value]) => ({ name, value, redacted: false }));
}

/** Every variable that the image would have if none were dropped, in order of application. */
export function bakedVariables(project: Project): readonly EnvVariable[] {
  // The image's PATH is composed of the tools' directories, the base's and `[oci].env`.
  const ofMise = project.env.filter(({ name }) => !OF_HOST.has(name));
  return [
    ...ofMise.filter(({ tool }) => tool === undefined),
    ...ofMise.filter(({ tool }) => tool !== undefined),
    ...ociVariables(project),
  ];
}

/**
 * Plans the environment: the project's `[env]`, then each tool's variables, then `[oci].env`, with
 * the host's install directories rebased to the image's. Later wins; PATH is planned by {@linkcode
 * planPath}. `VIRTUAL_ENV` is left out if it names a directory of the host, because programs would
 * then look for Python only there.
 *
 * @throws {MiseOciError} `secret` if mise marks a variable as redacted and the user neither drops
 * nor allows it.
 */
export function planEnv(project: Project, options: PlanOptions, mountPoint: string): EnvPlan {
  const dropped = nameMatcher([...project.oci.dropEnv, ...options.dropEnv]);
  const allowed = nameMatcher([...project.oci.allowEnv, ...options.allowEnv]);
  const relocations = toolRelocations(project, mountPoint);
  const all = bakedVariables(project);
  const kept = all.filter(({ name, value }) =>
    !dropped(name) &&
    (name !== "VIRTUAL_ENV" || allowed(name) ||
      !namesHost(rebaseValue(value, relocations), options))
  );
  stopAtSecrets(kept.filter(({ name, redacted }) => redacted && !allowed(name)));
  const context = {
    configFiles: new Set(project.configFiles.filter((file) => !/(?:^|\/)\.env[^/]*$/.test(file))),
    hostRoots: options.hostRoots,
  };
  const env = kept.map((variable) =>
    [variable.name, rebaseValue(variable.value, relocations)] as const
  );
  const concerns = kept.flatMap((variable, i) =>
    allowed(variable.name) ? [] : maybeConcern(variable, env[i]?.[1] ?? "", context) ?? []
  );
  const { labels, annotations } = project.oci;
  const names = [
    ...all.map(({ name }) => name),
    ...Object.keys({ ...labels, ...annotations }),
    "cmd",
  ];
  return {
    env,
    concerns,
    warnings: strayNames(new Set([...names, "entrypoint"]), options),
  };
}

/** The tools' part of PATH: each tool's directories of executables, in mise's order. */
export function planPath(project: Project, mountPoint: string): readonly string[] {
  const directories = project.tools.filter(({ ofTask }) => ofTask !== true).flatMap((tool) => {
    const image = toolImagePath(mountPoint, tool);
    const { path } = tool.parts ?? {};
    if (path !== undefined) return path.map((place) => `${mountPoint}/${place}`);
    return (tool.binDirs ?? []).map((dir) => dir === "" ? image : `${image}/${dir}`);
  });
  return [...new Set(directories)];
}
