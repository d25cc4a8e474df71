/**
 * The base images as tests use them: copied, or pushed to a registry.
 * @module
 */
import { join } from "@std/path";
import { buildArm64Base, buildBase } from "./base.ts";
import { exists, run } from "./command.ts";

const TYPE = "application/vnd.oci.image";

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
    const flags = ["--quiet", "--insecure-policy", "--dest-tls-verify=false"];
    await run([
      "skopeo",
      "copy",
      ...flags,
      `oci:${await layout()}:latest`,
      `docker://${reference}`,
    ]);
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
  await run([
    "skopeo",
    "copy",
    "--quiet",
    "--insecure-policy",
    "--dest-tls-verify=false",
    ...login,
    `oci:${await buildBase()}:latest`,
    `docker://${reference}`,
  ]);
  return reference;
}
