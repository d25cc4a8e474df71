/**
 * Composes the image config from the base's config and the plan (spec section 8).
 * @module
 */
import type { ContainerConfig, DiffId, HistoryEntry, ImageConfig, Platform } from "../oci/mod.ts";
import { DEFAULT_PATH } from "../oci/image_path.ts";
import type { JsonObject } from "../oci/json.ts";
import { MISE_CONFIG_DIR, TRUSTED_PATHS } from "./layers/config.ts";
import type { Healthcheck } from "./project.ts";
import type { ConfigPlan } from "./types.ts";

/** WorkingDir where neither the base nor `[oci]` has one. */
export const DEFAULT_WORKDIR = "/workspace";

/** The fields of a layer that the config needs. */
export interface ConfigLayer {
  /** Diff ID. */
  readonly diffId: DiffId;
  /** `created_by` of its history entry. */
  readonly createdBy: string;
}

/** Input of {@linkcode composeImageConfig}. */
export interface ComposeInput {
  /** The base's config; absent for `scratch`. */
  readonly base?: ImageConfig;
  /** The base's name as the user wrote it, for history entries that the base lacks. */
  readonly baseName: string;
  /** The plan's part. */
  readonly config: ConfigPlan;
  /** The layers above the base. */
  readonly layers: readonly ConfigLayer[];
  /** What the image runs on. */
  readonly platform: Platform;
}

/**
 * Splits `NAME=VALUE`; the value is `undefined` for a name alone, which some engines pass on from
 * the host.
 */
export function splitVariable(variable: string): readonly [string, string | undefined] {
  const at = variable.indexOf("=");
  return at < 0 ? [variable, undefined] : [variable.slice(0, at), variable.slice(at + 1)];
}

/** `$PATH` or `${PATH}` in a text. */
const PATH_VARIABLE = /\$(?:\{PATH\}|PATH(?![A-Za-z0-9_]))/g;

function directoriesOf(path: string): readonly string[] {
  return path.split(":").map((directory) => directory.replace(/(?<=.)\/+$/, ""));
}

/**
 * PATH of the image: the tools' directories, followed by `[oci].env`'s PATH or else the base's.
 * `$PATH` in `[oci].env` stands for what PATH would be without it.
 */
function composePath(inherited: string, { path, env }: ConfigPlan): string {
  const own = [...path, inherited === "" ? DEFAULT_PATH : inherited].join(":");
  const configured = env.findLast(([name]) => name === "PATH")?.[1] ?? "";
  if (configured === "") return own;
  const replaced = configured.replace(PATH_VARIABLE, () => own);
  return replaced === configured ? [...path, configured].join(":") : replaced;
}

/** The warning for a PATH in `[oci].env` that leaves out every directory of the base's PATH. */
export function maybePathWarning(
  base: ImageConfig | undefined,
  config: ConfigPlan,
): string | undefined {
  const configured = config.env.findLast(([name]) => name === "PATH")?.[1] ?? "";
  if (base === undefined || configured === "") return undefined;
  const variables = new Map((base.config?.Env ?? []).map(splitVariable));
  const inherited = variables.get("PATH") || DEFAULT_PATH;
  const kept = new Set(directoriesOf(composePath(inherited, config)));
  if (directoriesOf(inherited).some((directory) => kept.has(directory))) return undefined;
  return `PATH of [oci.env] leaves out every directory of the base's PATH (${inherited}): commands such as ` +
    'sh are not found. Append ":$PATH" to it';
}

/**
 * Variables that images before format 3 set for mise, whose data and config directories were then
 * in the image.
 */
function isOldMiseVariable(name: string, value: string | undefined, config: ConfigPlan): boolean {
  const installs = config.fixedEnv.find(([fixed]) => fixed === "MISE_SHARED_INSTALL_DIRS")?.[1];
  return name === "MISE_DATA_DIR" && `${value}/installs` === installs ||
    name === "MISE_CONFIG_DIR" && value === MISE_CONFIG_DIR;
}

function composeEnv(
  base: readonly string[],
  config: ConfigPlan,
  workdir: string,
): readonly string[] {
  // Engines refuse a container with a variable that has no name.
  const variables = new Map(
    base.map(splitVariable).filter(([name, value]) =>
      name !== "" && !isOldMiseVariable(name, value, config)
    ),
  );
  const inherited = variables.get("PATH") ?? "";
  for (const [name, value] of config.env) variables.set(name, value);
  variables.set("PATH", composePath(inherited, config));
  for (const [name, value] of config.fixedEnv) variables.set(name, value);
  // A mounted project is trusted, because mise could not ask in a container.
  if (workdir !== "/" && !variables.has(TRUSTED_PATHS)) variables.set(TRUSTED_PATHS, workdir);
  return [...variables].map(([name, value]) => value === undefined ? name : `${name}=${value}`);
}

/**
 * The base's history if it has one entry per layer, else a replacement that does: `docker history`
 * and others pair entries with layers by counting, so a mismatch would shift the description of
 * every layer above.
 */
