/**
 * `load`: puts an image into an engine, to stay there.
 * @module
 */
import { selectEngine } from "../engine/mod.ts";
import { openLayout } from "../store/mod.ts";
import { loadIntoEngine } from "./engine_load.ts";
import { engineName } from "../engine/name.ts";
import { hostEnv } from "../build/environment.ts";
import { obtainImage } from "./obtain_image.ts";
import { removeDeadRuns, runsDirectory, takeRunLease } from "./run_lease.ts";
import type { WorkflowContext } from "../context.ts";
import type { LoadRequest, LoadResult } from "./types.ts";

/**
 * Loads an image of a layout into an engine.
 *
 * @throws {MiseOciError} `layout` if the directory is none, `integrity` naming a damaged blob, `engine` if there is none or it fails.
 */
export async function loadImage(
  request: LoadRequest,
  context: WorkflowContext,
): Promise<LoadResult> {
  const { directory, platform } = request;
  await using obtained = await obtainImage({
    kind: "layout",
    directory,
    ...(platform === undefined ? {} : { platform }),
  }, context);
  const { image } = obtained;
  const layout = await openLayout(directory);
  await layout.verify({ entries: [image.descriptor], signal: context.signal });
  const engine = await selectEngine({ engine: request.engine, path: hostEnv("PATH") ?? "" });
  const digest = image.descriptor.digest;
  const name = engineName(request.tag ?? image.tag, digest);
  const runs = runsDirectory();
  await removeDeadRuns(engine, runs, context);
  await using lease = await takeRunLease(runs);
  await loadIntoEngine(engine, image, { name, id: lease.id, context });
  return { engine: engine.name, image: name, digest };
}
