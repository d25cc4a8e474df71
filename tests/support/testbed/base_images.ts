/**
 * The base images as tests use them: copied, or pushed to a registry.
 * @module
 */
import { join } from "@std/path";
import { buildArm64Base, buildBase } from "./base.ts";
import { exists, run } from "./command.ts";

const TYPE = "application/vnd.oci.image";

/** Copies the latest image of a layout to a registry with skopeo; the registry's certificate is not checked. */
export async function copyToRegistry(
  layout: string,
  reference: string,
  flags: readonly string[] = [],
): Promise<void> {
  const copy = [
    "skopeo",
    "copy",
    "--quiet",
    "--insecure-policy",
    "--dest-tls-verify=false",
  ] as const;
  await run([...copy, ...flags, `oci:${layout}:latest`, `docker://${reference}`]);
}

/**
 * Pushes the base image for amd64 and for arm64 under one tag.
 *
 * @param registry `host:port`, spoken to over http.
 * @returns the reference.
 */
export async function pushBothBases(registry: string): Promise<string> {
  const manifests = [];
  for (const [architecture, layout] of [["amd64", buildBase], ["arm64", buildArm64Base]] as const) {
    const reference = `${registry}/debian:${architecture}`;
    await copyToRegistry(await layout(), reference);
    const index = JSON.parse(await Deno.readTextFile(join(await layout(), "index.json")));
    const { mediaType, digest, size, platform } = index.manifests[0];
    manifests.push({ mediaType, digest, size, platform });
  }
  const mediaType = `${TYPE}.index.v1+json`;
  const response = await fetch(`http://${registry}/v2/debian/manifests/both`, {
    method: "PUT",
    headers: { "content-type": mediaType },
    body: JSON.stringify({ schemaVersion: 2, mediaType, manifests }),
  });
  if (!response.ok) {
    throw new Error(`Cannot push the index of both bases: ${await response.text()}`);
  }
  await response.body?.cancel();
  return `${registry}/debian:both`;
}

/** Copies the base image's layout to a directory that does not exist yet, and which the test may change. */
export async function copyBase(to: string): Promise<void> {
  if (await exists(to)) throw new Error(`"${to}" exists already`);
  await run(["cp", "-a", "--reflink=auto", await buildBase(), to]);
}

/** Where {@linkcode pushBase} puts the base image. */
export interface PushBaseOptions {
  /** Repository and tag. Default `debian:latest`. */
  readonly name?: string;
  /** `user:password`, for a registry that wants it. */
  readonly credentials?: string;
}

/**
 * Pushes the base image with skopeo.
 *
 * @param registry `host:port`, its certificate is not checked.
 * @returns the reference.
 */
export async function pushBase(registry: string, options: PushBaseOptions = {}): Promise<string> {
  const { name = "debian:latest", credentials } = options;
  const reference = `${registry}/${name}`;
  const login = credentials === undefined ? [] : ["--dest-creds", credentials];
  await copyToRegistry(await buildBase(), reference, login);
  return reference;
}
