/**
 * `mise-oci push`: builds an image and pushes it to a registry.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { parseRegistryImage } from "../oci/image_source.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import type { AttestFlags, PushRequest } from "../workflow/types.ts";
import { type Command, type CommandContext, type CommandInput, defineCommand } from "./command.ts";
import { choiceFlag, type FlagTable, inGroup, switchFlag, valueFlag } from "./flag.ts";
import { ALL_FLAG, given } from "./flags/build.ts";
import { CONFIG_FLAGS, overridesRequest } from "./flags/config.ts";
import { IMAGE_FLAGS, imageRequest } from "./flags/image.ts";
import { IMAGE_FORMS, parseDestinations } from "./values/image.ts";
import { parseSigner } from "./values/signer.ts";

const printModule = () => import("./print/push.ts");

const FLAGS = {
  ...inGroup("Push flags", {
    ...ALL_FLAG,
    "cache-from": valueFlag({
      valueName: "REF",
      defaultText: "the image at REF",
      help: "Reuse tool layers of this image, which must be in the same repository",
      parse: (text) => parseRegistryImage(text),
    }),
    "update-index": switchFlag({
      help: "Add this platform to the index at the tag, keeping the other platforms",
    }),
    tool: choiceFlag(["auto", "native", "skopeo", "crane"], {
      help: "Program that uploads; auto is the built-in client",
    }),
  }),
  ...inGroup("Trust flags", {
    sbom: switchFlag({ help: "Attach a bill of materials to each image" }),
    "sbom-format": choiceFlag(["cyclonedx", "spdx"], { help: "Its format" }),
    provenance: switchFlag({ help: "Attach provenance to each image (SLSA)" }),
    sign: valueFlag({
      valueName: "KEY",
      completes: "file",
      help:
        "Sign images and attachments with this private key, as cosign does; keyless: with the CI job's identity",
      parse: parseSigner,
    }),
  }),
  ...CONFIG_FLAGS,
  ...IMAGE_FLAGS,
} as const satisfies FlagTable;

const PROJECT = "{project}";

/** The name of a directory as a part of a repository's name, with a dash for what cannot be in one. */
function repositoryPart(directory: string): string {
  const name = directory.split(/[\\/]/).at(-1)?.toLowerCase() ?? "";
  return name.replace(/[^a-z0-9]+/g, (text) => /^(?:[._-]|__)$/.test(text) ? text : "-")
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "");
}

/**
 * The destination, with `{project}` replaced by the name of the project's directory.
 *
 * @throws {MiseOciError} `usage` for several projects with one destination, or one name.
 */
function destinationText(
  text: string,
  { place, project, projects = [] }: Pick<CommandContext, "place" | "project" | "projects">,
): string {
  if (project !== undefined && !text.includes(PROJECT)) {
    throw new MiseOciError("usage", `Cannot push several projects to ${JSON.stringify(text)}`, {
      hint: `Write ${PROJECT} where the name of each project's directory goes`,
    });
  }
  const name = repositoryPart(project ?? place.resolve("."));
  const [one, other] = projects.filter((directory) => repositoryPart(directory) === name);
  if (other !== undefined) {
    throw new MiseOciError(
      "usage",
      `Cannot push "${one}" and "${other}": both would be ${text.replaceAll(PROJECT, name)}`,
      {
        hint: "Push them one at a time, each to a reference of its own",
      },
    );
  }
  return text.replaceAll(PROJECT, name);
}

function sameRepository(a: Reference, b: Reference): boolean {
  return a.registry === b.registry && a.repository === b.repository;
}

/** What to attach; for flags not given, the config applies. */
function attestFlags(input: CommandInput<typeof FLAGS>): AttestFlags | undefined {
  const { flags } = input;
  const has = (name: string): boolean => input.given.has(name);
  if (!["sbom", "sbom-format", "provenance", "sign"].some(has)) return undefined;
  const sbom = has("sbom") ? flags.sbom : has("sbom-format");
  return {
    ...(has("sbom") || has("sbom-format") ? { sbom: sbom ? flags["sbom-format"] : false } : {}),
    ...(has("provenance") ? { provenance: flags.provenance } : {}),
    ...(flags.sign === undefined ? {} : { sign: flags.sign }),
  };
}

