/**
 * Compiles `wasm/deflate` and writes it to `src/compress/module.ts`; with `--check` only says whether
 * that is up to date.
 *
 * @module
 */
import asc from "npm:assemblyscript@0.28.20/asc";
import { join } from "@std/path";
import { cached } from "../tests/support/testbed/kept.ts";
import { REPOSITORY } from "../tests/support/testbed/paths.ts";

const SOURCE = join(REPOSITORY, "wasm/deflate");
const TARGET = join(REPOSITORY, "src/compress/module.ts");
/** Pages of 64 KiB: what `wasm/deflate/memory.ts` lays out, and the output. */
const PAGES = 54;

const FLAGS = [
  ...["-O3", "--converge", "--noAssert", "--enable", "simd"],
  ...["--runtime", "stub", "--use", "abort="],
  ...["--initialMemory", `${PAGES}`, "--maximumMemory", `${PAGES}`],
];

/** Compiles to the bytes of a WebAssembly module. @throws {Error} with the compiler's messages. */
async function compile(): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(["index.ts", "--outFile", "deflate.wasm", ...FLAGS], {
    readFile: async (name) => {
      try {
        return await Deno.readTextFile(join(SOURCE, name));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return null;
        throw error;
      }
    },
    writeFile: (_name, contents) => {
      if (contents instanceof Uint8Array) binary = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) throw error ?? new Error(stderr.toString());
  return binary;
}

/** The module that brings the bytes to the program: text survives every way of bundling it. */
function asModule(bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,96}/g) ?? [];
  return `// Written by scripts/build_wasm.ts from wasm/deflate; do not edit.

/** \`wasm/deflate\` as WebAssembly, in Base64. */
export const DEFLATE_MODULE: string = \`
${lines.join("\n")}
\`;
`;
}

async function sources(): Promise<readonly string[]> {
  const files = await Array.fromAsync(Deno.readDir(SOURCE));
  const names = files.filter(({ isFile }) => isFile).map(({ name }) => join(SOURCE, name)).sort();
  return [...names, TARGET, import.meta.url];
}

/** Compares the module with the sources; once for each state of both, which compiling takes seconds for. */
async function check(): Promise<void> {
  await cached({ name: "compiled-deflate", sources: await sources() }, async () => {
    if (await Deno.readTextFile(TARGET) !== asModule(await compile())) {
      throw new Error("src/compress/module.ts is out of date: deno task gen:wasm");
    }
  });
}

if (Deno.args.includes("--check")) await check();
else await Deno.writeTextFile(TARGET, asModule(await compile()));
