/**
 * Checks whether an image is correct on another base, and its commands start there.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { maybeMisfit } from "../fleet/base_fit.ts";
import { type RebasedImage, rebaseRefusal } from "../fleet/rebase.ts";
import type { BaseFiles } from "../layer/read/mod.ts";
import {
  Annotation,
  type Descriptor,
  type ImageDocuments,
  type Platform,
  type Reference,
} from "../oci/mod.ts";
import { maybeImageUser } from "../plan/mod.ts";
import { type CheckReport, findingsOf, isFailure, type LayerFacts } from "../check/mod.ts";
import { RemoteBlobs } from "../registry/mod.ts";
import type { Cache } from "../store/mod.ts";
import { readBaseFiles } from "../build/base/base_files.ts";
import { type BaseLayer, pairLayers } from "../build/base/base_image.ts";
import { foundImage } from "../check/checked_image.ts";
import { findReport } from "../check/find_report.ts";
import { maybeKeptFacts } from "../check/kept_facts.ts";
import type { RegistryClients } from "../build/access/registry_clients.ts";
import type { WorkflowContext } from "../context.ts";

/** An image in a registry. */
export interface RemoteImage extends ImageDocuments {
  readonly descriptor: Descriptor;
  readonly platform: Platform;
}

/** The input of the checks. */
interface Places {
  readonly request: {
    readonly image: Reference;
    readonly onto: Reference;
    /** Whether to refuse if commands do not start on the new base. */
    readonly check: boolean;
  };
  readonly clients: RegistryClients;
  readonly cache: Cache;
  readonly context: WorkflowContext;
}

/** Opens layers of the image or of a base, from any source. */
function opener(
  repository: Reference,
  { clients, context: { signal } }: Places,
): (layer: Pick<BaseLayer, "descriptor">) => Promise<ReadableStream<Uint8Array>> {
  return async ({ descriptor }) => {
    const client = await clients.of(repository);
    const blobs = new RemoteBlobs(client, {
      repository: repository.repository,
      blobs: [descriptor],
      signal,
    });
    return await blobs.open(descriptor.digest);
  };
}

/** The problems of the image's own commands. */
function problemTexts(report: CheckReport | undefined): readonly string[] {
  return report === undefined
    ? []
    : findingsOf(report).filter(isFailure).map(({ message }) => message);
}

/** The new base, and the image on it. */
export interface Fitting {
  /** The image on the new base. */
  readonly rebased: RebasedImage;
  readonly newBase: ImageDocuments & { readonly reference: string };
}

/** @throws {MiseOciError} if the image would not be correct or not start on the new base. */
export async function refuseMisfit(
  image: RemoteImage,
  { rebased, newBase }: Fitting,
  places: Places,
): Promise<void> {
  const { request, cache, context } = places;
  const openOwn = opener(request.image, places);
  const openBase = opener(request.onto, places);
  const layers = pairLayers(newBase.reference, newBase);
  // Also caches the facts about the base that the check needs.
  const files = await readBaseFiles(
    { layers, name: newBase.reference, open: openBase },
    cache,
    context,
  );
  const ofBase = new Set(layers.map(({ descriptor: { digest } }) => digest));
  const checked = foundImage(
    {
      manifest: { ...image.manifest, layers: rebased.layers },
      config: rebased.imageConfig,
    },
    (descriptor) => (ofBase.has(descriptor.digest) ? openBase : openOwn)({ descriptor }),
  );
  const report = await findReport(checked, cache, context);
  // Checked first, because for another C library this reason is clearer than the differing directories.
  if (request.check) await refuseWorse(image, { report, newBase, open: openOwn }, places);
  const facts = await Promise.all(
    checked.layers.slice(rebased.baseLayers).map(({ diffId }) => maybeKeptFacts(cache, diffId)),
  );
  const [uid = 0, gid = uid] = ownerOf(image);
  const own = facts.flatMap((one) => one ?? []);
  const misfit = maybeMisfit({ layers: own, base: files, owner: { uid, gid } }) ??
    maybeOtherUser(image, { rebased, newBase, files, layers: own });
  if (misfit !== undefined) {
    throw rebaseRefusal(misfit, "Build it on that base instead: mise-oci push --from BASE REF");
  }
}

/** @throws {MiseOciError} `check` if commands that start on the old base do not start on the new one. */
async function refuseWorse(
  image: RemoteImage,
  { report, newBase, open }: Pick<Fitting, "newBase"> & {
    readonly report: CheckReport | undefined;
    readonly open: (
      layer: Pick<BaseLayer, "descriptor">,
    ) => Promise<ReadableStream<Uint8Array>>;
  },
  { cache, context }: Places,
): Promise<void> {
  const now = problemTexts(report);
  if (now.length === 0) return;
  // Commands that did not start before are not a reason. The layers of the current image are in its own
  // repository.
  const before = foundImage(image, (descriptor) => open({ descriptor }));
  const known = new Set(problemTexts(await findReport(before, cache, context)));
  const worse = now.filter((text) => !known.has(text));
  if (worse.length === 0) return;
  throw new MiseOciError(
    "check",
    `Cannot rebase the image onto "${newBase.reference}": ${worse.join("; ")}`,
    { hint: "Choose another base, or give --no-check" },
  );
}

/** `uid:gid` of the layers of tools, which is the same for all of them. */
function ownerOf({ manifest }: RemoteImage): readonly number[] {
  const owner = manifest.layers.findLast(({ annotations }) =>
    annotations?.[Annotation.layerOwner] !== undefined
  )?.annotations?.[Annotation.layerOwner];
  return (owner ?? "0:0").split(":").map(Number);
}

/** Problems with the image's user and working directory on the new base. */
function maybeOtherUser(
  { config }: RemoteImage,
  { rebased, files, layers }: Fitting & {
    readonly files: BaseFiles;
    readonly layers: readonly LayerFacts[];
  },
): string | undefined {
  const was = config.config ?? {};
  const now = rebased.imageConfig.config ?? {};
  const database = {
    passwd: files.text("/etc/passwd") ?? "",
    group: files.text("/etc/group") ?? "",
  };
  const name = was.Labels?.[Annotation.user];
  if (name !== undefined && now.User === was.User) {
    const user = maybeImageUser(name, database);
    const ids = user === undefined ? "not known" : `${user.uid}:${user.gid}`;
    if (ids !== was.User) return `its user "${name}" is ${was.User}, and ${ids} in the new base`;
  }
  const workdir = now.WorkingDir ?? "/";
  const isMade = layers.some(({ entries }) =>
    entries.some(({ path, type }) => type === "directory" && `/${path}` === workdir)
  );
  if (isMade && (now.User ?? "") !== (was.User ?? "")) {
    return `it would run as "${now.User ?? ""}" of the new base, and its working directory was ` +
      `made for "${was.User ?? ""}"`;
  }
  if (isMade || workdir === was.WorkingDir || files.resolve(workdir)?.type === "directory") {
    return undefined;
  }
  return `it has no directory "${workdir}", the working directory of the new base`;
}
