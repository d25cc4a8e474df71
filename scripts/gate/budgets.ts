/**
 * How long the files of tests may take.
 * @module
 */

/** Seconds of a file that is not in the table. */
const DEFAULT_BUDGET = 20;

/**
 * Seconds that a file takes on two cores with another file beside it, and as much again. Whoever adds a slow test
 * raises its file's budget here, where it is seen.
 */
export const BUDGETS: Readonly<Record<string, number>> = {
  "tests/e2e/combinations_test.ts": 180,
  "tests/e2e/preflight_corpus_test.ts": 150,
  "tests/slow/compiled_test.ts": 120,
  "tests/e2e/containers_test.ts": 120,
  "tests/e2e/docs_test.ts": 90,
  "tests/e2e/permissions_test.ts": 90,
  "tests/slow/packages_test.ts": 100,
  "tests/e2e/build_test.ts": 120,
  "tests/e2e/kill_test.ts": 80,
  "tests/slow/platforms_test.ts": 120,
  "tests/e2e/preflight_test.ts": 35,
  "tests/e2e/run_docker_test.ts": 80,
  "tests/e2e/run_podman_test.ts": 80,
  "tests/slow/whole_image_test.ts": 120,
  "tests/e2e/mise_project_test.ts": 60,
  "tests/slow/doctor_test.ts": 60,
  "tests/e2e/push_test.ts": 60,
  "tests/e2e/registry_push_test.ts": 60,
  "tests/e2e/signals_test.ts": 60,
  "tests/slow/cache_test.ts": 80,
  "tests/e2e/inspect_test.ts": 40,
  "tests/e2e/layered_config_test.ts": 40,
  "tests/slow/platform_changes_test.ts": 40,
  "tests/slow/platform_go_test.ts": 40,
  "tests/slow/platform_packages_test.ts": 120,
  "tests/slow/same_layer_test.ts": 150,
  "tests/slow/trust_test.ts": 150,
  "tests/e2e/fleet_store_test.ts": 150,
  "tests/e2e/fleet_crowd_test.ts": 90,
  "tests/slow/fleet_rebase_test.ts": 90,
  "tests/slow/fleet_pin_test.ts": 80,
  "tests/e2e/fleet_bundle_test.ts": 60,
  "tests/e2e/fleet_projects_test.ts": 60,
  "tests/e2e/plugins_test.ts": 60,
  "tests/e2e/other_images_test.ts": 120,
  "tests/e2e/below_home_test.ts": 60,
  "tests/e2e/secret_values_test.ts": 60,
  "tests/e2e/install_test.ts": 40,
  "tests/e2e/run_errors_test.ts": 60,
  "tests/e2e/archive_test.ts": 40,
  "tests/e2e/jsr_test.ts": 60,
  "tests/e2e/json_test.ts": 60,
  "tests/e2e/mistakes_test.ts": 40,
  "tests/e2e/userland_test.ts": 100,
  "tests/slow/containers_test.ts": 600,
  "tests/slow/preflight_corpus_test.ts": 400,
  "tests/slow/kill_test.ts": 300,
  "tests/slow/platform_run_test.ts": 60,
  "tests/slow/scale_test.ts": 40,
  "tests/slow/docs_test.ts": 240,
  "tests/slow/permissions_test.ts": 120,
  "tests/slow/preflight_images_test.ts": 120,
  "tests/e2e/max_layers_test.ts": 40,
  "tests/e2e/fleet_trust_test.ts": 60,
  "tests/slow/trust_registries_test.ts": 150,
  "tests/slow/trust_contents_test.ts": 240,
  "tests/slow/toolset_test.ts": 240,
  "tests/slow/platform_defaults_test.ts": 120,
  "tests/slow/java_trust_test.ts": 90,
  "tests/slow/fleet_entries_test.ts": 120,
  "tests/slow/fleet_buildkit_test.ts": 150,
  "tests/slow/kill_push_run_test.ts": 180,
};

/** A file of tests that ran. */
export interface TimedFile {
  /** Path in the repository. */
  readonly file: string;
  /** Seconds. */
  readonly seconds: number;
}

/** Seconds that a file may take. */
export function budgetOf(file: string): number {
  return BUDGETS[file] ?? DEFAULT_BUDGET;
}

/**
 * What is wrong with files that took more than twice their budget. A slow or busy machine is slower for every
 * file: if the median file took more than its budget, all budgets grow in that proportion.
 */
export function findOverruns(files: readonly TimedFile[]): readonly string[] {
  const ratios = files.map(({ file, seconds }) => seconds / budgetOf(file)).sort((a, b) => a - b);
  const slowness = Math.max(1, ratios[ratios.length >> 1] ?? 1);
  return files.flatMap(({ file, seconds }) => {
    const limit = 2 * budgetOf(file) * slowness;
    if (seconds <= limit) return [];
    const took = `${seconds.toFixed(0)} s, more than twice its budget of ${budgetOf(file)} s`;
    const scale = slowness > 1 ? ` on a machine ${slowness.toFixed(1)} times as slow` : "";
    return [`${file} took ${took}${scale}: make it faster, or raise it in scripts/gate/budgets.ts`];
  });
}
