/**
 * A real Debian base image, made on this machine: no registry is needed to get it. The text of this file is
 * part of the name under which the images are kept: what only tests need is in base_images.ts.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { exists, run } from "./command.ts";
import { cached, type KeptPart } from "./kept.ts";
import { OCI_ARCH } from "./paths.ts";

/** Where apt on this machine gets Debian (or Ubuntu) from. */
export interface AptSource {
  /** `bookworm` */
  readonly suite: string;
  /** Base address of the mirror. */
  readonly mirror: string;
}

function readTextFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** The mirrors of a `sources.list` or deb822 text that offer exactly this suite. */
function mirrorsOf(text: string, suite: string): string[] {
  const oneLine = [...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+.*\bmain\b/gm)]
    .filter((match) => match[2] === suite).map((match) => match[1] ?? "");
  const stanzas = text.split(/\n\s*\n/).filter((stanza) =>
    new RegExp(`^Suites:(?:.*\\s)?${suite}(?:\\s|$)`, "m").test(stanza)
  );
  const deb822 = stanzas.map((stanza) => /^URIs:\s*(\S+)/m.exec(stanza)?.[1] ?? "");
  return [...oneLine, ...deb822].filter((uri) => uri !== "");
}

/** `bookworm`; empty if this system has no such name. */
function suiteOfHost(): string {
  return /^VERSION_CODENAME=(\S+)/m.exec(readTextFile("/etc/os-release"))?.[1] ?? "";
}

/** Where apt on this machine gets its release from. @throws {Error} if its sources name no mirror. */
export function aptSource(): AptSource {
  const suite = suiteOfHost();
  if (suite === "") throw new Error('"/etc/os-release" names no VERSION_CODENAME');
  const directory = "/etc/apt/sources.list.d";
  const files = [...Deno.readDirSync(directory)].map((entry) => join(directory, entry.name)).sort();
  for (const file of ["/etc/apt/sources.list", ...files]) {
    const mirror = mirrorsOf(readTextFile(file), suite)[0];
    if (mirror !== undefined) return { suite, mirror };
  }
  throw new Error(`No source of "${suite}" in /etc/apt`);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex");
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** Puts a file into a layout under its digest; the file is gone afterwards. */
async function addFile(layout: string, path: string): Promise<Blob> {
  const hex = await sha256(path);
  const { size } = await Deno.stat(path);
  await Deno.rename(path, join(layout, "blobs/sha256", hex));
  return { digest: `sha256:${hex}`, size };
}

async function addJson(layout: string, value: unknown): Promise<Blob> {
  const path = join(layout, "blobs/json.tmp");
  await Deno.writeTextFile(path, JSON.stringify(value));
  return await addFile(layout, path);
}

/** The image config's `config` object of the base, as a careful base image has it. */
export const BASE_CONFIG = {
  Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "BASE_VARIABLE=kept"],
  Cmd: ["bash"],
  ExposedPorts: { "8080/tcp": {} },
  Volumes: { "/srv/data": {} },
  StopSignal: "SIGQUIT",
  Labels: { "org.example.base": "kept" },
} as const;

const TYPE = "application/vnd.oci.image";

