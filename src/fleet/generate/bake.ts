/**
 * A bake file for several projects with generated Dockerfiles: one command builds all of them, and shared
 * stages only once.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { GenerateInput } from "./generator.ts";

/** A valid target name for bake. */
function targetName({ path, project }: GenerateInput): string {
  const name = path === "." ? project.directory.split("/").at(-1) ?? "app" : path;
  return name.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "") || "app";
}

function target(input: GenerateInput): readonly string[] {
  const { path, plan: { tag }, platforms } = input;
  const list = (values: readonly string[]): string =>
    `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
  return [
    "",
    `target "${targetName(input)}" {`,
    `  context = ${JSON.stringify(path)}`,
    '  dockerfile = "Dockerfile"',
    ...(tag === undefined ? [] : [`  tags = ${list([tag])}`]),
    ...(platforms.length === 0 ? [] : [`  platforms = ${list(platforms)}`]),
    "}",
  ];
}

/**
 * Generates the bake file of several projects. @throws {MiseOciError} `usage` for duplicate target names.
 */
export function generateBake(inputs: readonly GenerateInput[]): string {
  const names = inputs.map(targetName);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new MiseOciError("usage", `Cannot generate a bake file: two targets "${twice}"`, {
      hint: "Give each project once, in directories of different names",
    });
  }
  const lines = [
    "# Made by mise-oci generate bake. Each project has a Dockerfile by mise-oci generate dockerfile.",
    'group "default" {',
    `  targets = [${names.map((name) => `"${name}"`).join(", ")}]`,
    "}",
    ...inputs.flatMap(target),
  ];
  return `${lines.join("\n")}\n`;
}
