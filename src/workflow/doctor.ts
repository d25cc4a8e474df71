/**
 * `doctor`: problems of this machine and of this project that would make a command fail, each with its fix.
 * @module
 */
import fs from "node:fs/promises";
import { dirname } from "@std/path";
import { buildTimestamp, hostEnv } from "../build/host/environment.ts";
import { planProject } from "../build/plan_images.ts";
import { openRegistry, readAccess } from "../build/access/registry_access.ts";
import type { PlannedImage, TransientBuild } from "../build/types.ts";
import { hearWarnings, type WorkflowContext } from "../context.ts";
import { runEngineCommand, selectEngine } from "../engine/mod.ts";
import { MiseOciError } from "../errors.ts";
import { locateMise } from "../mise/mod.ts";
import { parseReference, type Reference } from "../oci/mod.ts";
import { findCredentials, ping } from "../registry/mod.ts";
import { cacheDirectory, checkWritable, openLayout } from "../store/mod.ts";
import { formatBytes, formatCount } from "../ui/format.ts";

/** Input of `doctor`. */
export interface DoctorRequest {
  /** The project, and how it would be planned. */
  readonly project: TransientBuild;
  /** Absolute directory of the image layout. */
  readonly output: string;
  /** Whether registries are contacted. */
  readonly online: boolean;
}

/** The finding for one part. */
export interface DoctorFinding {
  /** The part: `mise`, `project`, `tools`, `base`, `registry`, `login`, `engine`, `cache`, `disk`, `output`, `time`. */
  readonly part: string;
  /** `ok`; `note` for problems that affect only some commands; `broken`. */
  readonly state: "ok" | "note" | "broken";
  /** The finding, one sentence without a final period. */
  readonly text: string;
  /** What to do, if the state is not `ok`. */
  readonly fix?: string;
}

/** The findings about all parts. */
export interface DoctorResult {
  /** The findings, in the order in which a build needs the parts. */
  readonly findings: readonly DoctorFinding[];
}

/** Minimum free space: twice the size of an image with a few tools. */
const MIN_FREE_BYTES = 1_000_000_000;
/** Time limit for an engine's status. */
const ENGINE_TIMEOUT_MS = 20_000;
/** Time limit for a registry. */
const REGISTRY_TIMEOUT_MS = 30_000;

function ok(part: string, text: string): DoctorFinding {
  return { part, state: "ok", text };
}

function broken(part: string, text: string, fix: string): DoctorFinding {
  return { part, state: "broken", text, fix };
}

/** Converts an error that users can cause to a finding; other errors are bugs and thrown. */
function failed(part: string, error: unknown, fix: string): DoctorFinding {
  if (error instanceof MiseOciError && error.code !== "interrupted") {
    return broken(part, error.message, error.hint ?? fix);
  }
  const { PermissionDenied, NotCapable, NotADirectory } = Deno.errors;
  if ([PermissionDenied, NotCapable, NotADirectory].some((kind) => error instanceof kind)) {
    return broken(part, error instanceof Error ? error.message : String(error), fix);
  }
  throw error;
}

function misePart({ directory, misePath }: TransientBuild): DoctorFinding {
  try {
    const path = locateMise({ directory, ...(misePath === undefined ? {} : { misePath }) }, {
      env: hostEnv,
    });
    return ok("mise", path);
  } catch (error) {
    return failed("mise", error, "Install mise");
  }
}

interface ProjectParts {
  readonly findings: readonly DoctorFinding[];
  readonly planned?: PlannedImage;
}

