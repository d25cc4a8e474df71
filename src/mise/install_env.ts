/**
 * Variables of installs that mise-oci starts. The programs that `go install` and `cargo install` make name the
 * source files they were compiled from, by paths below the user's home: the same tool would be another layer
 * for every user, and would tell their names.
 * @module
 */
import { join } from "@std/path";
import { homeDirectory } from "../home.ts";
import type { MiseContext } from "./context.ts";

/** Whether a variable's flags have one of a name. */
function hasFlag(flags: string, name: string): boolean {
  return flags.split(/\s+/).some((flag) => flag === name || flag.startsWith(`${name}=`));
}

/**
 * The variables with which Go and Rust leave the user's directories out of what they compile. What the user
 * set is kept: flags are appended, and `RUSTFLAGS` or cargo's `target.*.rustflags`, which hide
 * `CARGO_BUILD_RUSTFLAGS`, still count.
 */
export function tracelessEnv({ env }: Pick<MiseContext, "env">): Readonly<Record<string, string>> {
  const go = env("GOFLAGS") ?? "";
  const rust = env("CARGO_BUILD_RUSTFLAGS") ?? "";
  const home = homeDirectory(env);
  const cargoHome = env("CARGO_HOME") || (home === undefined ? "" : join(home, ".cargo"));
  const remap = `--remap-path-prefix=${cargoHome}=/cargo`;
  return {
    ...(hasFlag(go, "-trimpath") ? {} : { GOFLAGS: `${go} -trimpath`.trim() }),
    // Cargo splits the variable at spaces, whatever quotes are in it.
    ...(cargoHome === "" || /\s/.test(cargoHome) || hasFlag(rust, "--remap-path-prefix")
      ? {}
      : { CARGO_BUILD_RUSTFLAGS: `${rust} ${remap}`.trim() }),
  };
}
