/**
 * Files that use the image of a project: as a dev container, and as a volume of tools in Kubernetes.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { namesHost } from "../../oci/reference.ts";
import { DEFAULT_FROM } from "../../oci/image_source.ts";
import { DEFAULT_PATH } from "../../oci/image_path.ts";
import type { GenerateInput } from "./generator.ts";

function tagOf({ plan: { tag } }: GenerateInput, what: string): string {
  if (tag !== undefined) return tag;
  throw new MiseOciError("unsupported", `Cannot generate ${what}: the image has no name`, {
    hint: "Write tag in [oci], with its registry: mise-oci init --tag ghcr.io/team/dev:latest",
  });
}

/** `generate devcontainer`. */
export function generateDevcontainer([input]: readonly GenerateInput[]): string {
  if (input === undefined) throw new TypeError("No project");
  const image = tagOf(input, "a devcontainer.json");
  const { user } = input.plan.config;
  const container = {
    name: input.project.directory.split("/").at(-1) || "dev",
    image,
    // An image without a registry is first built and loaded on the host.
    ...(namesHost(image) ? {} : { initializeCommand: ["mise-oci", "load"] }),
    ...(user === undefined ? {} : { remoteUser: user.split(":")[0] }),
    // Keep the user's id, which matches the owner of the image's files.
    updateRemoteUserUID: false,
  };
  return `${JSON.stringify(container, undefined, 2)}\n`;
}

/**
 * `generate kubernetes`: mounts the tools at their path in the image, so that links and `#!` lines between
 * them stay valid.
 */
export function generateKubernetes([input]: readonly GenerateInput[]): string {
  if (input === undefined) throw new TypeError("No project");
  const { plan: { mountPoint, config, fromText, from } } = input;
  const image = tagOf(input, "a Pod");
  if (!namesHost(image)) {
    throw new MiseOciError("unsupported", `Cannot generate a Pod: "${image}" names no registry`, {
      hint: "Write it in tag of [oci]: ghcr.io/team/dev:latest",
    });
  }
  const env = [
    ...config.env.filter(([name]) => name !== "PATH"),
    ["PATH", [...config.path, DEFAULT_PATH].join(":")] as const,
  ];
  const base = from.kind === "registry" ? fromText : DEFAULT_FROM;
  const lines = [
    "# The tools of the project beside any image with the same libc, as a read-only volume.",
    "# Image volumes are on by default since Kubernetes 1.35, and a feature gate (ImageVolume) before.",
    "apiVersion: v1",
    "kind: Pod",
    "metadata:",
    "  name: tools",
    "spec:",
    "  restartPolicy: Never",
    "  containers:",
    "    - name: main",
    `      image: ${JSON.stringify(base)}`,
    '      command: ["sleep", "infinity"]',
    "      env:",
    ...env.flatMap(([name, value]) => [
      `        - name: ${JSON.stringify(name)}`,
      // Escaped, because "$(NAME)" would be expanded.
      `          value: ${JSON.stringify(value.replaceAll("$(", "$$("))}`,
    ]),
    "      volumeMounts:",
    "        - name: tools",
    `          mountPath: ${JSON.stringify(mountPoint)}`,
    `          subPath: ${JSON.stringify(mountPoint.slice(1))}`,
    "          readOnly: true",
    "  volumes:",
    "    - name: tools",
    "      image:",
    `        reference: ${JSON.stringify(image)}`,
    "        pullPolicy: IfNotPresent",
  ];
  return `${lines.join("\n")}\n`;
}
