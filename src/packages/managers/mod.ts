/**
 * The package managers that images can have.
 * @module
 */
import { apk } from "./apk.ts";
import { apt } from "./apt.ts";
import type { ManagerName } from "../../oci/mod.ts";
import type { Manager } from "./manager.ts";

const MANAGERS: Readonly<Record<ManagerName, Manager>> = { apt, apk };

/** The manager with a name, `undefined` if it is unknown. */
export function maybeManager(name: string): Manager | undefined {
  return Object.values(MANAGERS).find((manager) => manager.name === name);
}

/** The manager with a name. */
export function managerOf(name: ManagerName): Manager {
  return MANAGERS[name];
}

/** Another manager that a base has, by its files. */
export function maybeOther(
  name: ManagerName,
  has: (path: string) => boolean,
): Manager | undefined {
  return Object.values(MANAGERS).find((other) => other.name !== name && other.requires.every(has));
}
