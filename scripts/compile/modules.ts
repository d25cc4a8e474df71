/**
 * The modules that no literal import leads to.
 * @module
 */

/**
 * Modules that are loaded by name, relative to the repository: workers, and the workflows that
 * `src/commands/workflows.ts` loads when a command is called. `deno compile` cannot see that they are
 * needed. `tests/compile_test.ts` compares this list with the sources.
 */
export const MODULES_LOADED_BY_NAME: readonly string[] = [
  "src/layer/deflate_worker.ts",
  "src/workflow/build_image.ts",
  "src/workflow/check_image.ts",
  "src/workflow/diff_images.ts",
  "src/workflow/inspect_image.ts",
  "src/workflow/load_image.ts",
  "src/workflow/manage_cache.ts",
  "src/workflow/push_image.ts",
  "src/workflow/run_image.ts",
];
