/**
 * Downloads mise's executable from its release, for an image of another platform.
 * @module
 */
import { openBuildCache } from "./build_cache.ts";
import { hostEnv } from "./environment.ts";
import type { WorkflowContext } from "../../context.ts";
import { MiseOciError } from "../../errors.ts";
import { maybeMiseRelease, type MiseRelease, parseChecksum } from "../../mise/release.ts";
import { type Digest, parseDigest, type Platform, shortDigest } from "../../oci/mod.ts";
import type { Project } from "../../plan/mod.ts";
import { Connector } from "../../registry/connect.ts";
import { networkFailure } from "../../registry/failure.ts";
import { showUrl } from "../../registry/host.ts";
import { exchange, type Fetch, type HttpResponse } from "../../registry/http.ts";
import { loadCaCerts } from "../../registry/mod.ts";
import { Attempts, type Clock, systemClock } from "../../registry/retry.ts";
import type { Cache } from "../../store/mod.ts";

/** A release's executable, its URL, or the reason why there is none. */
export type FoundRelease =
  | { readonly path: string }
  | { readonly url: string }
  | { readonly why: string };

/** Failures after which the image is built without mise; a wrong checksum is not one of them. */
const UNAVAILABLE: readonly string[] = ["network", "permission", "invalid", "not-found"];

/**
 * The mise of a release, from the cache or downloaded.
 *
 * @returns its path, or the reason why there is none.
 */
async function obtainRelease(
  release: MiseRelease,
  { project, download }: { readonly project: Project; readonly download: boolean },
  context: WorkflowContext,
): Promise<FoundRelease> {
  const cache = await openBuildCache(context);
  const cached = await maybeCachedRelease(release, cache);
  if (cached !== undefined) return { path: cached };
  if (project.settings.offline === true) return { why: 'mise\'s setting "offline" is on' };
  if (!download) return { url: release.url.href };
  try {
    return { path: await downloadRelease(release, { cache }, context) };
  } catch (error) {
    if (!(error instanceof MiseOciError) || !UNAVAILABLE.includes(error.code)) throw error;
    return { why: error.message };
  }
}

/**
 * Finds the mise of the project's version for a platform.
 *
 * @returns its path in the cache; its URL if it is not cached and must not be downloaded; or the reason why
 * there is none.
 */
export async function findRelease(
  project: Project,
  { platform, download }: { readonly platform: Platform; readonly download: boolean },
  context: WorkflowContext,
): Promise<FoundRelease> {
  const { miseVersion: version, settings } = project;
  const release = maybeMiseRelease(version, platform, {
    libc: hostEnv("MISE_LIBC"),
    ...(settings.urlReplacements === undefined ? {} : { replacements: settings.urlReplacements }),
  });
  if (release === undefined) return { why: "mise is not released for it" };
  return await obtainRelease(release, { project, download }, context);
}

/** Size limit of a list of checksums, in bytes. */
const MAX_SUMS = 1 << 20;
/** Size limit of an executable, in bytes: several times mise's size. */
const MAX_EXECUTABLE = 1 << 30;
const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** Fewer tries than for a registry, since mise is optional in an image. */
const MAX_TRIES = 3;
const DOCUMENTS = "mise-releases";

/** Options of {@linkcode downloadRelease}. */
export interface ReleaseOptions {
  /** Stores the executable. */
  readonly cache: Cache;
  /** Timeout without data from the server, in milliseconds; default 30,000. */
  readonly idleTimeoutMs?: number;
  /** The clock; default: the machine's. */
  readonly clock?: Clock;
}

/** Path of a release's executable in the cache, if it is there. */
export async function maybeCachedRelease(
  { file }: MiseRelease,
  cache: Cache,
): Promise<string | undefined> {
  const known = await cache.getDocument(DOCUMENTS, file);
  if (typeof known !== "object" || known === null) return undefined;
  const { digest, size } = known as { digest?: unknown; size?: unknown };
  if (typeof digest !== "string" || typeof size !== "number") return undefined;
  const parsed = parseDigest(digest);
  return await cache.has(parsed, size) ? cache.blobs.directory.pathOf(parsed) : undefined;
}

/** An error after which another attempt makes sense. */
class Retriable extends Error {
  constructor(readonly error: MiseOciError, readonly limit: number = MAX_TRIES) {
    super(error.message);
  }
}

class Download {
  readonly #release: MiseRelease;
  readonly #options: ReleaseOptions;
  readonly #context: WorkflowContext;
  readonly #fetch: Fetch;
  readonly #id: string;

  constructor(
    release: MiseRelease,
    options: ReleaseOptions & { readonly fetch: Fetch },
    context: WorkflowContext,
  ) {
    this.#release = release;
    this.#options = options;
    this.#context = context;
    this.#fetch = options.fetch;
    this.#id = `mise ${release.file}`;
  }

