/**
 * The certificates of `[_.oci] ca`: read from the host, and added to those of the base.
 * @module
 */
import { dirname, join, resolve } from "@std/path";
import { concat, decodeBase64, encodeBase64 } from "../../bytes.ts";
import { describeError, MiseOciError } from "../../errors.ts";
import type { BaseFiles } from "../../layer/read/mod.ts";
import { CERTIFICATE_BUNDLES } from "../../oci/image_path.ts";
import {
  type BuildPlan,
  type CertificateBundle,
  type Owner,
  settleCertificates,
  type TrustStore,
} from "../../plan/mod.ts";
import type { Cache } from "../../store/mod.ts";
import type { TarEntry } from "../../tar/parser.ts";
import { baseContentKey } from "./base_facts.ts";
import type { BaseImage, BaseLayer } from "./base_image.ts";
import type { WorkflowContext } from "../../context.ts";

/** Imported on demand: warm builds find everything in the cache. */
const filesModule = () => import("./base_files.ts");
/** Imported on demand: hardly any image has both certificates and Java. */
const storeModule = () => import("./java_trust.ts");

const ROOT: Owner = { uid: 0, gid: 0 };

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** Far larger than any bundle. */
const MAX_BYTES = 16 << 20;

/**
 * The certificates in PEM files as one text, without any other content; `undefined` without files.
 *
 * @param paths absolute host paths.
 * @throws {MiseOciError} `not-found`, `secret` for a private key, `config` for a file without certificates.
 */
export async function readCertificates(
  paths: readonly string[] = [],
): Promise<string | undefined> {
  const found: string[] = [];
  for (const path of paths) {
    const text = await readPem(path);
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
      throw new MiseOciError(
        "secret",
        `Cannot use ca ${JSON.stringify(path)}: it has a private key`,
        {
          hint: "Name a file with certificates only",
        },
      );
    }
    const certificates = text.match(CERTIFICATE) ?? [];
    if (certificates.length === 0) {
      throw new MiseOciError(
        "config",
        `Cannot use ca ${JSON.stringify(path)}: it has no certificate in PEM form`,
        { hint: `Convert it: openssl x509 -inform der -in ${JSON.stringify(path)} -out ca.pem` },
      );
    }
    found.push(...certificates.map((one) => `${one.replaceAll("\r", "")}\n`));
  }
  return found.length === 0 ? undefined : [...new Set(found)].join("");
}

async function readPem(path: string): Promise<string> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_BYTES) throw new RangeError("it is too large");
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const missing = error instanceof Deno.errors.NotFound;
    const why = missing ? "no such file" : describeError(error);
    throw new MiseOciError(
      missing ? "not-found" : "io",
      `Cannot read ca ${JSON.stringify(path)} of [_.oci]: ${why}`,
      { hint: "A relative path starts at the file that names it" },
    );
  }
}

/** Options of {@linkcode addCertificates}. */
export interface CertificateOptions {
  /** The base with packages. */
  readonly ground: BaseImage;
  /** Contains its layers, and caches results. */
  readonly cache: Cache;
}

/** Paths of the trust store that distributions share between all Javas. */
const SHARED_STORES = ["etc/ssl/certs/java/cacerts", "etc/pki/ca-trust/extracted/java/cacerts"];
/** Paths of a Java's trust store or its link to a shared one, below its home: since JDK 9, and before. */
const OWN_STORES = ["lib/security/cacerts", "jre/lib/security/cacerts"];

/** The certificate bundles of a base, links resolved. */
function bundlePaths(files: BaseFiles): readonly string[] {
  const found = CERTIFICATE_BUNDLES.flatMap((path) => {
    const file = files.resolve(path);
    return file?.type === "file" ? [file.path] : [];
  });
  return [...new Set(found)];
}

/** The trust stores of a base's Javas, links resolved. */
function storePaths(files: BaseFiles): readonly string[] {
  const found = new Set(SHARED_STORES);
  for (const { path } of files.entries()) {
    if (OWN_STORES.some((end) => path.endsWith(`/${end}`))) found.add(path);
  }
  return [
    ...new Set([...found].flatMap((path) => {
      const file = files.resolve(path);
      return file?.type === "file" ? [file.path] : [];
    })),
  ];
}

/** Reads the contents of files in one layer. */
async function readContents(
  { ground, cache }: CertificateOptions,
  layer: BaseLayer,
  paths: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  let current: { readonly path: string; readonly chunks: Uint8Array[] } | undefined;
  const handler = {
    entry({ path, type, size }: TarEntry): boolean {
      const wanted = type === "file" && size <= MAX_BYTES && paths.has(path);
      current = wanted ? { path, chunks: [] } : undefined;
      return wanted;
    },
    data(chunk: Uint8Array): void {
      current?.chunks.push(chunk.slice());
    },
    end(): void {
      if (current !== undefined) contents.set(current.path, concat(current.chunks));
    },
  };
  const { readBaseLayer } = await filesModule();
  await readBaseLayer(ground, layer, { cache, handler });
  return contents;
}

/** The trusted certificates of a base. */
interface BaseTrust {
  /** Bundles in PEM. */
  readonly bundles: readonly CertificateBundle[];
  /** Java trust stores, their bytes in base64. */
  readonly stores: readonly CertificateBundle[];
}

const TRUST = "base-trust";

