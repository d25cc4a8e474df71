/**
 * The certificates of `[_.oci] ca`: read from the host, and added to what the base has.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import type { BaseFiles } from "../layer/read/mod.ts";
import { CERTIFICATE_BUNDLES } from "../oci/image_path.ts";
import { type BuildPlan, type CertificateBundle, settleCertificates } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { TarEntry } from "../tar/parser.ts";
import { baseContentKey } from "./base_facts.ts";
import type { BaseImage, BaseLayer } from "./base_image.ts";
import type { WorkflowContext } from "../context.ts";

/** What the layers of a base hold. */
const filesModule = () => import("./base_files.ts");

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
/** Far more than any bundle has. */
const MAX_BYTES = 16 << 20;

/**
 * The certificates of PEM files as one text, without any other content; `undefined` for no files.
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

/** What reading the base needs. */
export interface CertificateOptions {
  /** What is below the new layers: base and packages. */
  readonly ground: BaseImage;
  /** Where its layers are, and where answers are kept. */
  readonly cache: Cache;
}

/** The bundles that a base has, links resolved. */
function bundlePaths(files: BaseFiles): readonly string[] {
  const found = CERTIFICATE_BUNDLES.flatMap((path) => {
    const file = files.resolve(path);
    return file?.type === "file" ? [file.path] : [];
  });
  return [...new Set(found)];
}

/** The texts of files of one layer. */
async function readTexts(
  { ground, cache }: CertificateOptions,
  layer: BaseLayer,
  paths: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  let current: { readonly path: string; readonly decoder: TextDecoder; text: string } | undefined;
  const handler = {
    entry({ path, type, size }: TarEntry): boolean {
      const wanted = type === "file" && size <= MAX_BYTES && paths.has(path);
      current = wanted ? { path, decoder: new TextDecoder(), text: "" } : undefined;
      return wanted;
    },
    data(chunk: Uint8Array): void {
      if (current !== undefined) current.text += current.decoder.decode(chunk, { stream: true });
    },
    end(): void {
      if (current !== undefined) texts.set(current.path, current.text);
    },
  };
  const { readBaseLayer } = await filesModule();
  await readBaseLayer(ground, layer, { cache, handler });
  return texts;
}

const BUNDLES = "base-certificates";

function isBundles(value: unknown): value is readonly CertificateBundle[] {
  return Array.isArray(value) &&
    value.every((one) => typeof one?.path === "string" && typeof one?.text === "string");
}

/** The base's bundles; they are read once and then cached. */
async function readBundles(
  options: CertificateOptions,
  context: WorkflowContext,
): Promise<readonly CertificateBundle[]> {
  const { ground, cache } = options;
  if (ground.layers.length === 0) return [];
  const key = await baseContentKey(ground);
  const kept = await cache.getDocument(BUNDLES, key);
  if (isBundles(kept)) return kept;
  const { readBaseFiles } = await filesModule();
  const paths = bundlePaths(await readBaseFiles(ground, cache, context));
  const texts = new Map<string, string>();
  // Later layers win.
  for (const layer of paths.length === 0 ? [] : ground.layers) {
    context.signal.throwIfAborted();
    for (const [path, text] of await readTexts(options, layer, new Set(paths))) {
      texts.set(path, text);
    }
  }
  const bundles = paths.map((path) => ({ path: `/${path}`, text: texts.get(path) ?? "" }));
  await cache.putDocument(BUNDLES, key, bundles);
  return bundles;
}

/** The plan, with its certificates (if any) added to the bundles of the base. */
export async function addCertificates(
  plan: BuildPlan,
  options: CertificateOptions,
  context: WorkflowContext,
): Promise<BuildPlan> {
  const source = plan.layers.find(({ kind }) => kind === "certificates")?.sources[0];
  if (source?.type !== "content") return plan;
  return settleCertificates(plan, source.content, await readBundles(options, context));
}