/** Findings about mise and the project: version, config, tools. */
async function projectParts(
  request: TransientBuild,
  context: WorkflowContext,
): Promise<ProjectParts> {
  const heard = hearWarnings({ ...context, reporter: { emit: () => {} } });
  let planned: PlannedImage;
  try {
    planned = await planProject(request, heard.context, { installForeign: false });
  } catch (error) {
    context.signal.throwIfAborted();
    const fix = "Run mise doctor in the project";
    return { findings: [failed("project", error, fix)] };
  }
  const { project, plan } = planned;
  const missing = project.tools.filter(({ installed }) => !installed).map(({ short, version }) =>
    `${short}@${version}`
  );
  const tools = project.tools.length === 0
    ? {
      part: "tools",
      state: "note",
      text: "The project has none, so its image has none",
      fix: "Add one: mise use TOOL",
    } as const
    : missing.length > 0
    ? broken("tools", `Not installed: ${missing.join(", ")}`, "Run mise install, or give --install")
    : ok("tools", `${formatCount(project.tools.length, "tool")}, all installed`);
  return {
    planned,
    findings: [
      ok("project", `mise ${project.miseVersion} reads ${project.configFiles.join(", ")}`),
      tools,
      ...heard.warnings.filter((text) => !text.includes("has no tools")).map((text) =>
        ({
          part: "project",
          state: "note",
          text,
          fix: "mise-oci build shows the same warning",
        }) as const
      ),
      ok("base", plan.fromText),
    ],
  };
}

/** The registries that a build and a push of the project would use. */
function registriesOf({ plan }: PlannedImage): readonly Reference[] {
  const found = new Map<string, Reference>();
  if (plan.from.kind === "registry") found.set(plan.from.reference.registry, plan.from.reference);
  const { tag } = plan;
  if (tag !== undefined && /^[^/]+[.:][^/]*\/|^localhost\//.test(tag)) {
    const reference = parseReference(tag);
    found.set(reference.registry, reference);
  }
  return [...found.values()];
}

async function registryPart(
  reference: Reference,
  { project, online }: DoctorRequest,
  context: WorkflowContext,
): Promise<readonly DoctorFinding[]> {
  const { registry, repository } = reference;
  const warnings: string[] = [];
  const found = await findCredentials(`${registry}/${repository}`, {
    env: hostEnv,
    warn: (text) => warnings.push(text),
    signal: context.signal,
  });
  const login = warnings.map((text) =>
    broken("login", text, `Log in again: podman login ${registry}, or docker login ${registry}`)
  );
  if (login.length === 0) {
    login.push(
      ok(
        "login",
        `${registry}: ${
          found === undefined ? "no login stored, requests are anonymous" : "stored"
        }`,
      ),
    );
  }
  if (!online) return login;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(REGISTRY_TIMEOUT_MS)]);
  const quiet = { reporter: { emit: () => {} }, signal };
  try {
    const client = await openRegistry(
      reference,
      await readAccess(reference, project, quiet),
      quiet,
    );
    try {
      await ping(client, signal);
    } finally {
      client.close();
    }
    return [...login, ok("registry", `${registry} answers`)];
  } catch (error) {
    context.signal.throwIfAborted();
    const reason = signal.aborted
      ? new MiseOciError("network", `Registry "${registry}" does not answer`)
      : error;
    return [...login, failed("registry", reason, "Check the network, the proxy and the login")];
  }
}

/**
 * The container engine: a missing one is only a note, because only run and load need it, but a broken one
 * is a failure.
 */
async function enginePart({ signal }: WorkflowContext): Promise<DoctorFinding> {
  let engine;
  try {
    engine = await selectEngine({ engine: "auto", path: hostEnv("PATH") ?? "" });
  } catch (error) {
    if (!(error instanceof MiseOciError)) throw error;
    const text = `${error.message}: only run and load need one`;
    return { part: "engine", state: "note", text, fix: error.hint ?? "Install podman" };
  }
  const { name, program } = engine;
  const fix = name === "docker"
    ? "Start the daemon, and see that this user may use it (docker info), or install podman"
    : "Run podman info and follow its messages";
  try {
    const ends = AbortSignal.any([signal, AbortSignal.timeout(ENGINE_TIMEOUT_MS)]);
    const { code, errors } = await runEngineCommand([program, "info"], { signal: ends });
    if (code === 0) return ok("engine", `${name} works`);
    return broken("engine", `${name} does not work: ${errors || `exit code ${code}`}`, fix);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DOMException) return broken("engine", `${name} does not answer`, fix);
    return failed("engine", error, fix);
  }
}

