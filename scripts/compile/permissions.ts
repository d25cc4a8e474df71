/**
 * A permission set of deno.json as command-line flags. `deno compile` takes the set itself (`-P`) only
 * since Deno 2.5; flags made of the same set mean the same for every version.
 * @module
 */

import manifest from "../../deno.json" with { type: "json" };

/** The value of one permission: everything, nothing, a list, or a list with exceptions. */
export type PermissionValue =
  | boolean
  | readonly string[]
  | {
    readonly allow?: boolean | readonly string[];
    readonly deny?: boolean | readonly string[];
    readonly ignore?: boolean | readonly string[];
  };

/** A permission set: name of the permission to value. */
export type PermissionSet = Readonly<Record<string, PermissionValue>>;

function flag(name: string, value: boolean | readonly string[] | undefined): readonly string[] {
  if (value === true) return [name];
  if (value === undefined || value === false || value.length === 0) return [];
  const comma = value.find((item) => item.includes(","));
  if (comma !== undefined) throw new RangeError(`Cannot write "${comma}" in ${name}: a comma`);
  return [`${name}=${value.join(",")}`];
}

/**
 * The flags of a permission set.
 *
 * @throws {RangeError} for a value with a comma, which a flag cannot hold.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { permissionFlags } from "./permissions.ts";
 *
 * const flags = permissionFlags({ net: true, sys: ["uid"], write: { allow: true, deny: ["/etc"] } });
 * assertEquals(flags, ["--allow-net", "--allow-sys=uid", "--allow-write", "--deny-write=/etc"]);
 * ```
 */
export function permissionFlags(set: PermissionSet): readonly string[] {
  return Object.entries(set).flatMap(([kind, value]) => {
    if (typeof value === "boolean" || "length" in value) return flag(`--allow-${kind}`, value);
    return [
      ...flag(`--allow-${kind}`, value.allow),
      ...flag(`--deny-${kind}`, value.deny),
      ...flag(`--ignore-${kind}`, value.ignore),
    ];
  });
}

/** What each narrower set starts besides mise and credential helpers. */
const STARTED = {
  build: ["/usr/bin/unshare", "/usr/bin/flock"],
  push: ["/usr/bin/unshare", "/usr/bin/flock", "skopeo", "crane"],
  run: ["/usr/bin/unshare", "/usr/bin/flock", "podman", "docker"],
  inspect: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** A set that can start fewer programs than the one of deno.json. */
export type SetName = keyof typeof STARTED;

/** Names of the narrower sets. */
export const NARROW_SETS = Object.keys(STARTED) as readonly SetName[];

/** A narrower set: the one of deno.json with fewer programs. */
export function narrowSet(name: SetName): PermissionSet & { readonly run: readonly string[] } {
  const whole = manifest.permissions.default;
  const started: readonly string[] = STARTED[name];
  const programs = whole.run.filter((program) =>
    program === "mise" || program.startsWith("docker-credential-") || started.includes(program)
  );
  return { ...whole, run: programs };
}
