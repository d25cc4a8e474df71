/**
 * Attaches bills of materials, provenance and signatures to the pushed images.
 * @module
 */
import { basename, dirname, relative } from "@std/path";
import { type Artifact, attachArtifacts } from "../../attest/attach.ts";
import { CYCLONEDX_TYPE } from "../../attest/cyclonedx.ts";
import { maybeReadRevision } from "../../attest/git_revision.ts";
import { type ConfigDigest, makeProvenance, readBuilder } from "../../attest/provenance.ts";
import type { Signer } from "../../attest/sign.ts";
import { SPDX_TYPE } from "../../attest/spdx.ts";
import {
  encodeStatement,
  IN_TOTO_TYPE,
  PredicateType,
  type Statement,
} from "../../attest/statement.ts";
import { openBuildCache } from "../../build/host/build_cache.ts";
import { hostEnv } from "../../build/host/environment.ts";
import type { PlannedImage } from "../../build/types.ts";
import type { WorkflowContext } from "../../context.ts";
import { MiseOciError } from "../../errors.ts";
import type { Image } from "../../image/types.ts";
import { Annotation, type Descriptor, formatReference, sha256Hex } from "../../oci/mod.ts";
import { fetchManifest, getBlob, type RegistryClient } from "../../registry/mod.ts";
import { encodeSbom, inventoryOf, projectDirectories, readLockFiles, SELF } from "../make_sbom.ts";
import type { AttachedDocument, AttestRequest, PushRequest, PushResult } from "../types.ts";
import { destinationOf, type ObtainedImages } from "./push_upload.ts";

// Imported on demand: attached documents are not always signed.
const keyModule = () => import("../../build/access/key_files.ts");
const signModule = () => import("../../attest/sign.ts");

/** The attestations of a push. */
export interface Attesting {
  /** What to attach. */
  readonly attest: AttestRequest;
  /** The signer, opened before anything is built. */
  readonly key?: Signer;
}

/** Reads the key of a push first, so that an unusable key stops it immediately. */
export async function beginAttesting(
  attest: AttestRequest,
  context: WorkflowContext,
): Promise<Attesting> {
  if (attest.sign === undefined) return { attest };
  const { openSigner } = await keyModule();
  return { attest, key: await openSigner(attest.sign, context) };
}

/** Options of {@linkcode attestPush}. */
export interface AttestPushOptions extends Attesting {
  /** The flags. */
  readonly request: PushRequest;
  /** The result of the push. */
  readonly result: PushResult;
  /** The images. */
  readonly obtained: ObtainedImages;
  /** The plans they were built from, in the same order; absent if they were not built by this push. */
  readonly planned?: readonly PlannedImage[];
}

class PushAttestation {
  readonly #client: RegistryClient;
  readonly #options: AttestPushOptions;
  readonly #context: WorkflowContext;
  readonly #repository: string;
  readonly #name: string;
  readonly #attached: AttachedDocument[] = [];

  constructor(client: RegistryClient, options: AttestPushOptions, context: WorkflowContext) {
    const { registry, repository } = destinationOf(options.request.destination);
    this.#client = client;
    this.#options = options;
    this.#context = context;
    this.#repository = repository;
    this.#name = formatReference({ registry, repository });
  }

  async run(): Promise<readonly AttachedDocument[]> {
    const { obtained: { images }, planned } = this.#options;
    for (const [at, image] of images.entries()) await this.#image(image, planned?.[at]);
    const index = await this.#index();
    if (index !== undefined) await this.#sign(index, []);
    return this.#attached;
  }

  /** The index that the tag now names, if any. */
  async #index(): Promise<Descriptor | undefined> {
    const { key, obtained, request, result } = this.#options;
    if (key === undefined) return undefined;
    if (!request.updateIndex) return obtained.indexes.at(-1)?.descriptor;
    const target = result.digest;
    const repository = this.#repository;
    const { signal } = this.#context;
    return (await fetchManifest(this.#client, { repository, target, signal })).descriptor;
  }

  async #image(image: Image, planned: PlannedImage | undefined): Promise<void> {
    const { attest: { sbom, provenance } } = this.#options;
    const artifacts: Artifact[] = [];
    const statements: Statement[] = [];
    const { descriptor: subject, config: { created } } = image;
    const annotations = created === undefined ? {} : { [Annotation.created]: created };
    if (sbom !== undefined) {
      const document = await this.#sbom(image, planned);
      const artifactType = sbom === "spdx" ? SPDX_TYPE : CYCLONEDX_TYPE;
      artifacts.push({ artifactType, bytes: new TextEncoder().encode(document), annotations });
      const predicateType = sbom === "spdx" ? PredicateType.spdx : PredicateType.cyclonedx;
      statements.push({ predicateType, predicate: JSON.parse(document) });
    }
    if (provenance) {
      const statement = await this.#provenance(image, planned);
      artifacts.push({
        artifactType: IN_TOTO_TYPE,
        bytes: encodeStatement({ name: this.#name, digest: subject.digest }, statement),
        annotations: { ...annotations, "in-toto.io/predicate-type": statement.predicateType },
      });
      statements.push(statement);
    }
    const repository = this.#repository;
    const { signal } = this.#context;
    this.#note(
      subject,
      await attachArtifacts(this.#client, artifacts, { repository, subject, signal }),
    );
    await this.#sign(subject, statements);
  }

  #note(subject: Descriptor, attached: readonly Descriptor[]): void {
    for (const { digest, artifactType = "" } of attached) {
      this.#attached.push({ subject: subject.digest, digest, artifactType });
    }
  }

  async #sign(subject: Descriptor, statements: readonly Statement[]): Promise<void> {
    const { key } = this.#options;
    if (key === undefined) return;
    const [name, repository] = [this.#name, this.#repository];
    const { signal } = this.#context;
    const { signSubject } = await signModule();
    const signed = await signSubject(this.#client, key, {
      name,
      repository,
      subject,
      statements,
      signal,
    });
    this.#note(subject, signed);
  }

