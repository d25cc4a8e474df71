/**
 * `run`: loads an image into an engine, runs a container, and cleans up.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import { sendSignal, startProcess } from "../process/run.ts";
import { type ContainerOptions, type Engine, selectEngine } from "../engine/mod.ts";
import { formatPlatform, samePlatform } from "../oci/mod.ts";
import type { OpenedImages } from "../image/open.ts";
import type { Image } from "../image/types.ts";
import { loadIntoEngine, maybePresent } from "./load_image.ts";
import { engineName } from "../engine/port.ts";
import { defaultPlatform, hostEnv } from "../build/host/environment.ts";
import { nameOf, openSource } from "../build/base/open_source.ts";
import { obtainBuilt, type ObtainedImage } from "./obtain_image.ts";
import { obtainNamed } from "./open_image.ts";
import {
  changeNames,
  CONTAINER_PREFIX,
  removeDeadRuns,
  RUN_LABEL,
  RUN_REPOSITORY,
  runsDirectory,
  takeRunLease,
} from "./run_lease.ts";
import { maybeStat } from "../store/io_error.ts";
import { restack } from "../build/output/restack.ts";
import type { WorkflowContext } from "../context.ts";
import type { NamedImageRequest, RunRequest, RunResult } from "./types.ts";

/** Time for the container to exit after a signal, before it is removed. */
const GRACE_MS = 1000;

/** Signals by their exit code (128 + number). */
const SIGNALS: ReadonlyMap<number, Deno.Signal> = new Map([
  [129, "SIGHUP"],
  [130, "SIGINT"],
  [143, "SIGTERM"],
]);

/** The signal that caused an interruption. */
function signalOf(reason: unknown): Deno.Signal {
  const code = typeof reason === "object" && reason !== null && "exitCode" in reason
    ? Number(reason.exitCode)
    : NaN;
  return SIGNALS.get(code) ?? "SIGTERM";
}

/** Removes the container, if it still exists. A name that the user chose may belong to another container. */
async function removeContainer(
  engine: Engine,
  { name, labels }: Pick<ContainerOptions, "name" | "labels">,
): Promise<void> {
  const run = labels[RUN_LABEL] ?? "";
  if (name === `${CONTAINER_PREFIX}${run}`) return await engine.removeContainer(name);
  for (const { id } of await engine.listContainers(RUN_LABEL, run)) {
    await engine.removeContainer(id);
  }
}

/**
 * Forwards a signal to the engine's client, which forwards it to the container, and removes the container
 * shortly afterwards if it still exists: the first process of a container ignores signals without a
 * handler.
 */
async function endContainer(
  engine: Engine,
  child: Deno.ChildProcess,
  options: Pick<ContainerOptions, "name" | "labels"> & { readonly reason: unknown },
): Promise<void> {
  const name = signalOf(options.reason);
  // For Ctrl-C, the terminal sends the signal to the engine's client as well.
  if (name !== "SIGINT" || !Deno.stdin.isTerminal()) sendSignal(child, name);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, GRACE_MS);
  });
  await Promise.race([child.status, late]);
  clearTimeout(timer);
  // Even if the client has exited: a signal may end it and leave the container running.
  await removeContainer(engine, options);
}

/**
 * Runs a container to completion.
 *
 * @returns its exit code (128 + number for a signal).
 * @throws {MiseOciError} `engine` if the engine cannot be started; the signal's reason if that is aborted,
 * once the container is gone.
 */