  /** Runs a step, with retries. */
  async again<T>(step: () => Promise<T>): Promise<T> {
    const { reporter, signal } = this.#context;
    const attempts = new Attempts({
      clock: this.#options.clock ?? systemClock,
      signal,
      log: (text) => reporter.emit({ type: "detail", level: 1, text }),
    });
    for (;;) {
      try {
        return await step();
      } catch (error) {
        if (!(error instanceof Retriable)) throw error;
        await attempts.again({ error: error.error, limit: error.limit });
      }
    }
  }

  /** Fetches the checksum of the executable from the release page. */
  async checksum(): Promise<Digest> {
    const response = await this.#get(this.#release.sums);
    const { bytes, complete } = await this.#read(() => response.head(MAX_SUMS));
    if (!complete) throw invalid(`${this.#release.sums.href} is longer than ${MAX_SUMS} bytes`);
    return parseChecksum(new TextDecoder().decode(bytes), this.#release);
  }

  /** Downloads the executable into the cache. */
  async executable(digest: Digest): Promise<{ readonly digest: Digest; readonly size: number }> {
    const { reporter } = this.#context;
    const response = await this.#get(this.#release.url);
    const total = response.contentLength;
    reporter.emit({
      type: "start",
      id: this.#id,
      label: this.#release.file,
      ...(total === undefined ? {} : { total }),
    });
    const writer = await this.#options.cache.create();
    try {
      await this.#read(async () => {
        for await (const chunk of response.chunks()) {
          if (writer.bytesWritten + chunk.length > MAX_EXECUTABLE) {
            throw invalid(`${this.#release.url.href} is larger than ${MAX_EXECUTABLE} bytes`);
          }
          await writer.write(chunk);
          reporter.emit({ type: "advance", id: this.#id, bytes: chunk.length });
        }
      });
      const stored = await writer.commit({ digest });
      reporter.emit({ type: "done", id: this.#id, note: "downloaded" });
      return stored;
    } catch (error) {
      reporter.emit({ type: "failed", id: this.#id });
      throw this.#explain(error, digest);
    } finally {
      await writer.abort();
    }
  }

  #explain(error: unknown, digest: Digest): unknown {
    if (!(error instanceof MiseOciError) || error.code !== "integrity") return error;
    const { url, sums } = this.#release;
    return new MiseOciError(
      "integrity",
      `Cannot use ${showUrl(url)}: its bytes do not have the checksum ${shortDigest(digest)} of ${
        showUrl(sums)
      }`,
      {
        hint: "Do not trust that server; --mise-binary names a file of your own, --no-mise none",
        cause: error,
      },
    );
  }

  async #get(url: URL): Promise<HttpResponse> {
    let from = url;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const response = await this.#read(() =>
        exchange(this.#fetch, {
          method: "GET",
          url: from,
          headers: { "User-Agent": "mise-oci" },
          idleTimeoutMs: this.#options.idleTimeoutMs ?? 30_000,
          signal: this.#context.signal,
        })
      );
      const { status, headers } = response;
      if (status === 200) return response;
      await response.discard();
      if (!REDIRECTS.includes(status)) {
        const error = new MiseOciError("network", `GET ${showUrl(from)} answered ${status}`);
        throw status === 429 || status >= 500 ? new Retriable(error) : error;
      }
      from = redirected(headers.get("location"), from);
    }
    throw new MiseOciError("network", `GET ${showUrl(url)} is redirected again and again`);
  }

  /** Turns a network failure into one that may be retried. */
  async #read<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (thrown) {
      if (thrown instanceof Error && thrown.name !== "ExchangeError") throw thrown;
      const { error, limit } = networkFailure(thrown);
      throw new Retriable(error, Math.min(limit, MAX_TRIES));
    }
  }
}

function invalid(why: string): MiseOciError {
  return new MiseOciError("invalid", `Cannot use mise's release: ${why}`);
}

/** The target of a redirect; never from TLS to plain http. */
function redirected(location: string | null, from: URL): URL {
  const url = location === null ? null : URL.parse(location, from);
  const allowed = from.protocol === "https:" ? ["https:"] : ["https:", "http:"];
  if (url !== null && allowed.includes(url.protocol)) return url;
  throw new MiseOciError("network", `GET ${showUrl(from)} is redirected to no https address`);
}

/**
 * Downloads the executable of a release into the cache.
 *
 * @returns its absolute path; the file is not executable.
 * @throws {MiseOciError} `network`, `permission` or `invalid` if it cannot be downloaded; `integrity` if
 * its checksum is not that of the release page; `io`.
 */
export async function downloadRelease(
  release: MiseRelease,
  options: ReleaseOptions,
  context: WorkflowContext,
): Promise<string> {
  const { cache } = options;
  const connector = new Connector({
    env: hostEnv,
    caCerts: await loadCaCerts(release.url.host, { env: hostEnv }),
  });
  try {
    const download = new Download(release, { ...options, fetch: connector.fetch }, context);
    const announced = await download.again(() => download.checksum());
    const { digest, size } = await download.again(() => download.executable(announced));
    await cache.putDocument(DOCUMENTS, release.file, { digest, size });
    return cache.blobs.directory.pathOf(digest);
  } finally {
    connector.close();
  }
}