function isBundles(value: unknown): value is readonly CertificateBundle[] {
  return Array.isArray(value) &&
    value.every((one) => typeof one?.path === "string" && typeof one?.text === "string");
}

function isTrust(value: unknown): value is BaseTrust {
  const { bundles, stores } = (value ?? {}) as Partial<BaseTrust>;
  return isBundles(bundles) && isBundles(stores);
}

/** The trusted certificates of the base; cached, so that its layers are read only once. */
async function readTrust(
  options: CertificateOptions,
  context: WorkflowContext,
): Promise<BaseTrust> {
  const { ground, cache } = options;
  if (ground.layers.length === 0) return { bundles: [], stores: [] };
  const key = await baseContentKey(ground);
  const kept = await cache.getDocument(TRUST, key);
  if (isTrust(kept)) return kept;
  const { readBaseFiles } = await filesModule();
  const files = await readBaseFiles(ground, cache, context);
  const [bundles, stores] = [bundlePaths(files), storePaths(files)];
  const wanted = new Set([...bundles, ...stores]);
  const contents = new Map<string, Uint8Array>();
  // Later layers win.
  for (const layer of wanted.size === 0 ? [] : ground.layers) {
    context.signal.throwIfAborted();
    for (const [path, bytes] of await readContents(options, layer, wanted)) {
      contents.set(path, bytes);
    }
  }
  const bytesOf = (path: string): Uint8Array => contents.get(path) ?? new Uint8Array();
  const trust: BaseTrust = {
    bundles: bundles.map((path) => ({
      path: `/${path}`,
      text: new TextDecoder().decode(bytesOf(path)),
    })),
    stores: stores.map((path) => ({ path: `/${path}`, text: encodeBase64(bytesOf(path)) })),
  };
  await cache.putDocument(TRUST, key, trust);
  return trust;
}

/** A trust store of a tool. */
interface ToolStore {
  /** Absolute image path. */
  readonly path: string;
  readonly owner: Owner;
  /** `undefined` for a link to a host path that may not exist in the image. */
  readonly bytes?: Uint8Array;
}

function maybeToolStore(
  { hostPath, imagePath }: { readonly hostPath: string; readonly imagePath: string },
  { place, owner }: { readonly place: string; readonly owner: Owner },
): ToolStore | undefined {
  try {
    const root = Deno.realPathSync(hostPath);
    const { isSymlink } = Deno.lstatSync(join(root, place));
    const target = isSymlink ? Deno.readLinkSync(join(root, place)) : "";
    const real = resolve(dirname(join(root, place)), target);
    // A link to the store shared by all Javas of the host; if the image has one, it is at the same path.
    if (isSymlink && !real.startsWith(`${root}/`)) return { path: real, owner: ROOT };
    const path = isSymlink ? real.slice(root.length + 1) : place;
    return { path: `${imagePath}/${path}`, owner, bytes: Deno.readFileSync(join(root, path)) };
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    // Most tools are not a Java; one that is not installed is reused from a registry unchanged.
    return undefined;
  }
}

function toolStores({ layers }: BuildPlan): readonly ToolStore[] {
  return layers.flatMap(({ kind, owner, sources }) =>
    kind !== "tool"
      ? []
      : sources.flatMap((source) =>
        source.type !== "tree"
          ? []
          : OWN_STORES.flatMap((place) => maybeToolStore(source, { place, owner }) ?? [])
      )
  );
}

/** Java's trust stores in the image, with the certificates added. */
async function extendStores(
  plan: BuildPlan,
  { certificates, trust }: { readonly certificates: string; readonly trust: BaseTrust },
  context: WorkflowContext,
): Promise<readonly TrustStore[]> {
  const found = new Map<string, ToolStore>(
    trust.stores.map(({ path, text }) => [path, { path, owner: ROOT, bytes: decodeBase64(text) }]),
  );
  for (const store of toolStores(plan)) {
    if (!found.has(store.path)) found.set(store.path, store);
  }
  if (found.size === 0) return [];
  const { encodeTrustStore, parseTrustStore, pemCertificates, withoutDuplicates } =
    await storeModule();
  const own = pemCertificates(certificates, "mise-oci");
  const stores: TrustStore[] = [];
  for (const { path, owner, bytes } of found.values()) {
    try {
      const before = bytes === undefined
        ? pemCertificates(trust.bundles[0]?.text ?? "", "base")
        : parseTrustStore(bytes);
      const all = withoutDuplicates([...before, ...own]);
      stores.push({ path, owner, base64: encodeBase64(await encodeTrustStore(all)) });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.reporter.emit({
        type: "warning",
        text: `Java's trust store ${JSON.stringify(path)} stays without the certificates of ca: ` +
          `${error.message}. Import them with keytool, and copy the store with [[oci.copy]]`,
      });
    }
  }
  return stores;
}

/** Adds the plan's certificates, if any, to the base's bundles and to Java's trust stores. */
export async function addCertificates(
  plan: BuildPlan,
  options: CertificateOptions,
  context: WorkflowContext,
): Promise<BuildPlan> {
  const source = plan.layers.find(({ kind }) => kind === "certificates")?.sources[0];
  if (source?.type !== "content") return plan;
  const certificates = source.content;
  const trust = await readTrust(options, context);
  const stores = await extendStores(plan, { certificates, trust }, context);
  return settleCertificates(plan, certificates, { bundles: trust.bundles, stores });
}
