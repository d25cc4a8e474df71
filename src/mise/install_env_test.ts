import { assertEquals } from "@std/assert";
import { tracelessEnv } from "./install_env.ts";

/** The variables for a user who has these. */
function envOf(own: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return tracelessEnv({ env: (name) => ({ HOME: "/home/a", ...own })[name] });
}

Deno.test("tracelessEnv() keeps the user's directories out of what Go and Rust compile", () => {
  assertEquals(envOf({}), {
    GOFLAGS: "-trimpath",
    CARGO_BUILD_RUSTFLAGS: "--remap-path-prefix=/home/a/.cargo=/cargo",
  });
  assertEquals(
    envOf({ CARGO_HOME: "/opt/cargo" })["CARGO_BUILD_RUSTFLAGS"],
    [
      "--remap-path-prefix=/opt/cargo=/cargo",
    ].join(),
  );
});

Deno.test("tracelessEnv() appends to flags of the user, and leaves alone what is set", () => {
  assertEquals(envOf({ GOFLAGS: "-mod=mod", CARGO_BUILD_RUSTFLAGS: "-Copt-level=s" }), {
    GOFLAGS: "-mod=mod -trimpath",
    CARGO_BUILD_RUSTFLAGS: "-Copt-level=s --remap-path-prefix=/home/a/.cargo=/cargo",
  });
  const set = { GOFLAGS: "-trimpath=false", CARGO_BUILD_RUSTFLAGS: "--remap-path-prefix=/a=/b" };
  assertEquals(envOf(set), {});
  // Cargo would take the two halves of a path for two flags.
  assertEquals(envOf({ HOME: "/home/a b" }), { GOFLAGS: "-trimpath" });
});
