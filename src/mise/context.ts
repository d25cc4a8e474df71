/**
 * The environment, output and locks that reading a project needs.
 * @module
 */

import type { InstallLocks } from "./install_lock.ts";

/** The environment, output and locks that reading a project needs. */
export interface MiseContext {
  /** The value of an environment variable of this process, if it is set. */
  env(name: string): string | undefined;
  /** Cancels all running queries; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Receives a warning, one sentence. */
  warn(text: string): void;
  /** Receives a line of detail for `-v` (1) or `-vv` (2); never a variable's value. */
  detail(level: 1 | 2, text: string): void;
  /**
   * Receives the directories of the project's installed tools as soon as they are known, and again
   * if they change.
   */
  onInstalled?(paths: readonly string[]): void;
  /** Locks between queries and installs of several processes; without them, nothing is locked. */
  readonly locks?: InstallLocks;
  /** Receives the lines that `mise install` prints, as they arrive; without it they are dropped. */
  onInstallLine?(line: string): void;
}
