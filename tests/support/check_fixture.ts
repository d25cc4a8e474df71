/**
 * Images made for tests: a few files, with or without a C library.
 * @module
 */
import { parseDiffId } from "../../src/oci/mod.ts";
import type { Cause } from "../../src/check/cause.ts";
import {
  checkCommands,
  type CheckInput,
  type CheckReport,
  type LayerLabel,
} from "../../src/check/check_image.ts";
import { buildElf, type ElfFixture } from "./elf_fixture.ts";
import { type FactsEntry, factsEntry, type LayerFacts } from "../../src/check/facts/layer_facts.ts";
import { readProgram } from "../../src/check/facts/program.ts";
import { accessBytes } from "../../src/check/elf/random_access.ts";
import type { Program } from "../../src/check/facts/program.ts";

/** A file of a test image: an ELF file, a text, a link, a directory by its mode, or a file of another mode. */
export type FileFixture =
  | ElfFixture
  | (ElfFixture & { readonly mode: number })
  | string
  | { readonly link: string }
  | { readonly directory: number }
  | { readonly text: string; readonly mode: number };

/** Facts of a layer with these files; texts are executable. */
export function layerOf(files: Readonly<Record<string, FileFixture>>): LayerFacts {
  const entries: FactsEntry[] = [];
  const programs = new Map<FactsEntry, Program>();
  const texts = new Map<string, string>();
  for (const [path, file] of Object.entries(files)) {
    if (typeof file === "object" && "link" in file) {
      entries.push(factsEntry({ path, type: "symlink", mode: 0o777, link: file.link }));
      continue;
    }
    if (typeof file === "object" && "directory" in file) {
      entries.push(factsEntry({ path, type: "directory", mode: file.directory }));
      continue;
    }
    const isText = typeof file === "string" || "text" in file;
    const mode = typeof file === "object" && "mode" in file ? file.mode : 0o755;
    const entry = factsEntry({ path, type: "file", mode });
    entries.push(entry);
    const text = typeof file === "string" ? file : "text" in file ? file.text : "";
    const bytes = isText ? new TextEncoder().encode(text) : buildElf(file as ElfFixture);
    programs.set(entry, readProgram(path, bytes.subarray(0, 512), () => accessBytes(bytes)));
    if (path.startsWith("etc/")) texts.set(path, text);
  }
  return { entries, programs, texts };
}

/** Where glibc's loader is on amd64. */
export const LOADER = "/lib64/ld-linux-x86-64.so.2";
/** Where musl's loader is on amd64. */
export const MUSL = "/lib/ld-musl-x86_64.so.1";

/** A minimal glibc. */
export const GLIBC: Readonly<Record<string, FileFixture>> = {
  "lib64/ld-linux-x86-64.so.2": {
    soname: "ld-linux-x86-64.so.2",
    versions: ["ld-linux-x86-64.so.2", "GLIBC_2.3"],
  },
  "lib/x86_64-linux-gnu/libc.so.6": {
    soname: "libc.so.6",
    needed: ["ld-linux-x86-64.so.2"],
    versions: ["libc.so.6", "GLIBC_2.2.5", "GLIBC_2.36"],
  },
};

/** What {@linkcode check} takes besides files. */
export type CheckOptions = Partial<Omit<CheckInput, "layers">> & {
  readonly labels?: readonly LayerLabel[];
};

/** Checks an image of these layers, bottom first. */
export function check(
  layers: readonly Readonly<Record<string, FileFixture>>[],
  options: CheckOptions = {},
): CheckReport {
  const { labels = [], ...rest } = options;
  const diffId = parseDiffId(`sha256:${"0".repeat(64)}`);
  return checkCommands({
    layers: layers.map((files, i) => ({ diffId, facts: layerOf(files), label: labels[i] ?? {} })),
    architecture: "amd64",
    env: ["PATH=/bin"],
    ...rest,
  });
}

/** The causes that a check of one layer finds. */
export function causes(
  files: Readonly<Record<string, FileFixture>>,
  options: CheckOptions = {},
): readonly Cause[] {
  return check([files], options).problems.map(({ cause }) => cause);
}