function pushRequest(
  input: CommandInput<typeof FLAGS>,
  context: Pick<CommandContext, "place" | "project">,
): PushRequest {
  const { flags, globals } = input;
  const [destination, ...also] = parseDestinations(
    input.positionals.map((text) => destinationText(text, context)),
  );
  const cacheFrom = flags["cache-from"];
  const isElsewhere = (one: Reference): boolean =>
    cacheFrom !== undefined && !sameRepository(cacheFrom, one);
  if (cacheFrom !== undefined && [destination, ...also].some(isElsewhere)) {
    const { registry, repository } = destination;
    throw new MiseOciError(
      "usage",
      `Cannot reuse layers of "${formatReference(cacheFrom)}": it is in another repository`,
      { hint: `Name a tag of ${formatReference({ registry, repository })}` },
    );
  }
  for (const name of ["no-cache", "image", "image-dir"]) {
    if (cacheFrom !== undefined && input.given.has(name)) {
      throw new MiseOciError("usage", `Cannot use --cache-from together with --${name}`, {
        hint: "Leave one of the two out",
      });
    }
  }
  return {
    directory: context.place.resolve("."),
    image: imageRequest(input, context, { flags: CONFIG_FLAGS, build: overridesRequest(input) }),
    destination,
    ...(also.length === 0 ? {} : { also }),
    updateIndex: flags["update-index"],
    tool: flags.tool,
    ...given("attest", attestFlags(input)),
    ...given("cacheFrom", cacheFrom),
    ...given("jobs", globals.jobs),
  };
}

async function run(input: CommandInput<typeof FLAGS>, context: CommandContext): Promise<number> {
  const request = pushRequest(input, context);
  const { pushOutput } = await printModule();
  const result = await context.workflows.pushImage(request, context);
  context.print(
    await pushOutput(result, {
      quiet: input.globals.quiet,
      short: context.io.isTerminal("stdout"),
    }),
  );
  return 0;
}

/** The command. */
export const push: Command = defineCommand({
  name: "push",
  severalProjects: true,
  summary: "Build an image and push it to a registry",
  description: [
    "Sends only what the registry lacks. Tools whose layers are in the image that REF names " +
    "already do not need to be installed.",
    "--image sends an existing image unchanged, including all platforms, attestations and " +
    "signatures. " + IMAGE_FORMS,
    "Credentials are those of docker login and podman login. With --quiet, only the digest is printed.",
  ],
  flags: FLAGS,
  positionals: [{
    name: "REF",
    help: "The destination, including the registry host: ghcr.io/team/app:v1; can be repeated",
    many: true,
  }],
  examples: [
    { text: "Build and push", command: "mise-oci push ghcr.io/team/devenv:latest" },
    {
      text: "One build with two tags",
      command: "mise-oci push ghcr.io/team/app:v1.2.3 ghcr.io/team/app:latest",
    },
    {
      text: "Push an image that was built before, with all its platforms",
      command: "mise-oci push --image ./mise-oci ghcr.io/team/devenv:v1",
    },
    {
      text: "Copy an image from one registry to another",
      command: "mise-oci push --image ghcr.io/team/app:v1 registry.example.com/app:v1",
    },
    {
      text: "A tag per commit that reuses the layers of the last release",
      command: "mise-oci push --cache-from ghcr.io/team/app:latest ghcr.io/team/app:$SHA",
    },
    {
      text: "With a bill of materials, provenance and signatures",
      command: "mise-oci push --sbom --provenance --sign cosign.key ghcr.io/team/app:v1",
    },
    {
      text: "Several projects, each to its own repository",
      command: "mise-oci push -C services/api -C services/web ghcr.io/team/{project}:v1",
    },
    {
      text: "Every project below services that has an [oci] section",
      command: "mise-oci push -C services --all ghcr.io/team/{project}:v1",
    },
    {
      text: "One tag for several platforms, each pushed from its own machine",
      command: "mise-oci push --update-index ghcr.io/team/app:v1",
    },
  ],
  run,
});
