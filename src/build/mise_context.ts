/**
 * How workflows listen to mise.
 * @module
 */
import type { MiseContext } from "../mise/mod.ts";
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
    ...(onInstalled === undefined ? {} : { onInstalled }),
    onInstallOutput: (chunk) => {
      for (const line of decoder.decode(chunk, { stream: true }).split(/[\r\n]+/)) {
        if (line.trim() !== "") reporter.emit({ type: "step", text: line });
      }
    },
  };
}