/** Writes an image layout of one layer, by other code than the program's own: an independent reader's input. */
async function writeLayout(
  layout: string,
  { rootfs, architecture }: { readonly rootfs: string; readonly architecture: string },
): Promise<void> {
  await Deno.mkdir(join(layout, "blobs/sha256"), { recursive: true });
  const diffId = await sha256(rootfs);
  await run(["gzip", "-n", "-1", "-f", rootfs]);
  const layer = await addFile(layout, `${rootfs}.gz`);
  const created = "2026-01-01T00:00:00Z";
  const config = await addJson(layout, {
    created,
    architecture,
    os: "linux",
    config: BASE_CONFIG,
    rootfs: { type: "layers", diff_ids: [`sha256:${diffId}`] },
    history: [{ created, created_by: "mmdebstrap" }],
  });
  const manifest = await addJson(layout, {
    schemaVersion: 2,
    mediaType: `${TYPE}.manifest.v1+json`,
    config: { mediaType: `${TYPE}.config.v1+json`, ...config },
    layers: [{ mediaType: `${TYPE}.layer.v1.tar+gzip`, ...layer }],
  });
  await Deno.writeTextFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const entry = {
    mediaType: `${TYPE}.manifest.v1+json`,
    ...manifest,
    platform: { architecture, os: "linux" },
    annotations: { "org.opencontainers.image.ref.name": "latest" },
  };
  await Deno.writeTextFile(
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, mediaType: `${TYPE}.index.v1+json`, manifests: [entry] }),
  );
}

/** The base images as they are kept: of a release of Debian and a platform. */
export const BASE_PARTS: { readonly base: KeptPart; readonly arm64: KeptPart } = {
  base: { name: "base", sources: [import.meta.url], also: `${suiteOfHost()} ${OCI_ARCH}` },
  arm64: { name: "base-arm64", sources: [import.meta.url], also: suiteOfHost() },
};

/**
 * The directory of the base image's layout (tag `latest`): the release of Debian of this machine,
 * minimal, of this machine's platform, from the mirror that its apt uses. Made the first time (about
 * 20 seconds, as root), then cached. Nobody may change it.
 *
 * @throws {Error} if mmdebstrap or the mirror is missing.
 */
export async function buildBase(): Promise<string> {
  return await cached(BASE_PARTS.base, (layout) => bootstrap(layout, OCI_ARCH));
}

/** Debian's packages of an architecture, minimal, as the one layer of a layout. */
async function bootstrap(layout: string, architecture: string): Promise<void> {
  const { suite, mirror } = aptSource();
  const rootfs = join(layout, "rootfs.tar");
  const flags = ["--quiet", "--variant=minbase", `--arch=${architecture}`];
  await run(["mmdebstrap", ...flags, suite, rootfs, mirror], {
    env: { ...Deno.env.toObject(), SOURCE_DATE_EPOCH: "1767225600" },
  });
  await writeLayout(layout, { rootfs, architecture });
}

/**
 * Unpacks Debian's packages into a directory, those that they depend on and nothing else.
 * @param architecture as Debian calls it.
 */
export async function extractPackages(
  root: string,
  { architecture, packages }: {
    readonly architecture: string;
    readonly packages: readonly string[];
  },
): Promise<void> {
  const { suite, mirror } = aptSource();
  const include = `--include=${packages.join(",")}`;
  const flags = ["--quiet", "--variant=extract", `--arch=${architecture}`, include];
  await run(["mmdebstrap", ...flags, suite, root, mirror]);
}

/**
 * {@linkcode buildBase} for arm64 on a machine of another architecture, which runs its programs under
 * qemu: a minute or two the first time.
 */
export async function buildArm64Base(): Promise<string> {
  return await cached(BASE_PARTS.arm64, (layout) => bootstrap(layout, "arm64"));
}

/** The kernel's entry for arm64 programs; there while they can run here. */
export const ARM64_HANDLER = "/proc/sys/fs/binfmt_misc/qemu-aarch64";

/** Lets the kernel run arm64 programs under qemu. @throws {Error} if it cannot be had here. */
export async function enableArm64(): Promise<void> {
  if (await exists(ARM64_HANDLER)) return;
  const directory = "/proc/sys/fs/binfmt_misc";
  if (!await exists(join(directory, "status"))) {
    await run(["mount", "-t", "binfmt_misc", "binfmt_misc", directory]);
  }
  if (!await exists(ARM64_HANDLER)) await run(["update-binfmts", "--enable", "qemu-aarch64"]);
  if (!await exists(ARM64_HANDLER)) throw new Error("The kernel has no handler for arm64 programs");
}
