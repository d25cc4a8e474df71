/**
 * How an image was built, as SLSA provenance v1. Everything in it can be checked against the image, the
 * repository or a registry.
 * @module
 */
import {
  Annotation,
  type Descriptor,
  digestHex,
  formatPlatform,
  type LayerTool,
  layerTools,
  type Platform,
} from "../oci/mod.ts";
import type { DocumentTool } from "./document_id.ts";
import type { GitRevision } from "./git_revision.ts";
import { toolPurl } from "./inventory.ts";
import { type LockedTool, maybeLock } from "./lock_file.ts";
import { PredicateType, type Statement } from "./statement.ts";

/** Says how the parameters below are meant. */
const BUILD_TYPE = "https://jsr.io/@mise/oci/build/v1";

/** Who ran the build. */
export interface Builder {
  /** URI of who is trusted: a workflow of a forge, or this program. */
  readonly id: string;
  /** URI of the run. */
  readonly invocation?: string;
}

/** A config file that decided the image. */
export interface ConfigDigest {
  /** Its path in the repository or below the project. */
  readonly path: string;
  /** SHA-256 of its bytes, hexadecimal. */
  readonly sha256: string;
}

/** What is known about a build. */
export interface ProvenanceInput {
  /** Who ran it. */
  readonly builder: Builder;
  /** The program. */
  readonly tool: DocumentTool;
  /** Version of mise. */
  readonly miseVersion: string;
  /** The sources. */
  readonly revision?: GitRevision;
  /** Config files. */
  readonly configs: readonly ConfigDigest[];
  /** The image's platform. */
  readonly platform: Platform;
  /** The base as it was asked for: `debian:bookworm-slim`. */
  readonly from: string;
  /** The image's manifest annotations, which name its base. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Digest of the image config. */
  readonly config: Descriptor;
  /** The layers with their diff IDs, bottom first. */
  readonly layers: readonly { readonly descriptor: Descriptor; readonly diffId: string }[];
  /** What lock files say about tools. */
  readonly locked: readonly LockedTool[];
}

type Json = Readonly<Record<string, unknown>>;

function sourceJson({ commit, url, ref }: GitRevision): Json {
  const at = ref === undefined ? "" : `@${ref}`;
  return {
    ...(url === undefined ? { name: "source" } : { uri: `git+${url}${at}` }),
    digest: { gitCommit: commit },
  };
}

function baseJson(annotations: Readonly<Record<string, string>>): readonly Json[] {
  const name = annotations[Annotation.baseName];
  const digest = annotations[Annotation.baseDigest];
  if (digest === undefined) return [];
  return [{
    name: "base",
    ...(name === undefined ? {} : { uri: `oci://${name}` }),
    digest: { sha256: digest.replace(/^sha256:/, "") },
  }];
}

/** A tool of the image: where it came from as the lock file says, or at least what it is. */
function toolJson(tool: LayerTool, locked: readonly LockedTool[]): Json {
  const { short, version } = tool;
  const lock = maybeLock(locked, tool);
  const purl = toolPurl(lock?.backend ?? short, version);
  const { checksum, url } = lock ?? {};
  return {
    name: short,
    uri: url ?? purl,
    ...(checksum === undefined ? {} : { digest: { [checksum.algorithm]: checksum.value } }),
    annotations: { version, purl },
  };
}

function layerJson(
  { descriptor, diffId }: ProvenanceInput["layers"][number],
): Json {
  const { annotations = {}, digest } = descriptor;
  const tool = annotations[Annotation.toolShort];
  const version = annotations[Annotation.toolVersion];
  return {
    kind: annotations[Annotation.layerKind] ?? "base",
    ...(tool === undefined ? {} : { tool }),
    ...(version === undefined ? {} : { version }),
    digest: { sha256: digestHex(digest) },
    diffId,
  };
}

/** The statement about a build. The same input gives the same statement. */
export function makeProvenance(input: ProvenanceInput): Statement {
  const { builder, tool, miseVersion, revision, configs, platform, from, config, locked } = input;
  return {
    predicateType: PredicateType.provenance,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          from,
          platform: formatPlatform(platform),
          configs: configs.map(({ path, sha256 }) => ({ path, digest: { sha256 } })),
        },
        internalParameters: {
          config: { digest: { sha256: digestHex(config.digest) } },
          layers: input.layers.map(layerJson),
        },
        resolvedDependencies: [
          ...(revision === undefined ? [] : [sourceJson(revision)]),
          ...baseJson(input.annotations),
          ...input.layers.flatMap(({ descriptor: { annotations } }) =>
            layerTools(annotations).map((tool) => toolJson(tool, locked))
          ),
        ],
      },
      runDetails: {
        builder: { id: builder.id, version: { [tool.name]: tool.version, mise: miseVersion } },
        ...(builder.invocation === undefined
          ? {}
          : { metadata: { invocationId: builder.invocation } }),
      },
    },
  };
}

/** Reads an environment variable; `undefined` if it is not set. */
export type ReadVariable = (name: string) => string | undefined;

/** Who runs this, by the variables that GitHub's and GitLab's runners set. */
export function readBuilder(env: ReadVariable): Builder {
  const server = env("GITHUB_SERVER_URL");
  const workflow = env("GITHUB_WORKFLOW_REF");
  if (env("GITHUB_ACTIONS") === "true" && server !== undefined && workflow !== undefined) {
    const run = env("GITHUB_RUN_ID");
    const repository = env("GITHUB_REPOSITORY");
    const attempt = env("GITHUB_RUN_ATTEMPT") ?? "1";
    return {
      id: `${server}/${workflow}`,
      ...(run === undefined || repository === undefined
        ? {}
        : { invocation: `${server}/${repository}/actions/runs/${run}/attempts/${attempt}` }),
    };
  }
  const project = env("CI_PROJECT_URL");
  if (env("GITLAB_CI") === "true" && project !== undefined) {
    const job = env("CI_JOB_URL");
    return {
      id: `${project}//.gitlab-ci.yml@${env("CI_COMMIT_REF_NAME") ?? "HEAD"}`,
      ...(job === undefined ? {} : { invocation: job }),
    };
  }
  return { id: "https://jsr.io/@mise/oci" };
}
