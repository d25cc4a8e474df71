/**
 * mise is asked about a project while the modules that build are loaded: each takes a tenth of a second, and
 * neither needs the other.
 * @module
 */
import type { MiseContext } from "../mise/context.ts";
import { readProject } from "../mise/project.ts";
import type { Platform } from "../oci/mod.ts";
import type { Project } from "../plan/project.ts";
import { defaultPlatform, isHostPlatform } from "./environment.ts";
import { miseContext } from "./mise_context.ts";
import type { ProjectRequest, WorkflowContext } from "./types.ts";

/** Which project mise is asked about. */
export type AheadRequest = ProjectRequest & {
  /** The platform, if another than this machine's is asked for. */
  readonly platform?: Platform;
  /** The same for several. */
  readonly platforms?: readonly Platform[];
};

/** A project that mise has been asked about. Dispose of it: then nothing of mise runs on. */
export interface AskedProject extends AsyncDisposable {
  /**
   * The project, if it is the one meant and nobody has taken it before: later it may be another. What mise
   * had to say is told then, as if it had been asked then.
   */
  take(request: AheadRequest, context: WorkflowContext): Promise<Project> | undefined;
}

/** What mise is asked, as far as it decides the answer. */
function questionOf(request: AheadRequest): string {
  const { directory, misePath, miseEnv, includeGlobal, platform = defaultPlatform() } = request;
  return JSON.stringify([directory, misePath, miseEnv, includeGlobal, platform]);
}

/** Whether asking changes nothing, and says something of this machine's own tools. */
function mayAskAhead({ install, platform, platforms }: AheadRequest): boolean {
  return !install && [platform ?? defaultPlatform(), ...platforms ?? []].every(isHostPlatform);
}

/** Asks mise about a project, unless that has to wait for something else. */
export function askAhead(request: AheadRequest, context: WorkflowContext): AskedProject {
  const stop = new AbortController();
  const said: ((to: MiseContext) => void)[] = [];
  const { directory, includeGlobal, misePath, miseEnv, platform = defaultPlatform() } = request;
  const asked = mayAskAhead(request)
    ? readProject({
      directory,
      includeGlobal,
      platform,
      install: false,
      ...(misePath === undefined ? {} : { misePath }),
      ...(miseEnv === undefined ? {} : { miseEnv }),
    }, {
      ...miseContext(context),
      signal: AbortSignal.any([context.signal, stop.signal]),
      warn: (text) => void said.push((to) => to.warn(text)),
      detail: (level, text) => void said.push((to) => to.detail(level, text)),
    })
    : undefined;
  // Whoever takes it is told of a failure; if nobody does, another one came first.
  asked?.catch(() => {});
  let taken = asked === undefined;
  return {
    take(one, own): Promise<Project> | undefined {
      if (taken || !mayAskAhead(one) || questionOf(one) !== questionOf(request)) return undefined;
      taken = true;
      return asked?.finally(() => {
        const to = miseContext(own);
        for (const say of said) say(to);
      });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort();
      await asked?.catch(() => {});
    },
  };
}
