/**
 * The documentation is true: its commands run, its configs are accepted by mise, its recipes parse, its
 * messages are the program's, its links lead somewhere.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join, relative, resolve } from "@std/path";
import { parse as parseYaml } from "npm:yaml@2.8.1";
import { checkCommandLine, commandLinesIn } from "../support/docs/command_line.ts";
import { DOCUMENTS, GUIDES, testDocuments } from "../support/docs/documents.ts";
import { type Block, commandsInProse, type Document, linksOf } from "../support/docs/markdown.ts";
import { commandsOf, isRun, maybeFileName, whyNotRun } from "../support/docs/run_document.ts";
import { Annotation } from "../../src/oci/annotations.ts";
import { LOCAL_FORMS } from "../../src/oci/image_source.ts";
import { createMiseProject, exists, REPOSITORY, run, testWith } from "../support/testbed.ts";

const BLOCKS: readonly Block[] = GUIDES.flatMap(({ blocks }) => blocks);

const place = ({ document, line }: Block): string => `${document}:${line}`;

function guide(name: string): Document {
  const found = GUIDES.find(({ path }) => path === `docs/${name}.md`);
  assert(found !== undefined, `docs/${name}.md is missing`);
  return found;
}

/** Sources without tests, with what `+` and line breaks take apart put together again. */
async function sources(directory: string): Promise<string> {
  const texts: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) texts.push(await sources(path));
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) {
      texts.push((await Deno.readTextFile(path)).replaceAll(/(["'`])\s*\+\s*\n?\s*\(?["'`]/g, ""));
    }
  }
  return texts.join("\n");
}

/** Pieces of a message between its `…`, which stand for names and values. */
function fixedParts(message: string): readonly string[] {
  return message.split("…").map((part) => part.replace(/^[\s":]+|[\s":]+$/g, ""))
    .filter((part) => part.length > 3);
}

Deno.test("links in documents lead to files and headings that are there", async () => {
  const dead: string[] = [];
  const byPath = new Map(DOCUMENTS.map((document) => [document.path, document]));
  for (const document of DOCUMENTS) {
    for (const link of linksOf(document)) {
      if (/^(?:https?|mailto):/.test(link)) continue;
      const [file = "", anchor] = link.split("#");
      const path = file === ""
        ? join(REPOSITORY, document.path)
        : resolve(REPOSITORY, dirname(document.path), decodeURI(file));
      const target = byPath.get(relative(REPOSITORY, path));
      const isThere = await exists(path) &&
        (anchor === undefined || target === undefined || target.anchors.has(anchor));
      if (!isThere) dead.push(`${document.path}: ${link}`);
    }
  }
  assertEquals(dead, []);
});

Deno.test("every guide can be reached from README.md", () => {
  const byPath = new Map(DOCUMENTS.map((document) => [document.path, document]));
  const seen = new Set(["README.md"]);
  for (const path of seen) {
    for (const link of linksOf(byPath.get(path) as Document)) {
      const target = join(dirname(path), link.split("#")[0] ?? "");
      if (byPath.has(target)) seen.add(target);
    }
  }
  assertEquals(GUIDES.map(({ path }) => path).filter((path) => !seen.has(path)), []);
});

Deno.test("commands that no test runs say why, and are few", () => {
  const skipped = BLOCKS.filter((block) => whyNotRun(block) !== undefined);
  const lines = skipped.map((block) => `  ${place(block)}: ${whyNotRun(block)}`);
  const isRunning = BLOCKS.filter(isRun);
  // deno-lint-ignore no-console
  console.log(`${isRunning.length} blocks run, ${skipped.length} do not:\n${lines.join("\n")}`);
  const silent = skipped.filter((block) => (whyNotRun(block) ?? "").length < 10);
  assertEquals(silent.map(place), []);
  assert(skipped.length < isRunning.length / 4);
});

Deno.test("commands in the text, and those that no test runs, are the program's", () => {
  const skipped = BLOCKS.filter((block) => whyNotRun(block) !== undefined);
  const lines = skipped.flatMap((block) => commandLinesIn(commandsOf(block)));
  assert(lines.length > 0);
  for (const line of lines) checkCommandLine(line);
  const prose = GUIDES.flatMap(commandsInProse).filter((line) => !/…|\.\.\.|[[|]/.test(line));
  assert(prose.length > 5);
  for (const line of prose) checkCommandLine(line, { inSentence: true });
});

Deno.test("tasks that documents name are in deno.json", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(REPOSITORY, "deno.json")));
  for (const { path } of DOCUMENTS) {
    const text = await Deno.readTextFile(join(REPOSITORY, path));
    for (const [, name = ""] of text.matchAll(/\bdeno(?:@[\d.]+)? task ([\w:-]+)/g)) {
      assert(Object.hasOwn(tasks, name), `${path}: deno task ${name}`);
    }
  }
});

