/**
 * The documents of the repository, and the test that runs their commands.
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { join, relative } from "@std/path";
import { inPairs } from "../in_pairs.ts";
import { startJsr } from "../jsr.ts";
import {
  linkWarmCache,
  makeTempDir,
  REPOSITORY,
  type RunResult,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../testbed.ts";
import { type Document, parseDocument } from "./markdown.ts";
import { type DocumentParts, isRun, runDocument, warmUp } from "./run_document.ts";

const SKIPPED_DIRECTORIES = new Set(["node_modules", "dist", "vendor", "golden"]);

function* markdownFiles(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = join(directory, name);
    if (isDirectory && !name.startsWith(".") && !SKIPPED_DIRECTORIES.has(name)) {
      yield* markdownFiles(path);
    } else if (name.endsWith(".md")) yield path;
  }
}

/** Every document of the repository. */
export const DOCUMENTS: readonly Document[] = [...markdownFiles(REPOSITORY)].sort().map((path) =>
  parseDocument(relative(REPOSITORY, path), Deno.readTextFileSync(path))
);
/** Those for users: README.md and docs/*.md. */
export const GUIDES: readonly Document[] = DOCUMENTS.filter(({ path }) =>
  /^(?:README|docs\/[^/]+)\.md$/.test(path)
);

/** The documents that the fast tier runs: what users read first. The slow tier runs the others. */
const FIRST = ["README.md", "docs/oci.md"];

/** Registers the test that runs the commands of the first documents, or of all others. */
export function testDocuments(which: "first" | "others"): void {
  const documents = GUIDES.filter(({ blocks }) => blocks.some(isRun))
    .filter(({ path }) => FIRST.includes(path) === (which === "first"));
  testWith(
    { needs: ["linux", "root", "mise", "base", "docker-registry", "podman", "skopeo", "jq"] },
    which === "first"
      ? `the commands of ${FIRST.join(" and ")} run`
      : "the commands of every other document run",
    async (test) => {
      assert(documents.length > 0);
      await using registry = await startDockerRegistry();
      await using podman = await startPodman();
      await using jsr = await startJsr();
      await using temp = await makeTempDir();
      const cache = join(temp.path, "cache");
      await linkWarmCache(cache);
      const parts: DocumentParts = { registry: registry.host, jsr, podman, cache };
      await warmUp(parts);
      // Each has a project of its own, so two run at a time; they end before a step fails.
      const results = new Map<Document, RunResult>();
      await inPairs(
        documents,
        async (one) => void results.set(one, await runDocument(one, parts)),
      );
      for (const document of documents) {
        await test.step(document.path, () => {
          const { code, stdout, stderr } = results.get(document) as RunResult;
          assertEquals(code, 0, `${stdout}\n${stderr}`);
        });
      }
    },
  );
}
