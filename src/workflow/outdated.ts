/**
 * `outdated`: finds outdated parts of a project, or of an image that was pushed.
 * @module
 */
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import { miseContext } from "../build/host/read_projects.ts";
import { defaultPlatform } from "../build/host/environment.ts";
import type { PlannedImage } from "../build/types.ts";
import { readOutdatedTools } from "../mise/mod.ts";
import {
  Annotation,
  formatReference,
  layerTools,
  parseReference,
  type Platform,
  type Reference,
} from "../oci/mod.ts";
import { packageKey } from "../plan/project.ts";
import type { Image } from "../image/types.ts";
import {
  currentDigest,
  packageVersions,
  type PinProject,
  planPins,
  withoutDigest,
} from "./pins.ts";
import { RegistryClients } from "../build/access/registry_clients.ts";

/** The flags of `outdated`, parsed. */
export interface OutdatedRequest extends PinProject {
  /** The image to examine; if absent, only the project is. */
  readonly image?: Reference;
  /** The platform to examine. */
  readonly platform?: Platform;
  /** Whether to include versions of tools that the config does not allow. */
  readonly bump: boolean;
}

/** An outdated part. */
export interface OutdatedItem {
  /** Its kind. */
  readonly kind: "base" | "package" | "tool";
  /** Its name: a reference, `apt:curl`, a tool. */
  readonly name: string;
  /** The version in use. */
  readonly current: string;
  /** The newest version. */
  readonly latest: string;
}

/** The outdated parts. */
export interface OutdatedResult {
  /** All outdated parts; may be empty. */
  readonly outdated: readonly OutdatedItem[];
}

type Items = Promise<readonly OutdatedItem[]>;

function item(
  kind: OutdatedItem["kind"],
  name: string,
  [current, latest]: readonly [string, string | undefined],
): readonly OutdatedItem[] {
  return latest === undefined || current === latest ? [] : [{ kind, name, current, latest }];
}

/** The base of the project, if it is pinned: otherwise a build uses the tag's current image anyway. */
async function projectBase(planned: PlannedImage, context: WorkflowContext): Items {
  const { from } = planned.plan;
  if (from.kind !== "registry" || from.reference.digest === undefined) return [];
  const { reference } = from;
  if (reference.tag === undefined) return [];
  const digest = await currentDigest(withoutDigest(reference), planned, context);
  const name = formatReference(withoutDigest(reference));
  return item("base", name, [reference.digest ?? "", digest]);
}

/** Pinned packages. Finding their newest versions requires installing them, which not every host can do. */
async function projectPackages(planned: PlannedImage, context: WorkflowContext): Items {
  const { project: { packages = [] }, plan: { from } } = planned;
  const pinned = packages.filter(({ version }) => version !== "latest" && version !== "");
  if (pinned.length === 0 || from.kind !== "registry") return [];
  try {
    const options = { from: withoutDigest(from.reference), newest: true };
    const versions = await packageVersions(planned, options, context);
    return pinned.flatMap((one) =>
      item("package", packageKey(one), [one.version, versions.get(one.name)])
    );
  } catch (error) {
    const isHere = error instanceof MiseOciError && ["packages", "permission"].includes(error.code);
    if (!isHere) throw error;
    const text = `Packages are not checked: ${error.message}`;
    context.reporter.emit({ type: "warning", text });
    return [];
  }
}

async function projectTools(
  { project }: PlannedImage,
  { bump, miseEnv }: OutdatedRequest,
  context: WorkflowContext,
): Items {
  const { misePath, directory } = project;
  const own = new Set(project.tools.map(({ short }) => short));
  const files = new Set(project.configFiles);
  const tools = await readOutdatedTools({
    misePath,
    directory,
    bump,
    ...(miseEnv === undefined ? {} : { miseEnv }),
  }, miseContext(context));
  return tools.filter(({ name, source }) =>
    own.has(name) && (source === undefined || source.startsWith("~") || files.has(source))
  ).flatMap(({ name, current, requested, latest }) =>
    item("tool", name, [current ?? requested, latest])
  );
}

/** The base of an image, from the annotations of the platform's manifest. */
async function imageBase(
  { manifest, platform }: Image,
  clients: RegistryClients,
): Items {
  const { [Annotation.baseName]: name, [Annotation.baseDigest]: digest } = manifest.annotations ??
    {};
  if (name === undefined || digest === undefined) return [];
  const reference = withoutDigest(parseReference(name));
  const base = await clients.resolve(reference, { platform });
  return item("base", formatReference(reference), [digest, base.descriptor.digest]);
}

/** Tools of the image that the project has in another version. */
function imageTools(
  { manifest }: Image,
  planned: PlannedImage,
): readonly OutdatedItem[] {
  const versions = new Map<string, string[]>();
  for (const { short, version } of planned.project.tools) {
    versions.set(short, [...versions.get(short) ?? [], version]);
  }
  const tools = manifest.layers.flatMap(({ annotations }) => layerTools(annotations));
  return tools.flatMap(({ short: name, version: current }) => {
    const wanted = versions.get(name);
    if (wanted === undefined || wanted.includes(current)) return [];
    return item("tool", name, [current, wanted.join(", ")]);
  });
}

/**
 * Finds outdated parts: a pinned base whose tag has moved, pinned packages, and tools that mise reports; for
 * an image, its own base, and tools that the project has in another version.
 *
 * @throws {MiseOciError} for anything wrong with mise, the project, the image or a registry.
 */
export async function findOutdated(
  request: OutdatedRequest,
  context: WorkflowContext,
): Promise<OutdatedResult> {
  const { image: reference, platform = defaultPlatform() } = request;
  using clients = new RegistryClients(request, context);
  const project = planPins(request, context).catch((error: unknown) => {
    // Without a project, only the image is examined.
    if (reference !== undefined && error instanceof MiseOciError && error.code === "config") {
      return undefined;
    }
    throw error;
  });
  if (reference === undefined) {
    const planned = await project;
    if (planned === undefined) return { outdated: [] };
    const [base, packages, tools] = await Promise.all([
      projectBase(planned, context),
      projectPackages(planned, context),
      projectTools(planned, request, context),
    ]);
    return { outdated: [...base, ...packages, ...tools] };
  }
  const [planned, image] = await Promise.all([
    project,
    clients.resolve(reference, { platform }),
  ]);
  const base = await imageBase(image, clients);
  if (planned === undefined) return { outdated: base };
  const [packages, tools] = await Promise.all([
    projectPackages(planned, context),
    projectTools(planned, request, context),
  ]);
  const inImage = imageTools(image, planned);
  const names = new Set(inImage.map(({ name }) => name));
  const others = tools.filter(({ name }) => !names.has(name));
  return { outdated: [...base, ...packages, ...inImage, ...others] };
}