Deno.test("CI recipes are YAML, and their mise-oci lines are the program's", () => {
  const recipes = BLOCKS.filter(({ language }) => language === "yaml");
  let lines = 0;
  for (const recipe of recipes) {
    const parsed = parseYaml(recipe.text);
    assert(typeof parsed === "object" && parsed !== null, place(recipe));
    for (const line of commandLinesIn(parsed)) {
      checkCommandLine(line);
      lines++;
    }
  }
  assert(lines >= 4, `${lines} lines`);
});

Deno.test("messages in docs/troubleshooting.md are the program's own", async () => {
  const texts = await sources(join(REPOSITORY, "src"));
  const { headings, prose } = guide("troubleshooting");
  const messages = headings.filter((heading) => heading.startsWith("`"));
  const further = [...prose.matchAll(/^- `([^`]+)`:/gm)].map(([, message = ""]) => message);
  const unknown = [...messages, ...further].flatMap((heading) =>
    fixedParts(heading.replaceAll("`", "")).filter((part) => !texts.includes(part))
  );
  assertEquals(unknown, []);
  assert(messages.length > 20);
});

Deno.test("docs/troubleshooting.md explains every code of an error", async () => {
  const text = await Deno.readTextFile(join(REPOSITORY, "src/errors.ts"));
  const union = /export type ErrorCode =([^;]*);/.exec(text)?.[1] ?? "";
  const codes = [...union.matchAll(/"([\w-]+)"/g)].map(([, code]) => code).sort();
  const { prose } = guide("troubleshooting");
  const explained = [...prose.matchAll(/^\| `([\w-]+)`/gm)].map(([, code]) => code).sort();
  assertEquals(explained, [...codes, "bug"].sort());
});

Deno.test("docs/layers.md has every annotation and label of mise-oci's own", async () => {
  const text = await Deno.readTextFile(join(REPOSITORY, "docs/layers.md"));
  const own = Object.values(Annotation).filter((name) => name.startsWith("dev.mise."));
  for (const name of own) assertStringIncludes(text, `| \`${name}`);
});

Deno.test("docs/oci.md has every form of an image argument", async () => {
  const text = await Deno.readTextFile(join(REPOSITORY, "docs/oci.md"));
  for (const form of LOCAL_FORMS) assertStringIncludes(text, `| \`${form}\` `);
});

Deno.test("docs/oci.md has every key of [oci]", async () => {
  const source = await Deno.readTextFile(join(REPOSITORY, "src/mise/oci/oci_fields.ts"));
  const keys = [...source.matchAll(/^ {2}(\w+): \{(?: example:|$)/gm)].map(([, key = ""]) => key);
  assert(keys.length > 12);
  for (const path of ["docs/oci.md"]) {
    const text = await Deno.readTextFile(join(REPOSITORY, path));
    const named = keys.filter((key) => text.includes(`\`${key}\``) || text.includes(`oci.${key}]`));
    assertEquals(named, keys, path);
  }
});

testWith({ needs: ["linux", "mise"] }, "configs in documents are accepted by mise", async () => {
  await using project = await createMiseProject({ trust: false });
  const env = { ...project.env, MISE_TRUSTED_CONFIG_PATHS: project.root };
  const configs = BLOCKS.filter((block) =>
    block.language === "toml" && /^(?:\.?mise[\w.]*\.toml)?$/.test(maybeFileName(block) ?? "")
  );
  assert(configs.length > 5);
  for (const [at, block] of configs.entries()) {
    const cwd = join(project.root, `config-${at}`);
    await Deno.mkdir(cwd);
    await Deno.writeTextFile(join(cwd, "mise.toml"), block.text);
    const { code, stderr } = await run([project.mise, "config", "ls"], {
      env,
      cwd,
      allowFailure: true,
    });
    assertEquals([code, stderr], [0, ""], place(block));
  }
});

testDocuments("first");