export async function runContainer(
  engine: Engine,
  options: ContainerOptions,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const command = engine.runCommand(options);
  const failure = `Cannot start "${command[0]}"`;
  const child = startProcess({
    command,
    failure,
    explain: (cause) => new MiseOciError("engine", failure, { cause }),
  }, { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
  let ending: Promise<void> | undefined;
  const end = (): void => {
    ending = endContainer(engine, child, { ...options, reason: signal.reason });
  };
  signal.addEventListener("abort", end, { once: true });
  try {
    const { code } = await child.status;
    await ending;
    signal.throwIfAborted();
    return code;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** Number of attempts to remove an image, since podman may still be removing the container that used it. */
const UNTAG_TRIES = 10;

/** Removes the image. Errors become warnings, because the run's exit code is the container's. */
async function untagPatiently(
  engine: Engine,
  name: string,
  { reporter }: WorkflowContext,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await changeNames(engine, () => engine.untag(name));
    } catch (error) {
      if (!(error instanceof MiseOciError)) throw error;
      if (attempt === UNTAG_TRIES) {
        const text = `${error.message}; the next run tries again`;
        return reporter.emit({ type: "warning", text });
      }
      await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
    }
  }
}

/** Whether building on the image would run its ONBUILD instructions. */
function hasBuildTriggers({ config }: Image): boolean {
  const triggers = config.config?.extensions?.["OnBuild"];
  return Array.isArray(triggers) && triggers.length > 0;
}

/**
 * Keeps the layers for the next run without a visible image, if the engine supports that; the image itself
 * is removed at the end of this run. Failure is not an error.
 *
 * @returns why they are not kept, to be reported once the container has released the terminal.
 */
async function retain(
  engine: Engine,
  image: Image,
  options: { readonly name: string; readonly platform?: string },
): Promise<string | undefined> {
  const { name, ...rest } = options;
  if (hasBuildTriggers(image)) return "The image has build triggers: its layers are not kept";
  try {
    // Even if the run is interrupted: with kept layers, removing the image is fast; otherwise it takes
    // seconds.
    await engine.retainLayers(name, rest);
    return undefined;
  } catch (error) {
    return `The next run has to load the image again: ${describeError(error)}`;
  }
}

/** @throws {MiseOciError} `usage` if there is no command to run. */
function assertCommand({ config }: Image, request: RunRequest): void {
  const { Entrypoint = [], Cmd = [] } = config.config ?? {};
  const named = [...Entrypoint, ...Cmd, ...request.command].length > 0 ||
    request.engineArgs.some((arg) => arg.startsWith("--entrypoint"));
  if (named) return;
  throw new MiseOciError("usage", "Cannot run the image: it has no command, and none was given", {
    hint: 'Write mise-oci run CMD, or set cmd in [oci], such as cmd = ["bash"]',
  });
}

/**
 * Checks the sources of mounts for podman, whose error message is unclear; docker creates them.
 *
 * @throws {MiseOciError} `not-found` naming the source.
 */
function assertVolumes(engine: Engine, volumes: readonly string[]): void {
  if (engine.name !== "podman") return;
  for (const [source = ""] of volumes.map((volume) => volume.split(":"))) {
    if (!source.startsWith("/") || maybeStat(source) !== undefined) continue;
    throw new MiseOciError("not-found", `Cannot mount "${source}": no such file or directory`, {
      hint: "Create the directory, or correct --volume HOST:CONTAINER",
    });
  }
}

/** Explains exit codes of the engine and of shells, whose own messages have no hint. */
function explainExit(code: number, { reporter }: WorkflowContext): void {
  const why = code === 127
    ? "the command was not found in the container; mise-oci run printenv PATH shows the directories that are searched"
    : code === 126
    ? "the command was found but cannot be run; mise-oci check shows why"
    : undefined;
  if (why !== undefined) reporter.emit({ type: "step", text: `Exit code ${code}: ${why}` });
}

/** The image to load: unchanged if it is kept or already loaded, otherwise with reordered layers. */
async function choose(engine: Engine, image: Image, keep: boolean): Promise<Image> {
  if (!engine.stacksLayers || keep) return image;
  return await maybePresent(engine, image) === undefined ? restack(image) : image;
}

async function runLoaded(
  engine: Engine,
  image: Image,
  options: {
    readonly request: RunRequest;
    readonly id: string;
    readonly context: WorkflowContext;
  },
): Promise<number> {
  const { request, id, context } = options;
  const name = `${RUN_REPOSITORY}:${id}`;
  const foreign = !samePlatform(image.platform, defaultPlatform());
  const platform = foreign ? { platform: formatPlatform(image.platform) } : {};
  let retained: Promise<string | undefined> | undefined;
  let code: number | undefined;
  try {
    const outcome = await loadIntoEngine(engine, image, { name, id, context });
    if (request.keep) {
      const kept = engineName(image.tag, image.descriptor.digest);
      await changeNames(engine, () => engine.tag(name, kept));
      context.reporter.emit({ type: "step", text: `Kept in ${engine.name} as ${kept}` });
    } else if (outcome === "pulled" || outcome === "archive") {
      retained = retain(engine, image, { name, ...platform });
    }
    // The container uses the terminal until it ends.
    context.reporter.emit({ type: "suspend" });
    code = await runContainer(engine, {
      ...request,
      image: name,
      name: request.name ?? `${CONTAINER_PREFIX}${id}`,
      labels: { [RUN_LABEL]: id },
      extra: request.engineArgs,
      ...platform,
    }, context.signal);
    return code;
  } finally {
    context.reporter.emit({ type: "resume" });
    if (code !== undefined) explainExit(code, context);
    const text = await retained;
    if (text !== undefined) context.reporter.emit({ type: "detail", level: 1, text });
    await untagPatiently(engine, name, context);
  }
}

async function takeNamed(
  opened: OpenedImages | undefined,
  request: NamedImageRequest,
  context: WorkflowContext,
): Promise<ObtainedImage> {
  if (opened === undefined) throw new TypeError("An image that was not opened");
  const image = await obtainNamed(opened, request, context);
  const tag = image.tag ?? nameOf(opened.reference);
  return {
    image: { ...image, ...(tag === undefined ? {} : { tag }) },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/**
 * Runs a command in the image and returns its exit code. Afterwards everything is removed from the engine,
 * unless the image is kept.
 *
 * @throws {MiseOciError} `engine`; as building or loading.
 */
export async function runImage(request: RunRequest, context: WorkflowContext): Promise<RunResult> {
  const { image } = request;
  // An invalid image argument fails before an engine is searched for.
  await using opened = image.kind === "image"
    ? await openSource(image.source, image.directory, context)
    : undefined;
  const engine = await selectEngine({ engine: request.engine, path: hostEnv("PATH") ?? "" });
  assertVolumes(engine, request.volumes);
  const runs = runsDirectory();
  await using obtained = image.kind === "build"
    ? await obtainBuilt(image.build, context)
    : await takeNamed(opened, image, context);
  assertCommand(obtained.image, request);
  await removeDeadRuns(engine, runs, context);
  await using lease = await takeRunLease(runs);
  const loaded = await choose(engine, obtained.image, request.keep);
  const exitCode = await runLoaded(engine, loaded, { request, id: lease.id, context });
  return { exitCode };
}
