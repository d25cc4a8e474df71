/**
 * What reading a project needs of its surroundings.
 * @module
 */

import type { InstallLocks } from "./install_lock.ts";

/** What reading a project needs of its surroundings. */
export interface MiseContext {
  /** The value of an environment variable of this process, if it is set. */
  env(name: string): string | undefined;
  /** Stops everything under way when aborted; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Takes one sentence that the user should know. */
  warn(text: string): void;
  /** Takes one line of detail for `-v` (1) or `-vv` (2); never a variable's value. */
  detail(level: 1 | 2, text: string): void;
  /**
   * Takes the directories of the project's tools that are installed as soon as they are known; again if more
   * are installed, or it turns out to be others.
   */
  onInstalled?(paths: readonly string[]): void;
  /** Keeps questions and installs of several processes apart; without, nothing is locked. */
  readonly locks?: InstallLocks;
  /** Takes the lines that `mise install` prints, as they come; without it they are dropped. */
  onInstallLine?(line: string): void;
}
