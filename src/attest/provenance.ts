/**
 * SLSA provenance v1 of a build. All its contents can be verified against the image, the repository or a
 * registry.
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

/** Defines the meaning of the parameters below. */
const BUILD_TYPE = "https://jsr.io/@mise/oci/build/v1";

/** The builder of an image. */
export interface Builder {
  /** URI of the trusted builder: a forge's workflow, or this program. */
  readonly id: string;
  /** URI of the individual run. */
  readonly invocation?: string;
}

/** A config file that influenced the image. */
export interface ConfigDigest {
  /** Its path in the repository, or below the project. */
  readonly path: string;
  /** SHA-256 of its bytes, hexadecimal. */
  readonly sha256: string;
}

/** The facts about a build. */
export interface ProvenanceInput {
  /** The builder. */
  readonly builder: Builder;
  /** This program. */
  readonly tool: DocumentTool;
  /** mise's version. */
  readonly miseVersion: string;
  /** The revision of the sources. */
  readonly revision?: GitRevision;
  /** Config files. */
  readonly configs: readonly ConfigDigest[];
  /** The image's platform. */
  readonly platform: Platform;
  /** The base as requested: `debian:bookworm-slim`. */
  readonly from: string;
  /** Annotations of the image's manifest, which name its base. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Digest of the image config. */
  readonly config: Descriptor;
  /** The layers with their diff IDs, bottom first. */
  readonly layers: readonly { readonly descriptor: Descriptor; readonly diffId: string }[];
  /** The tools' entries in lock files. */
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

/** A tool of the image, with its origin from the lock file if recorded. */
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

/** Creates the provenance statement of a build. The same input gives the same statement. */
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

/** The builder, from variables set by GitHub's and GitLab's runners. */
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
