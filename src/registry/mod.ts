/**
 * A client for OCI Distribution v2 registries: pull and push, in Deno, without a container engine.
 *
 * {@linkcode createRegistryClient} creates a client for one registry. Its transport handles what all
 * requests share: login (Basic, Bearer, identity tokens), redirects, retries with backoff, timeouts, TLS,
 * proxies and errors that name the URL, the status and the registry's own message. Credentials are sent
 * only to the registry and its token realm.
 *
 * Each file defines the requests of one kind: `get_manifest.ts`, `put_manifest.ts`, `list_tags.ts`,
 * `get_blob.ts`, `upload_requests.ts`… To add one: write a function that takes the client and an options
 * object and calls `client.send` (a stream) or `client.read` (a small body) with the action in words,
 * method, path, scopes and the expected statuses; verify the response; test it against
 * `tests/support/faultreg`; export it here.
 *
 * @example Pull the layers of an image of one platform
 * ```ts
 * import { parseReference } from "../oci/mod.ts";
 * import type { BlobSink } from "../store/ports.ts";
 * import { createRegistryClient, fetchManifest, pullBlob } from "./mod.ts";
 *
 * async function pull(name: string, sink: BlobSink): Promise<void> {
 *   const reference = parseReference(name);
 *   const { registry, repository, tag = "latest" } = reference;
 *   const client = createRegistryClient({ registry, insecure: false });
 *   try {
 *     const { content } = await fetchManifest(client, { repository, target: tag });
 *     if (content.kind === "index") return; // `resolveImage` of ./image chooses a platform.
 *     for (const descriptor of content.manifest.layers) {
 *       await pullBlob(client, { repository, descriptor, sink });
 *     }
 *   } finally {
 *     client.close();
 *   }
 * }
 * ```
 * @module
 */
export { formatScope, type Scope } from "./auth.ts";
export { type Env, loadCaCerts, type LoadCaCertsOptions, proxyFor } from "./connect.ts";
export { checkCacheFrom } from "./cache_from.ts";
export { type Challenge, parseChallenges } from "./challenge.ts";
export type { Credentials, CredentialsProvider } from "./credentials_type.ts";
export type { ReadAuthFile, ReadEnv } from "./credentials/auth_file.ts";
export type { HelperResult, RunHelper } from "./credentials/helper.ts";
export { findCredentials, type FindCredentialsOptions } from "./credentials/find_credentials.ts";
export {
  checkTool,
  type ExternalPush,
  type ExternalPushOptions,
  type ExternalTool,
  pushWithTool,
  type RunTool,
  type ToolOutput,
} from "./external_tool.ts";
export { type BlobPosition, type BlobRequest, fetchBlob, getBlob } from "./get_blob.ts";
export {
  type FetchedManifest,
  fetchManifest,
  headManifest,
  type ManifestRequest,
  maybeFetchManifest,
} from "./get_manifest.ts";
export { type HostKind, hostKind, registryUrl } from "./host.ts";
export type { Fetch, HttpRequest, HttpResponse } from "./http.ts";
export { MemoryBlobs } from "./memory_blobs.ts";
export { type OpenClientOptions, openRegistryClient, ping } from "./open_client.ts";
export { pullBlob, type PullBlobOptions, type PullOutcome } from "./pull_blob.ts";
export { listTagNames, type TagsRequest } from "./list_tags.ts";
export { listReferrers, type Referrers, type ReferrersRequest } from "./referrers.ts";
export { RemoteBlobs, type RemoteBlobsOptions } from "./remote_blobs.ts";
export {
  type BaseOrigin,
  type PushableImage,
  type PushEvent,
  type PushOptions,
  uploadImage,
  type UploadResult,
} from "./push.ts";
export {
  type Attempts,
  type AttemptsOptions,
  type Clock,
  type FailedAttempt,
  systemClock,
} from "./retry.ts";
export {
  createRegistryClient,
  type RegistryAnswer,
  type RegistryClient,
  type RegistryClientOptions,
  type RegistryRequest,
} from "./transport.ts";
export { type OpenBody, SizedBody } from "./sized_body.ts";
export type { PlatformEntry } from "./index_merge.ts";
export { putManifest, type PutManifestOptions } from "./put_manifest.ts";
export { type UpdatedIndex, updateIndex, type UpdateIndexOptions } from "./update_index.ts";
export type {
  BlobRange,
  BlobSink,
  BlobSource,
  BlobWriter,
  ExpectedBlob,
  StoredBlob,
} from "../store/ports.ts";