/** The path, or its nearest existing parent. */
async function existing(path: string): Promise<string> {
  const there = await Deno.stat(path).then(() => true, () => false);
  return there || dirname(path) === path ? path : await existing(dirname(path));
}

async function cacheParts(): Promise<readonly DoctorFinding[]> {
  let directory: string;
  try {
    directory = cacheDirectory(hostEnv);
  } catch (error) {
    return [failed("cache", error, "Set MISE_OCI_CACHE_DIR to a directory of your own")];
  }
  const place = await existing(directory);
  const fix = `Make ${directory} yours (chown), or set MISE_OCI_CACHE_DIR`;
  try {
    await checkWritable(place);
  } catch (error) {
    return [failed("cache", error, fix)];
  }
  return [ok("cache", directory), await diskPart(place)];
}

async function diskPart(directory: string): Promise<DoctorFinding> {
  // Older versions of Deno (before about 2.6) lack this function.
  if (fs.statfs === undefined) {
    return { part: "disk", state: "note", text: "This version of Deno cannot report free space" };
  }
  try {
    const { bavail, bsize } = await fs.statfs(directory);
    const text = `${formatBytes(bavail * bsize)} free for the cache`;
    return bavail * bsize < MIN_FREE_BYTES
      ? broken("disk", text, "Run mise-oci cache prune")
      : ok("disk", text);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) return failed("disk", error, "Check the disk");
    const text = "Deno does not allow reading the free space";
    return { part: "disk", state: "note", text, fix: "Run with --allow-sys=uid,statfs" };
  }
}

/** The output path, which must be a layout or unused. */
async function outputPart(output: string): Promise<DoctorFinding> {
  const fix = "Give another directory with -o, or move what is there";
  try {
    const info = await Deno.stat(output).catch((error: unknown) => {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    });
    if (info === undefined) {
      await checkWritable(await existing(dirname(output)));
      return ok("output", `${output}, not built yet`);
    }
    if (!info.isDirectory) return broken("output", `${output} is a file`, fix);
    await checkWritable(output);
    const isEmpty = (await Array.fromAsync(Deno.readDir(output))).length === 0;
    if (!isEmpty) await openLayout(output);
    return ok("output", output);
  } catch (error) {
    return failed("output", error, fix);
  }
}

function timePart(): DoctorFinding {
  const epoch = Deno.env.get("SOURCE_DATE_EPOCH");
  try {
    return ok(
      "time",
      epoch === undefined
        ? "images are dated now; SOURCE_DATE_EPOCH would make them reproducible"
        : `images are dated ${buildTimestamp(epoch, 0)} (SOURCE_DATE_EPOCH)`,
    );
  } catch (error) {
    return failed("time", error, "Unset SOURCE_DATE_EPOCH");
  }
}

/**
 * Checks everything that a build, a push and a run need; changes nothing.
 *
 * @throws the reason of the context's signal.
 */
export async function diagnose(
  request: DoctorRequest,
  context: WorkflowContext,
): Promise<DoctorResult> {
  const mise = misePart(request.project);
  const { findings, planned } = mise.state === "broken"
    ? { findings: [], planned: undefined }
    : await projectParts(request.project, context);
  const [registries, engine, cache, output] = await Promise.all([
    Promise.all(
      (planned === undefined ? [] : registriesOf(planned)).map((reference) =>
        registryPart(reference, request, context)
      ),
    ),
    enginePart(context),
    cacheParts(),
    outputPart(request.output),
  ]);
  return {
    findings: [mise, ...findings, ...registries.flat(), engine, ...cache, output, timePart()],
  };
}
