/**
 * How workflows listen to mise.
 * @module
 */
import type { MiseContext } from "../mise/mod.ts";
import { join } from "@std/path";
import { cacheDirectory } from "../store/cache_directory.ts";
import { lockInstall } from "../store/installs.ts";
import { hostEnv } from "./environment.ts";
import type { WorkflowContext } from "../context.ts";

/** mise's surroundings: this process's environment, its signal, and its reporter. */
export function miseContext(
  { reporter, signal }: WorkflowContext,
  onInstalled?: (paths: readonly string[]) => void,
): MiseContext {
  const decoder = new TextDecoder();
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
    onInstallOutput: (chunk) => {
      for (const line of decoder.decode(chunk, { stream: true }).split(/[\r\n]+/)) {
        if (line.trim() !== "") reporter.emit({ type: "step", text: line });
      }
    },
  };
}
