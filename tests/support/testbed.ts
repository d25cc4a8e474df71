/**
 * Real parts for tests: mise with tools, a Debian base image, registries, engines. `deno task testbed`
 * prepares them; tests name what they need with {@linkcode testWith}.
 * @module
 */
export * from "./docker_registry.ts";
export * from "./testbed/base.ts";
export * from "./testbed/base_images.ts";
export * from "./testbed/command.ts";
export * from "./testbed/docker.ts";
export * from "./testbed/mise.ts";
export * from "./testbed/parts.ts";
export * from "./testbed/paths.ts";
export * from "./testbed/podman.ts";
export * from "./testbed/programs.ts";
export * from "./testbed/tools.ts";
export * from "./testbed/warm_cache.ts";
