/**
 * Files for other programs, generated from a project.
 * @module
 */
import type { Generator } from "./generator.ts";

export type { GenerateInput, Generator } from "./generator.ts";

/** Every kind, in the order of help. */
export const GENERATORS: readonly Generator[] = [
  {
    name: "dockerfile",
    summary:
      "A Dockerfile with a stage a tool, for tools that need a compiler of the other platform",
    file: "Dockerfile",
    load: async () => (await import("./dockerfile.ts")).generateDockerfile,
  },
  {
    name: "bake",
    summary: "A docker-bake.hcl that builds several projects at once",
    file: "docker-bake.hcl",
    many: true,
    load: async () => (await import("./bake.ts")).generateBake,
  },
];
