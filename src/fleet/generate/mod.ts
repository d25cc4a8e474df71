/**
 * Files for other programs, generated from a project.
 * @module
 */
import type { Generator } from "./generator.ts";

export type { GenerateInput, Generator } from "./generator.ts";

/** Every generator, in the order of help. */
export const GENERATORS: readonly Generator[] = [
  {
    name: "dockerfile",
    summary:
      "A Dockerfile with one stage per tool, for tools that need a compiler for the target platform",
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
  {
    name: "devcontainer",
    summary: "A devcontainer.json that uses the image",
    file: ".devcontainer/devcontainer.json",
    load: async () => (await import("./use.ts")).generateDevcontainer,
  },
  {
    name: "github-action",
    summary: "A GitHub workflow that builds and pushes the image",
    file: ".github/workflows/image.yml",
    load: async () => (await import("./ci.ts")).generateGithubAction,
  },
  {
    name: "gitlab-ci",
    summary: "A GitLab pipeline that builds and pushes the image",
    file: ".gitlab-ci.yml",
    load: async () => (await import("./ci.ts")).generateGitlabCi,
  },
  {
    name: "kubernetes",
    summary: "A Pod with the image's tools as a volume",
    file: "pod.yaml",
    load: async () => (await import("./use.ts")).generateKubernetes,
  },
];
