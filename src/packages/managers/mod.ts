/**
 * The package managers that images can have.
 * @module
 */
import { apk } from "./apk.ts";
import { apt } from "./apt.ts";
import type { Manager } from "./manager.ts";

/** Every manager, in the order of messages. */
export const MANAGERS: readonly Manager[] = [apt, apk];

/** The manager with a name, `undefined` if it is unknown. */
export function maybeManager(name: string): Manager | undefined {
  return MANAGERS.find((manager) => manager.name === name);
}

/** The manager of a plan, whose name was checked. */
export function managerOf(name: string): Manager {
  const manager = maybeManager(name);
  if (manager === undefined) throw new TypeError(`No package manager "${name}"`);
  return manager;
}
