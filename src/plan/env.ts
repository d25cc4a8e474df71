/**
 * The image's environment (spec section 8): what is baked in, in which order, and what the user must
 * be told about it. Names only, never values, leave this module in a message.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { nearest } from "../suggest.ts";
import { mentionsPath, rebaseValue, toolImagePath, toolRelocations } from "./paths.ts";
import type { EnvVariable, Project } from "./project.ts";
import type { PlanOptions } from "./options.ts";

/** The image's environment besides PATH, and what to say about it. */
export interface EnvPlan {
  /** Variables in order of application. */
  readonly env: readonly (readonly [name: string, value: string])[];
  /** One sentence each. */
  readonly warnings: readonly string[];
}

const SECRET_NAME = new RegExp(
  "(?:^|_)(?:TOKEN|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|PWD|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|" +
    "SECRET_?KEY|ENCRYPTION_?KEY|SIGNING_?KEY|CREDENTIAL|CREDENTIALS|AUTH|DSN)(?:_(?:ID|FILE|PATH))?$",
  "i",
);

/** Whether a variable's name is one that usually holds a secret. `AWS_SECRET_ACCESS_KEY`, `GH_TOKEN`. */
export function looksLikeSecret(name: string): boolean {
  if (/^(?:PWD|OLDPWD)$/.test(name) || /_(?:FILE|PATH|ID)$/i.test(name)) return false;
  return SECRET_NAME.test(name) || /(?:^|_)SECRET(?:_|$)/i.test(name);
}

/** Tells names that one of the patterns means; `*` stands for any characters. */
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
        `container runs with -e ${names[0]}; if it is no secret, say --allow-env ${names[0]} ` +
        `(or allow_env under [_.oci])`,
    },
  );
}

/** Why a variable deserves a warning; `undefined` if it does not. */
function maybeConcern(
  variable: EnvVariable,
  value: string,
  context: { readonly configFiles: ReadonlySet<string>; readonly hostRoots: readonly string[] },
): string | undefined {
  const { name, source, tool } = variable;
  if (tool === undefined && source !== undefined && !context.configFiles.has(source)) {
    return `${name} comes from the file ${source}`;
  }
  if (looksLikeSecret(name)) return `${name} looks like a secret`;
  if (context.hostRoots.some((root) => mentionsPath(value, root))) {
    return `${name} names a directory of this machine that the image does not have`;
  }
  return undefined;
}

/** Names that a flag gives and the project does not have: a slip that would leave a secret in. */
function strayNames(
  names: ReadonlySet<string>,
  flags: Pick<PlanOptions, "dropEnv" | "allowEnv">,
): readonly string[] {
  const said = (flag: string, given: readonly string[]): readonly string[] =>
    given.filter((name) => !name.includes("*") && name !== "PATH" && !names.has(name)).map(
      (name) => {
        const near = nearest(name, [...names]);
        const hint = near === undefined ? "" : `; did you mean ${near}?`;
        return `${flag} ${name} changes nothing: the project has no such variable${hint}`;
      },
    );
  return [...said("--drop-env", flags.dropEnv), ...said("--allow-env", flags.allowEnv)];
}

/** Variables of mise that say where things are on the host. */
const OF_HOST: ReadonlySet<string> = new Set(["PATH", "MISE_DATA_DIR", "MISE_CONFIG_DIR"]);

function ociVariables(project: Project): readonly EnvVariable[] {
  return Object.entries(project.oci.env).map(([name, value]) => ({ name, value, redacted: false }));
}

/**
 * Plans the environment: the project's `[env]`, then each tool's own variables, then `[oci].env`, with
 * the host's install directories rebased to the image's. Later wins; PATH is planned by
 * {@linkcode planPath}.
 *
 * @throws {MiseOciError} `secret` if mise marks a variable as redacted and the user neither drops nor
 * allows it, or if `strictEnv` makes an error of a warning.
 */
export function planEnv(project: Project, options: PlanOptions, mountPoint: string): EnvPlan {
  const dropped = nameMatcher([...project.oci.dropEnv, ...options.dropEnv]);
  const allowed = nameMatcher([...project.oci.allowEnv, ...options.allowEnv]);
  // These are the host's: the image's PATH comes of the tools, the base and `[oci].env`.
  const ofMise = project.env.filter(({ name }) => !OF_HOST.has(name));
  const kept = [
    ...ofMise.filter(({ tool }) => tool === undefined),
    ...ofMise.filter(({ tool }) => tool !== undefined),
    ...ociVariables(project),
  ].filter(({ name }) => !dropped(name));
  stopAtSecrets(kept.filter(({ name, redacted }) => redacted && !allowed(name)));
  const relocations = toolRelocations(project, mountPoint);
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
  if (concerns.length > 0 && options.strictEnv) {
    throw new MiseOciError("secret", `Refused by --strict-env: ${concerns.join("; ")}`, {
      hint: "Drop the variable with --drop-env NAME, or accept it with --allow-env NAME",
    });
  }
  const names = new Set([...ofMise, ...ociVariables(project)].map(({ name }) => name));
  return {
    env,
    warnings: [
      ...strayNames(names, options),
      ...concerns.map((concern) =>
        `${concern}; everyone who can pull the image can read its value (--drop-env leaves it out, --allow-env accepts it)`
      ),
    ],
  };
}

/** PATH of the image's tools: each tool's directories of executables in mise's order. */
export function planPath(project: Project, mountPoint: string): readonly string[] {
  const directories = project.tools.flatMap((tool) => {
    const image = toolImagePath(mountPoint, tool);
    return (tool.binDirs ?? []).map((dir) => dir === "" ? image : `${image}/${dir}`);
  });
  return [...new Set(directories)];
}
