/**
 * Runs the commands of a document, in order, in a project of its own.
 * @module
 */
import { dirname, join } from "@std/path";
import { writeKeyPair } from "../attest/keys.ts";
import type { JsrRegistry } from "../jsr.ts";
import type { Podman } from "../testbed/podman.ts";
import {
  copyBase,
  NPM_ARCH,
  pushBase,
  REPOSITORY,
  run,
  type RunResult,
  which,
} from "../testbed.ts";
import { createMiseProject, type MiseProject } from "../testbed.ts";
import { type Block, type Document, parseDocument } from "./markdown.ts";

/** Real parts that all documents share. */
export interface DocumentParts {
  /** Host of the registry that stands for every registry of the documents; it holds the base. */
  readonly registry: string;
  /** The registry that has this package. */
  readonly jsr: JsrRegistry;
  /** The engine. */
  readonly podman: Podman;
  /** Directory of the cache: the same few layers are in every document. */
  readonly cache: string;
}

/** What a reader has at hand while reading: the application of the examples. */
const FILES: Readonly<Record<string, string>> = {
  "index.js": "export default {};\n",
  "dist/index.html": "<p>hello</p>\n",
  "app/main.js": 'console.log("app");\n',
  "web/index.html": "<p>hello</p>\n",
};

/** Variables that the examples use. */
const VARIABLES = { SHA: "0123abc", API_TOKEN: "secret", COSIGN_PASSWORD: "password" } as const;

/**
 * What is another thing in a test, in this order: registries → one on this machine; bases → the
 * testbed's, of this machine's platform; tools of mise's core → the same from npm; docker → podman; a
 * terminal → none; what the image of the examples lacks → node; a difference that is no failure; this
 * repository.
 */
