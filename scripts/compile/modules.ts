/**
 * The modules that no import leads to.
 * @module
 */

/**
 * Modules that start a worker, relative to the repository. They are loaded by name, which neither the
 * bundler nor `deno compile` sees; `tests/compile_test.ts` compares this list with the sources.
 */
export const WORKERS: readonly string[] = [
  "src/compress/deflate_worker.ts",
  "src/layer/pack/read_worker.ts",
  "src/layer/tree/tree_worker.ts",
  "src/layer/tree/walk_worker.ts",
];
