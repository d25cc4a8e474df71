/**
 * Reads projects: starts the mise commands that the flags require, for every platform, while the build
 * modules are loading. Both take a tenth of a second and are independent.
 * @module
 */
import { join } from "@std/path";
import { defaultPlatform, hostEnv, isHostPlatform } from "./environment.ts";
import type {
  AheadRequest,
  AskedProject,
  PlatformRequest,
  ProjectRequest,
  Taker,
} from "../types.ts";
import type { WorkflowContext } from "../../context.ts";
import { SharedAnswers } from "../../mise/answers_of_project.ts";
import type { MiseContext } from "../../mise/context.ts";
import type { ForeignPlatform } from "../../mise/foreign/foreign_platform.ts";
import { type ProjectOptions, readProject } from "../../mise/project.ts";
import type { Platform } from "../../oci/mod.ts";
import type { Project } from "../../plan/project.ts";
import { cacheDirectory } from "../../store/cache_directory.ts";
import { lockInstall } from "../../store/installs.ts";

/** The request, reduced to the fields that affect mise's output. */
function questionOf(request: AheadRequest): string {
  const { directory, misePath, miseEnv, includeGlobal, without, platform = defaultPlatform() } =
    request;
  return JSON.stringify([directory, misePath, miseEnv, includeGlobal, without, platform]);
}

/** A project that is being read, and the messages emitted in the meantime. */
class Early {
  readonly project: Promise<Project>;
  readonly #said: ((to: MiseContext) => void)[] = [];
  #installed: readonly string[] | undefined;
  #taker: Taker | undefined;

  /** Starts reading. */
  constructor(
    read: (context: Pick<MiseContext, "warn" | "detail" | "onInstalled">) => Promise<Project>,
  ) {
    this.project = read({
      warn: (text) => void this.#said.push((to) => to.warn(text)),
      detail: (level, text) => void this.#said.push((to) => to.detail(level, text)),
      onInstalled: (paths) => {
        this.#installed = paths;
        this.#taker?.context.onInstalled?.(paths);
      },
    });
    // A failure is thrown to the code that takes the project; if nothing takes it, an earlier failure is
    // reported.
    this.project.catch(() => {});
  }

  /** The project, unless it cannot be used. */
  async take(taker: Taker): Promise<Project | undefined> {
    this.#taker = taker;
    if (this.#installed !== undefined) taker.context.onInstalled?.(this.#installed);
    let useful = true;
    try {
      const project = await this.project;
      useful = !taker.whole || await isWhole(project);
      return useful ? project : undefined;
    } finally {
      for (const say of useful ? this.#said.splice(0) : []) say(taker.context);
    }
  }
}

/** Whether all tools still exist: mise listed them before they were locked against pruning. */
async function isWhole({ tools }: Project): Promise<boolean> {
  if (!tools.every(({ installed }) => installed)) return false;
  const there = tools.map(({ installPath }) =>
    Deno.stat(installPath).then(() => true, () => false)
  );
  return (await Promise.all(there)).every((is) => is);
}

/**
 * Starts reading a project from mise, for every requested platform, unless tools must be installed on the
 * host first. Reading installs nothing.
 */
export function askAhead(request: AheadRequest, context: WorkflowContext): AskedProject {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const shared = new SharedAnswers();
  const early = new Map<string, Early>();
  const read = (platform: Platform) => async (own: Partial<MiseContext>): Promise<Project> =>
    await readProject(
      { ...projectOptions(request, platform), install: false, shared },
      { ...miseContext(context), signal, ...own },
    );
  // The host platform's output is shared with the others.
  const { own, others } = partPlatforms(requestedPlatforms(request));
  for (const platform of request.install ? [] : [...own, ...others]) {
    const question = questionOf({ ...request, platform });
    if (!early.has(question)) early.set(question, new Early(read(platform)));
  }
  const all = [...early.values()];
  return {
    async take(one, taker): Promise<Project | undefined> {
      const question = questionOf(one);
      const found = one.install ? undefined : early.get(question);
      if (found === undefined) return undefined;
      early.delete(question);
      return await found.take(taker);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort();
      await Promise.allSettled(all.map(({ project }) => project));
    },
  };
}

/** The requested platforms; by default the host platform. */
export function requestedPlatforms(
  { platform = defaultPlatform(), platforms = [platform] }: PlatformRequest,
): readonly Platform[] {
  return platforms;
}

/** The host platform, which is read and installed first, and the others. */
export function partPlatforms(
  platforms: readonly Platform[],
): { readonly own: readonly Platform[]; readonly others: readonly Platform[] } {
  return {
    own: platforms.filter(isHostPlatform),
    others: platforms.filter((platform) => !isHostPlatform(platform)),
  };
}

/** The data directory of a platform; `undefined` for the host platform. */
function maybeForeign(platform: Platform): ForeignPlatform | undefined {
  if (isHostPlatform(platform)) return undefined;
  const { os, architecture } = platform;
  const directory = join(cacheDirectory(hostEnv), "platforms", `${os}-${architecture}`);
  return { platform, directory };
}

/**
 * The options of mise for a project and one platform.
 *
 * @throws {MiseOciError} `usage` if there is no directory for the tools of another platform.
 */
export function projectOptions(request: ProjectRequest, platform: Platform): ProjectOptions {
  const { directory, includeGlobal, install, installOnly, misePath, miseEnv } = request;
  const { yes, locked, without } = request;
  const foreign = maybeForeign(platform);
  return {
    directory,
    includeGlobal,
    install,
    platform,
    ...(foreign === undefined ? {} : { foreign }),
    ...(installOnly === undefined ? {} : { installOnly }),
    ...(misePath === undefined ? {} : { misePath }),
    ...(miseEnv === undefined ? {} : { miseEnv }),
    ...(locked === undefined ? {} : { locked }),
    ...(without === undefined ? {} : { without }),
    ...(yes === undefined ? {} : { yes }),
  };
}

/** mise's context: this process's environment, its signal, and its reporter. */
export function miseContext(
  { reporter, signal }: WorkflowContext,
  onInstalled?: (paths: readonly string[]) => void,
): MiseContext {
  return {
    env: hostEnv,
    signal,
    warn: (text) => reporter.emit({ type: "warning", text }),
    detail: (level, text) => reporter.emit({ type: "detail", level, text }),
    locks: {
      host: join(cacheDirectory(hostEnv), "install.lock"),
      take: (path, kind) =>
        lockInstall(path, kind, {
          signal,
          onWait: () =>
            reporter.emit({ type: "step", text: "Waiting for tools that another run installs" }),
        }),
    },
    ...(onInstalled === undefined ? {} : { onInstalled }),
    onInstallLine: (line) => {
      if (line.trim() !== "") reporter.emit({ type: "step", text: line });
    },
  };
}
