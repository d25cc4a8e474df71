/**
 * How a config names a system package.
 * @module
 */
import type { SystemPackage } from "../plan/project.ts";

/** A package as the config names it: `apt:libatomic1`. */
export function packageKey({ manager, name }: Pick<SystemPackage, "manager" | "name">): string {
  return `${manager}:${name}`;
}
