/**
 * Plans an image from a project and the flags. Pure: the same input gives the same plan.
 * @module
 */
import { Annotation } from "../oci/mod.ts";
import { MiseOciError } from "../errors.ts";
import { type Concern, planEnv, planPath } from "./env.ts";
import { declaredSecrets, findExposures } from "./exposure.ts";
import { certificateVariables } from "./layers/certificates.ts";
import { planConfigLayer } from "./layers/config.ts";
import { planLayers } from "./layers/mod.ts";
import { pluginsDirectory } from "./paths.ts";
import type { LayerVersions } from "./layers/planner.ts";
import { type PlanOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import type { Project } from "./project.ts";
import type { BuildPlan, ConfigPlan } from "./types.ts";

/** A label's key may be any text, but programs that read labels split at `=` and white space. */
function labelKey(short: string): string {
  return `${Annotation.toolsPrefix}${short.replace(/[^A-Za-z0-9._/@:+-]/g, "-")}`;
}

/**
 * Labels the image as a dev container of its user. It replaces the base's label, whose user and
 * variables may be others.
 */
function devcontainerLabel({ oci: { user } }: Project): Record<string, string> {
  const name = user?.split(":")[0];
  if (!name) return {};
  return { [Annotation.devcontainer]: JSON.stringify([{ remoteUser: name }]) };
}

function planLabels(project: Project, options: PlanOptions): Record<string, string> {
  const tools = new Map<string, string>();
  for (const { short, version } of project.tools) {
    const key = labelKey(short);
    const other = tools.get(key);
    tools.set(key, other === undefined ? version : `${other} ${version}`);
  }
  return {
    [Annotation.created]: options.created,
    [Annotation.miseVersion]: project.miseVersion,
    ...Object.fromEntries(tools),
    ...devcontainerLabel(project),
    ...project.oci.labels,
  };
}

/** Warnings for variables of `[oci.env]` that have no effect. */
function shadowed({ oci }: Project, fixed: ConfigPlan["fixedEnv"]): readonly string[] {
  return fixed.filter(([name]) => Object.hasOwn(oci.env, name)).map(([name, value]) =>
    `${name} of [oci.env] has no effect: in the image it is always ${JSON.stringify(value)}` +
    "; mount_point chooses it"
  );
}

/** Programs that use signed 32-bit ids take these for negative (fault L18). */
const LARGE_ID = 2 ** 31;
/** The highest id of a usual rootless user namespace, which maps 65536 ids. */
const MAX_ROOTLESS_ID = 65535;

/** Linux's limit for one environment string, including the name and the closing NUL. */
const MAX_VARIABLE_BYTES = 128 * 1024;

/** @throws {MiseOciError} `config` for a variable that would prevent containers from starting. */
function refuseLongVariables(env: ConfigPlan["env"]): void {
  const long = env.find(([name, value]) =>
    value.length > MAX_VARIABLE_BYTES / 4 &&
    new TextEncoder().encode(`${name}=${value}`).length >= MAX_VARIABLE_BYTES
  );
  if (long === undefined) return;
  const [name, value] = long;
  throw new MiseOciError(
    "config",
    `Cannot bake variable "${name}": it has ${value.length} characters, and Linux starts no program with ` +
      `one over 128 KiB`,
    { hint: `Leave it out with --drop-env ${name}, or put it into a file that is copied` },
  );
}

/** Warnings for ids that engines refuse or mistake for others, including root. */
function largeIds({ oci }: Project, { owner }: ResolvedOptions): readonly string[] {
  const ofUser = (oci.user ?? "").split(":").filter((id) => /^\d+$/.test(id)).map(Number);
  const found = (ids: readonly number[], what: string): readonly string[] => {
    const large = ids.find((id) => id >= LARGE_ID) ?? ids.find((id) => id > MAX_ROOTLESS_ID);
    if (large === undefined) return [];
    const why = large >= LARGE_ID
      ? "engines refuse ids over 2147483647, or take them for another user"
      : `rootless engines have ids up to ${MAX_ROOTLESS_ID} and refuse the image, unless more are set up in /etc/subuid`;
    return [`${what} has the id ${large}: ${why}`];
  };
  return [
    ...found([owner.uid, owner.gid], "The owner of the layers"),
    ...found(ofUser, "The user"),
  ];
}

function planConfig(
  project: Project,
  options: PlanOptions,
  context: { readonly resolved: ResolvedOptions; readonly env: ConfigPlan["env"] },
): ConfigPlan {
  const { entrypoint, cmd, user, workdir, expose, volumes, stopSignal, healthcheck } = project.oci;
  const { annotations = {} } = project.oci;
  const { mountPoint } = context.resolved;
  return {
    created: options.created,
    env: context.env,
    path: planPath(project, mountPoint),
    fixedEnv: [
      ["MISE_SHARED_INSTALL_DIRS", `${mountPoint}/installs`],
      ...(project.tools.some(({ plugin }) => plugin !== undefined)
        ? [["MISE_PLUGINS_DIR", pluginsDirectory(mountPoint)] as const]
        : []),
    ],
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(cmd === undefined ? {} : { cmd }),
    ...(user === undefined ? {} : { user }),
    ...(workdir === undefined ? {} : { workdir }),
    labels: planLabels(project, options),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(expose === undefined ? {} : { expose }),
    ...(volumes === undefined ? {} : { volumes }),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(healthcheck === undefined ? {} : { healthcheck }),
  };
}

/** Notes which `.dockerignore` files apply. */
function ignoreNotes({ copies }: ResolvedOptions): readonly string[] {
  return copies.flatMap(({ host, image, ignore }) =>
    ignore === undefined
      ? []
      : `Copy ${JSON.stringify(image)}: .dockerignore of ${JSON.stringify(host)} applies`
  );
}

/** @throws {MiseOciError} `secret` with every concern. */
function refuseConcerns(concerns: readonly Concern[]): void {
  if (concerns.length === 0) return;
  throw new MiseOciError(
    "secret",
    `Refused by --strict-env: ${concerns.map(({ text }) => text).join("; ")}`,
    { hint: "Drop the variable with --drop-env NAME, or accept it with --allow-env NAME" },
  );
}

/**
 * Plans an image.
 *
 * @throws {MiseOciError} `config` for an invalid setting of mise or a variable that is too long,
 * `secret` for a variable that must not be baked in.
 */
export function plan(project: Project, options: PlanOptions, versions: LayerVersions): BuildPlan {
  const resolved = resolveOptions(project, options);
  const { env, concerns, warnings } = planEnv(project, options, resolved.mountPoint);
  refuseLongVariables(env);
  const names = new Set(env.map(([name]) => name));
  const certificates = certificateVariables(options.certificates)
    .filter(([name]) => !names.has(name));
  const none = project.tools.length === 0
    ? ["The project has no tools: the image has the base and the other layers only"]
    : [];
  const config = planConfig(project, options, {
    resolved,
    env: [...certificates, ...env],
  });
  const planned = {
    platform: options.platform,
    from: resolved.from.source,
    fromText: resolved.from.text,
    ...(resolved.tag === undefined ? {} : { tag: resolved.tag }),
    mountPoint: resolved.mountPoint,
    compression: resolved.compression,
    layers: [
      ...planLayers({ project, options, resolved, versions }),
      planConfigLayer({
        project,
        mountPoint: resolved.mountPoint,
        owner: resolved.owner,
        config,
        login: resolved.from.source.kind !== "scratch",
        directories: [],
      }),
    ],
    missing: project.tools.filter(({ installed }) => !installed)
      .map(({ short, version }) => `${short}@${version}`),
    config,
    notes: ignoreNotes(resolved),
    declared: declaredSecrets(project, options),
    allowed: [...project.oci.allowEnv, ...options.allowEnv],
  };
  const all = [...concerns, ...findExposures(planned)];
  if (options.strictEnv) refuseConcerns(all);
  return {
    ...planned,
    warnings: [
      ...project.warnings,
      ...none,
      ...largeIds(project, resolved),
      ...shadowed(project, config.fixedEnv),
      ...warnings,
      ...all.map(({ text, advice }) => text + advice),
    ],
  };
}
