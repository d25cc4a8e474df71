/**
 * Completes the parts of a plan that depend on the base: the ids and home of the image's user, the
 * owner of the working directory, the paths of dotfiles (spec sections 8, 10 and 13). Pure.
 * @module
 */
import { Annotation, type ContainerConfig } from "../oci/mod.ts";
import { isWithin } from "../paths.ts";
import { DEFAULT_WORKDIR } from "./image_config.ts";
import { type ConfigLayerInput, planConfigLayer, TRUSTED_PATHS } from "./layers/config.ts";
import { planDotfiles } from "./layers/dotfiles.ts";
import type { Project } from "./project.ts";
import type { BuildPlan, ConfigPlan, LayerPlan, Owner } from "./types.ts";
import { type ImageUser, SCRATCH_USERS } from "./users.ts";

/** Information about the base. */
export interface SettleInput {
  /** Its container config; absent for `scratch`. */
  readonly base?: ContainerConfig;
  /** The image's user, if it is not root and can be resolved. */
  readonly user?: ImageUser;
  /** Whether a flag or `[oci]` sets the owner of files; otherwise dotfiles belong to the user. */
  readonly hasOwner: boolean;
}

function ownerOf(plan: BuildPlan, user: ImageUser | undefined): Owner {
  if (user !== undefined) return { uid: user.uid, gid: user.gid };
  return plan.layers.find(({ kind }) => kind === "config")?.owner ?? { uid: 0, gid: 0 };
}

/** Whether a layer has an entry at or below a path. */
function holds({ sources }: LayerPlan, path: string): boolean {
  return sources.some(({ imagePath }) => isWithin(imagePath, path));
}

/** A home for a user without one in `/etc/passwd`, for whom engines would use `/`. */
function maybeNewHome(
  { config }: BuildPlan,
  base: ContainerConfig | undefined,
  user: ImageUser | undefined,
): string | undefined {
  if (user === undefined || user.uid === 0 || user.home !== undefined) return undefined;
  const names = [
    ...config.env.map(([name]) => name),
    ...(base?.Env ?? []).map((one) => one.split("=", 1)[0]),
  ];
  return names.includes("HOME") ? undefined : `/home/${user.uid}`;
}

/** Directories and files that programs expect and `scratch` lacks. */
function scratchMinimum(
  { config, layers }: BuildPlan,
  user: ImageUser | undefined,
  home: string | undefined,
): Pick<ConfigLayerInput, "directories" | "files"> {
  const lower = layers.filter(({ kind }) => kind !== "config");
  const isFree = ({ path }: { readonly path: string }): boolean =>
    !lower.some((layer) => holds(layer, path));
  const { uid = 0, gid = 0 } = user ?? {};
  const [name = "", group = ""] = (config.user ?? "").split(":");
  const userName = [name, "user"].find((one) => !/^(?:\d*|root)$/.test(one));
  const groupName = [group, userName].find((one) =>
    one !== undefined && !/^(?:\d*|root)$/.test(one)
  );
  const rows = uid === 0 ? [] : [`${userName}:x:${uid}:${gid}::${home ?? "/"}:/sbin/nologin\n`];
  const groups = gid === 0 ? [] : [`${groupName}:x:${gid}:\n`];
  const files = [
    { path: "/etc/passwd", content: [SCRATCH_USERS.passwd, ...rows].join("") },
    { path: "/etc/group", content: [SCRATCH_USERS.group, ...groups].join("") },
  ];
  return {
    directories: [{ path: "/tmp", owner: { uid: 0, gid: 0 }, mode: 0o1777 }].filter(isFree),
    files: config.user === undefined || !files.every(isFree) ? [] : files,
  };
}

function settleConfig(
  { config }: BuildPlan,
  user: ImageUser | undefined,
  home: string | undefined,
): ConfigPlan {
  const { user: wanted, env, labels } = config;
  const [name = ""] = (wanted ?? "").split(":");
  const isNamed = user !== undefined && wanted !== undefined && wanted !== "" &&
    wanted.split(":").some((part) => part !== "" && !/^\d+$/.test(part));
  return {
    ...config,
    ...(home === undefined ? {} : { env: [["HOME", home] as const, ...env] }),
    ...(isNamed ? { user: `${user.uid}:${user.gid}` } : {}),
    ...(isNamed && !/^\d*$/.test(name) ? { labels: { [Annotation.user]: name, ...labels } } : {}),
  };
}

/**
 * Completes a plan once the base is known.
 *
 * - A named `user` of `[oci]` becomes its ids, because Kubernetes' `runAsNonRoot` refuses names;
 *   the name becomes a label.
 * - A user without a row in `/etc/passwd` gets a home.
 * - The working directory is created unless a layer has it, and belongs to the user.
 * - Dotfiles below `~/` go to the user's home.
 * - Login shells get the image's variables, unless the base is `scratch`.
 * - `scratch` gets `/tmp`, and a user database if the image has a user.
 */
export function settlePlan(
  plan: BuildPlan,
  project: Project,
  { base, user, hasOwner }: SettleInput,
): BuildPlan {
  const home = maybeNewHome(plan, base, user);
  const config = settleConfig(plan, user, home);
  const userHome = user?.home ?? home;
  const owner = ownerOf(plan, user);
  const workdir = config.workdir ?? (base?.WorkingDir || DEFAULT_WORKDIR);
  const lower = plan.layers.filter(({ kind }) => kind !== "config");
  const wanted = [workdir, ...(home === undefined ? [] : [home])];
  const minimum = base === undefined ? scratchMinimum(plan, user, userHome) : { directories: [] };
  const made = wanted
    .filter((path) => path.startsWith("/") && path !== "/")
    .filter((path) => !lower.some((layer) => holds(layer, path)))
    .map((path) => ({ path, owner }));
  // Login shells such as `su -` drop the image's variables, so the profile script sets this one too.
  const isSet = [...config.env.map(([name]) => `${name}=`), ...base?.Env ?? []]
    .some((entry) => entry.startsWith(`${TRUSTED_PATHS}=`));
  const trusted = isSet || workdir === "/" ? [] : [[TRUSTED_PATHS, workdir] as const];
  const layers = plan.layers.flatMap((layer): LayerPlan | readonly LayerPlan[] => {
    if (layer.kind === "dotfiles" && userHome !== undefined) {
      return planDotfiles(project, {
        home: userHome,
        owner: layer.owner,
        ...(hasOwner || user === undefined ? {} : { homeOwner: { uid: user.uid, gid: user.gid } }),
      });
    }
    if (layer.kind !== "config") return layer;
    return planConfigLayer({
      project,
      mountPoint: plan.mountPoint,
      owner: layer.owner,
      config: { ...config, fixedEnv: [...config.fixedEnv, ...trusted] },
      login: base !== undefined,
      ...minimum,
      directories: [...made, ...minimum.directories],
    });
  });
  return { ...plan, config, layers };
}