  /** Directories whose lock files are used: those of the config files, or the working directory. */
  async #lockDirectories(planned: PlannedImage | undefined): Promise<readonly string[]> {
    if (planned === undefined) return await projectDirectories(this.#options.request.directory);
    return planned.project.configFiles.map((path) =>
      dirname(path).replace(/\/(?:\.config\/mise|\.mise|mise)(?:\/conf\.d)?$/, "")
    );
  }

  async #sbom(image: Image, planned: PlannedImage | undefined): Promise<string> {
    const { attest: { sbom = "cyclonedx" } } = this.#options;
    const { descriptor: { digest }, manifest, config, platform, source } = image;
    const repository = this.#repository;
    const { signal } = this.#context;
    const inventory = await inventoryOf({
      name: this.#name,
      digest,
      platform,
      manifest,
      config,
      openLayer: async (descriptor) => {
        if (await source.size(descriptor.digest) !== undefined) {
          return await source.open(descriptor.digest);
        }
        // A reused layer exists only in the registry.
        const response = await getBlob(this.#client, { repository, descriptor, signal });
        return ReadableStream.from(response.chunks());
      },
    }, {
      cache: await openBuildCache(this.#context),
      locked: await readLockFiles(await this.#lockDirectories(planned), platform),
    }, this.#context);
    return await encodeSbom(inventory, sbom);
  }

  async #provenance(image: Image, planned: PlannedImage | undefined): Promise<Statement> {
    if (planned === undefined) throw new TypeError("Provenance of an image that was not built");
    const { project, plan } = planned;
    const { manifest, config, platform } = image;
    const revision = await maybeReadRevision(project.directory);
    const root = revision?.root ?? project.directory;
    return makeProvenance({
      builder: readBuilder(hostEnv),
      tool: SELF,
      miseVersion: project.miseVersion,
      ...(revision === undefined ? {} : { revision }),
      configs: await configDigests(project.configFiles, root),
      platform,
      from: plan.from.kind === "registry" || plan.from.kind === "scratch"
        ? plan.fromText
        : plan.from.kind,
      annotations: manifest.annotations ?? {},
      config: manifest.config,
      layers: manifest.layers.flatMap((descriptor, at) => {
        const diffId = config.diffIds[at];
        return diffId === undefined ? [] : [{ descriptor, diffId }];
      }),
      locked: await readLockFiles(await this.#lockDirectories(planned), platform),
    });
  }
}

/**
 * The digests of the build's config files; for a path outside of the project, only the file name is
 * included.
 */
async function configDigests(
  paths: readonly string[],
  root: string,
): Promise<readonly ConfigDigest[]> {
  const digests: ConfigDigest[] = [];
  for (const path of paths) {
    const below = relative(root, path);
    const shown = below.startsWith("..") || below.startsWith("/") ? basename(path) : below;
    digests.push({ path: shown, sha256: await sha256Hex(await Deno.readTextFile(path)) });
  }
  return digests;
}

/**
 * Attaches the requested documents to the images of a push, which are already in the registry.
 *
 * @returns the push's result with the attached documents.
 * @throws {MiseOciError} `auth`, `registry`, `network`, after the images were pushed.
 */
export async function attestPush(
  client: RegistryClient,
  options: AttestPushOptions,
  context: WorkflowContext,
): Promise<PushResult> {
  try {
    const attached = await new PushAttestation(client, options, context).run();
    return { ...options.result, attached };
  } catch (error) {
    if (!(error instanceof MiseOciError) || error.code === "interrupted") throw error;
    throw new MiseOciError(error.code, `The image is pushed, but: ${error.message}`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