function substitutions(registry: string): readonly (readonly [RegExp, string])[] {
  return [
    [/\b(?:ghcr\.io|registry\.example\.com)(?=[/\s"])/g, registry],
    [/\b(?:debian:bookworm-slim|ubuntu:24\.04)\b/g, `${registry}/debian:bookworm-slim`],
    [/--platform linux\/arm64(?= \S+\n)/g, ""],
    [/^node = /gm, `"npm:node-linux-${NPM_ARCH}" = `],
    [/--engine docker\b/g, "--engine podman"],
    [/\bdocker (load|run|image)\b/g, "podman $1"],
    [/ -it\b/g, " -i"],
    [/\b(?:npm test|node deploy\.js)\b/g, "node --version"],
    [/\bdiff --exit-code\b/g, "diff"],
    [/\bmise-oci init(?= &&)/g, `mise-oci init --from ${registry}/debian:bookworm-slim`],
    [/<repo>/g, REPOSITORY],
    [
      /deno run (-qP.*?) main\.ts /g,
      `deno run $1 --config ${REPOSITORY}/deno.json ${REPOSITORY}/main.ts `,
    ],
    [/\/opt\/tools\/podman/g, which("podman") ?? "podman"],
  ];
}

function substitute(text: string, registry: string): string {
  return substitutions(registry).reduce((all, [what, by]) => all.replaceAll(what, by), text);
}

/** The name of the file that a block is: `# mise.toml` in its first line. */
export function maybeFileName({ text }: Block): string | undefined {
  return /^# ((?:[\w.-]+\/)*[\w.-]+\.toml)\n/.exec(text)?.[1];
}

/** Commands that cannot run here whatever document shows them. */
const NEVER_RUN: readonly (readonly [RegExp, string])[] = [
  [
    /--platform[ =]\S*(?:,|all\b)|--platform \S+ --platform/,
    "needs bases and tools of several platforms",
  ],
  [
    /\bservices(?:\/(?:api|web)| --all)\b/,
    "needs several projects; tests/e2e/fleet_projects_test.ts has them",
  ],
  [
    /\bmise-oci pin\b/,
    "the base of the examples is not in a config file; tests/slow/fleet_pin_test.ts",
  ],
  [
    /\bmise-oci bundle .*--without\b/,
    "needs a second release; tests/e2e/fleet_bundle_test.ts has it",
  ],
  [/\| ssh\b/, "needs another machine; tests/e2e/fleet_bundle_test.ts reads the stream"],
  [/\bmise-oci doctor\b/, "what it finds depends on the machine; tests/slow/doctor_test.ts"],
  [
    /\bmise-oci tag rm\b/,
    "the layout of the examples has no such tag; src/workflow/manage_tags_test.ts",
  ],
  [/\bapt-get install\b/, "installs packages of this machine"],
  [/--embed-self/, "only the compiled executable can embed itself"],
];

/** Why the commands of a block are not run; `undefined` if they are, or if it has none. */
export function whyNotRun({ language, text, notRun }: Block): string | undefined {
  if (language !== "sh" && language !== "console") return undefined;
  return notRun ?? NEVER_RUN.find(([pattern]) => pattern.test(text))?.[1];
}

/** Whether a block is a command to run. */
export function isRun(block: Block): boolean {
  return ["sh", "console"].includes(block.language) && whyNotRun(block) === undefined;
}

/** The commands of a block: of a transcript, the lines after `$ `. */
export function commandsOf({ language, text }: Block): string {
  const prompts = [...text.matchAll(/^\$ ((?:.*\\\n)*.*)$/gm)].map(([, command = ""]) => command);
  return language === "console" && prompts.length > 0 ? `${prompts.join("\n")}\n` : text;
}

/** One shell script of the blocks: each file where it stands, each command after a line about where. */
function scriptOf(blocks: readonly Block[], registry: string): string {
  const parts = blocks.flatMap((block) => {
    const text = substitute(commandsOf(block), registry);
    const name = block.language === "toml" ? maybeFileName(block) : undefined;
    if (name !== undefined) {
      return [`mkdir -p "${dirname(name)}"\ncat > "${name}" <<'END_OF_FILE'\n${text}END_OF_FILE\n`];
    }
    return isRun(block) ? [`echo "# ${block.document}:${block.line}" >&2\n${text}`] : [];
  });
  return ["set -eu", ...parts].join("\n");
}

async function writeExecutable(path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, text, { mode: 0o755 });
}

/**
 * `deno` on PATH, and `mise-oci`: the program from its sources, under its own permissions, unless the
 * document installs it.
 */
async function writePrograms(bin: string): Promise<void> {
  const deno = `exec "${Deno.execPath()}"`;
  const config = `--config ${REPOSITORY}/deno.json ${REPOSITORY}/main.ts`;
  await writeExecutable(join(bin, "deno"), `#!/bin/sh\n${deno} "$@"\n`);
  await writeExecutable(
    join(bin, "mise-oci"),
    `#!/bin/sh\n${deno} run --quiet --frozen -P ${config} "$@"\n`,
  );
}

/** What the tools of this machine must know of the registry, and mise of the base. */
async function writeConfigs(project: MiseProject, parts: DocumentParts): Promise<void> {
  const registries = join(project.env["HOME"] ?? "", ".config/containers/registries.conf");
  await Deno.mkdir(dirname(registries), { recursive: true });
  await Deno.writeTextFile(
    registries,
    `[[registry]]\nlocation = "${parts.registry}"\ninsecure = true\n`,
  );
  const config = join(project.env["MISE_CONFIG_DIR"] ?? "", "config.toml");
  const base = `oci.default_from = "${parts.registry}/debian:bookworm-slim"\n`;
  await Deno.writeTextFile(config, `${await Deno.readTextFile(config)}${base}`);
}

async function environment(
  project: MiseProject,
  parts: DocumentParts,
): Promise<Record<string, string>> {
  const { podman } = parts;
  const bin = join(project.root, "bin");
  await writePrograms(bin);
  await writeConfigs(project, parts);
  const engine = Object.entries(podman.env).filter(([name]) => !["PATH", "HOME"].includes(name));
  return {
    ...project.env,
    ...Object.fromEntries(engine),
    ...VARIABLES,
    ...parts.jsr.env,
    // Where `deno install -g` puts programs, then ours.
    PATH: `${project.env["HOME"]}/.deno/bin:${bin}:${project.env["PATH"]}`,
    MISE_TRUSTED_CONFIG_PATHS: project.root,
    MISE_OCI_CACHE_DIR: parts.cache,
  };
}

/** Images that the documents take for given, besides the base. */
const IMAGES = ["team/app:latest", "team/app:v2", "team/app:v3"] as const;

/**
 * Puts bases into the registry, and an image with every tool of the documents into cache and engine,
 * where it stays: the layers that they share are packed and unpacked once.
 */
export async function warmUp(parts: DocumentParts): Promise<void> {
  for (const name of ["debian:bookworm-slim", ...IMAGES]) await pushBase(parts.registry, { name });
  const text = "```sh\nmise-oci build --quiet\nmise-oci load --quiet -t warm-up\n```\n";
  const { code, stderr } = await runDocument(parseDocument("the warm-up", text), parts);
  if (code !== 0) throw new Error(stderr);
}

/** Runs the commands of a document. Never throws for a command that fails: look at `code`. */
export async function runDocument(document: Document, parts: DocumentParts): Promise<RunResult> {
  await using project = await createMiseProject({
    tools: ["node", "prettier", "typescript"],
    files: FILES,
    cache: "empty",
  });
  const { directory } = project;
  const env = await environment(project, parts);
  await writeKeyPair(directory, { password: VARIABLES.COSIGN_PASSWORD });
  await copyBase(join(directory, "base"));
  await run(
    ["skopeo", "copy", "-q", "--insecure-policy", "oci:base:latest", "oci-archive:app.tar"],
    {
      cwd: directory,
    },
  );
  const home = env["HOME"] ?? "";
  await Deno.mkdir(join(home, ".config/fish/completions"), { recursive: true });
  const script = `fpath=(. "${home}")\n${scriptOf(document.blocks, parts.registry)}`;
  const path = join(project.root, "document.sh");
  await Deno.writeTextFile(path, script);
  await run(["git", "init", "-q", directory], { env });
  await run([
    ...["git", "-C", directory, "-c", "user.name=a", "-c", "user.email=a@b.c"] as const,
    ...["commit", "-q", "--allow-empty", "-m", "first"],
  ], { env });
  return await run(["bash", path], { cwd: directory, env, allowFailure: true });
}
