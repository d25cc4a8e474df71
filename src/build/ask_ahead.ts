/**
 * mise is asked about a project while the modules that build are loaded: each takes a tenth of a second, and
 * neither needs the other.
 * @module
 */
import { SharedAnswers } from "../mise/answers_of_project.ts";
import type { MiseContext } from "../mise/context.ts";
import { readProject } from "../mise/project.ts";
import type { Platform } from "../oci/mod.ts";
import type { Project } from "../plan/project.ts";
import { defaultPlatform } from "./environment.ts";
import { miseContext } from "./mise_context.ts";
import {
  partPlatforms,
  type PlatformRequest,
  projectOptions,
  requestedPlatforms,
} from "./project_options.ts";
import type { ProjectRequest } from "./types.ts";
import type { WorkflowContext } from "../context.ts";

/** Which project mise is asked about. */
export type AheadRequest = ProjectRequest & PlatformRequest;

/** Who takes a project. */
export interface Taker {
  /** Hears what mise had to say, as if it had been asked only now. */
  readonly context: MiseContext;
  /** Whether a project that lacks tools is of no use, because they would be installed now. */
  readonly whole: boolean;
}

/** A project that mise has been asked about. Dispose of it: then nothing of mise runs on. */
export interface AskedProject extends AsyncDisposable {
  /**
   * The project for the platform of a request, if it is the one meant and nobody has taken it before: later it
   * may be another.
   */
  take(request: AheadRequest, taker: Taker): Promise<Project | undefined>;
}

/** What mise is asked, as far as it decides the answer. */
function questionOf(request: AheadRequest): string {
  const { directory, misePath, miseEnv, includeGlobal, without, platform = defaultPlatform() } =
    request;
  return JSON.stringify([directory, misePath, miseEnv, includeGlobal, without, platform]);
}

/** A project that is being read, and what is said meanwhile. */
class Early {
  readonly project: Promise<Project>;
  readonly #said: ((to: MiseContext) => void)[] = [];
  #installed: readonly string[] | undefined;
  #taker: Taker | undefined;

  /** Begins to read it. */
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
    // Whoever takes it is told of a failure; if nobody does, another one came first.
    this.project.catch(() => {});
  }

  /** The project, unless it is of no use. */
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

/** Whether all tools are there: mise was asked before they were kept from being pruned. */
async function isWhole({ tools }: Project): Promise<boolean> {
  if (!tools.every(({ installed }) => installed)) return false;
  const there = tools.map(({ installPath }) =>
    Deno.stat(installPath).then(() => true, () => false)
  );
  return (await Promise.all(there)).every((is) => is);
}

/**
 * Asks mise about a project, for every platform that is asked for; unless tools of this machine are to be
 * installed first. Asking installs nothing.
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
  // This machine's answers serve for the others.
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
