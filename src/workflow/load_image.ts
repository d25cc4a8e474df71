/**
 * `load`: loads an image into an engine permanently.
 * @module
 */
import { selectEngine } from "../engine/mod.ts";
import { loadIntoEngine } from "./engine_load.ts";
import { engineName } from "../engine/port.ts";
import { hostEnv } from "../build/environment.ts";
import { nameOf, openSource } from "../build/open_source.ts";
import type { WorkflowContext } from "../context.ts";
import { obtainNamed } from "./open_image.ts";
import { removeDeadRuns, runsDirectory, takeRunLease } from "./run_lease.ts";
import type { LoadRequest, LoadResult } from "./types.ts";

/**
 * Loads an image from a layout, an archive or a registry into an engine.
 *
 * @throws {MiseOciError} as `openImages`; `integrity` naming a damaged blob, `engine` if there is none or
 * it fails.
 */
export async function loadImage(
  request: LoadRequest,
  context: WorkflowContext,
): Promise<LoadResult> {
  const { source, directory } = request;
  await using opened = await openSource(source, directory, context);
  const image = await obtainNamed(opened, request, context);
  const engine = await selectEngine({ engine: request.engine, path: hostEnv("PATH") ?? "" });
  const digest = image.descriptor.digest;
  const name = engineName(request.tag ?? image.tag ?? nameOf(opened.reference), digest);
  const runs = runsDirectory();
  await removeDeadRuns(engine, runs, context);
  await using lease = await takeRunLease(runs);
  await loadIntoEngine(engine, image, { name, id: lease.id, context });
  return { engine: engine.name, image: name, digest };
}
