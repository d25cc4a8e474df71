/**
 * Environment variables for installs started by mise-oci. Programs built with `go install` and `cargo install`
 * contain the paths of their source files below the user's home: each user would get a different layer for
 * the same tool, which would reveal the user's name.
 * @module
 */
import { join } from "@std/path";
import { homeDirectory } from "../home.ts";
import type { MiseContext } from "./context.ts";

/** Whether a flag is set, with or without a value. */
function hasFlag(flags: string, name: string): boolean {
  return flags.split(/\s+/).some((flag) => flag === name || flag.startsWith(`${name}=`));
}

/**
 * Variables that keep the user's directories out of programs compiled by Go and Rust. The user's settings are
 * kept: flags are appended, and `RUSTFLAGS` and cargo's `target.*.rustflags` still override
 * `CARGO_BUILD_RUSTFLAGS`.
 */
export function tracelessEnv({ env }: Pick<MiseContext, "env">): Readonly<Record<string, string>> {
  const go = env("GOFLAGS") ?? "";
  const rust = env("CARGO_BUILD_RUSTFLAGS") ?? "";
  const home = homeDirectory(env);
  const cargoHome = env("CARGO_HOME") || (home === undefined ? "" : join(home, ".cargo"));
  const remap = `--remap-path-prefix=${cargoHome}=/cargo`;
  return {
    ...(hasFlag(go, "-trimpath") ? {} : { GOFLAGS: `${go} -trimpath`.trim() }),
    // Cargo splits the variable at spaces and does not support quotes.
    ...(cargoHome === "" || /\s/.test(cargoHome) || hasFlag(rust, "--remap-path-prefix")
      ? {}
      : { CARGO_BUILD_RUSTFLAGS: `${rust} ${remap}`.trim() }),
  };
}