export function baseHistory(
  base: ImageConfig | undefined,
  baseName: string,
): readonly HistoryEntry[] {
  if (base === undefined) return [];
  const history = base.history ?? [];
  const layers = history.filter(({ empty_layer }) => empty_layer !== true).length;
  if (layers === base.diffIds.length) return history;
  return base.diffIds.map(() => ({
    ...(base.created === undefined ? {} : { created: base.created }),
    created_by: `layer of base image ${baseName}`,
  }));
}

/** Maps each name to an empty object, the form in which the specification encodes sets. */
function asSet(base: unknown, names: readonly string[]): JsonObject {
  const inherited = typeof base === "object" && base !== null ? base : {};
  return { ...inherited, ...Object.fromEntries(names.map((name) => [name, {}])) };
}

function composeHealthcheck(
  { test, interval, timeout, startPeriod, retries }: Healthcheck,
): JsonObject {
  return {
    Test: [...test],
    ...(interval === undefined ? {} : { Interval: interval }),
    ...(timeout === undefined ? {} : { Timeout: timeout }),
    ...(startPeriod === undefined ? {} : { StartPeriod: startPeriod }),
    ...(retries === undefined ? {} : { Retries: retries }),
  };
}

/** The base's other fields, with the plan's ports, volumes, stop signal and health check. */
function composeExtensions(base: JsonObject | undefined, config: ConfigPlan): JsonObject {
  const { expose, volumes, stopSignal, healthcheck } = config;
  return {
    ...base,
    ...(expose === undefined ? {} : { ExposedPorts: asSet(base?.["ExposedPorts"], expose) }),
    ...(volumes === undefined ? {} : { Volumes: asSet(base?.["Volumes"], volumes) }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
    ...(healthcheck === undefined ? {} : { Healthcheck: composeHealthcheck(healthcheck) }),
  };
}

/**
 * The settings for which the project gives the same value as the base, as listed by
 * `Annotation.ownSettings`. A rebase keeps them; without the list they could not be distinguished
 * from inherited ones.
 */
export function settingsLikeBase(
  base: ContainerConfig = {},
  config: ConfigPlan,
): readonly string[] {
  const inherited = new Map((base.Env ?? []).map(splitVariable));
  if (!inherited.get("PATH")) inherited.set("PATH", DEFAULT_PATH);
  const same = (a: unknown, b: unknown): boolean =>
    a !== undefined && JSON.stringify(a) === JSON.stringify(b);
  const fields = [
    ["Entrypoint", config.entrypoint, base.Entrypoint],
    ["Cmd", config.cmd, base.Cmd],
    ["User", config.user, base.User],
    ["WorkingDir", config.workdir, base.WorkingDir || DEFAULT_WORKDIR],
  ] as const;
  return [
    ...[...new Map([...config.env, ...config.fixedEnv])].filter(([name, value]) =>
      inherited.get(name) === value
    )
      .map(([name]) => `Env.${name}`),
    ...Object.entries(config.labels).filter(([name, value]) => base.Labels?.[name] === value)
      .map(([name]) => `Labels.${name}`),
    ...fields.filter(([, own, theirs]) => same(own, theirs)).map(([name]) => name),
  ];
}

function composeContainer(base: ContainerConfig, config: ConfigPlan): ContainerConfig {
  const workdir = config.workdir ?? (base.WorkingDir || DEFAULT_WORKDIR);
  const extensions = composeExtensions(base.extensions, config);
  return {
    ...base,
    Env: composeEnv(base.Env ?? [], config, workdir),
    ...(config.entrypoint === undefined ? {} : { Entrypoint: config.entrypoint }),
    ...(config.cmd === undefined ? {} : { Cmd: config.cmd }),
    ...(config.user === undefined ? {} : { User: config.user }),
    WorkingDir: workdir,
    Labels: { ...base.Labels, ...config.labels },
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
  };
}

/**
 * Applies the plan to the base's config. Everything that the plan does not name is kept, including
 * unknown fields; `rootfs.diff_ids` and `history` grow by one entry per layer.
 */
export function composeImageConfig(input: ComposeInput): ImageConfig {
  const { base, config, layers, platform } = input;
  const { created } = config;
  const history = layers.map(({ createdBy }) => ({ created, created_by: createdBy }));
  // A base for any amd64 can also be used for amd64/v3.
  const variant = platform.variant ?? base?.variant;
  return {
    created,
    ...(base?.author === undefined ? {} : { author: base.author }),
    architecture: base?.architecture ?? platform.architecture,
    os: base?.os ?? platform.os,
    ...(variant === undefined ? {} : { variant }),
    config: composeContainer(base?.config ?? {}, config),
    diffIds: [...base?.diffIds ?? [], ...layers.map(({ diffId }) => diffId)],
    history: [...baseHistory(base, input.baseName), ...history],
    ...(base?.extensions === undefined ? {} : { extensions: base.extensions }),
  };
}
