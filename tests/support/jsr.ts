/**
 * A JSR registry on a loopback port: `deno publish` uploads to it and Deno fetches `jsr:` from it, both
 * as they do with the real one (`JSR_URL`).
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { exists, makeTempDir, run } from "./testbed/command.ts";
import { REPOSITORY } from "./testbed/paths.ts";

/** A registry that runs until it is disposed of. */
export interface JsrRegistry extends AsyncDisposable {
  /** What Deno needs to know of it: `JSR_URL`, and a `DENO_DIR` that nothing else fills. */
  readonly env: Readonly<Record<string, string>>;
}

/** One version of one package. */
interface Package {
  readonly version: string;
  readonly exports: unknown;
  /** Contents by path, which begins with a slash. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** The version that the modules of `vendor/std` name. */
const MIRROR_VERSION = "1.4.0";

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** The files below a directory. */
async function readTree(
  directory: string,
  path = "",
): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for await (const { name, isDirectory } of Deno.readDir(join(directory, path))) {
    const inner = `${path}/${name}`;
    if (!isDirectory) files.set(inner, await Deno.readFile(join(directory, inner)));
    else for (const [key, bytes] of await readTree(directory, inner)) files.set(key, bytes);
  }
  return files;
}

function makePackage(files: Package["files"]): Package {
  const { version, exports } = JSON.parse(text(files.get("/deno.json")));
  return { version, exports: typeof exports === "string" ? { ".": exports } : exports, files };
}

/**
 * A package of the standard library. What JSR has is served from the npm mirror of the same code, so that
 * what runs here is what runs for users of JSR; `vendor/std` has code of its own. Of what the mirror lacks
 * the stand-in is served.
 */
async function stdPackage(name: string, mirror: string): Promise<Package> {
  const standIn = makePackage(await readTree(join(REPOSITORY, "vendor/std", name)));
  if (name === "cli") return standIn; // its width of texts is not in the mirror
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  // Modules of one package import another's `internal` by a relative path.
  for (const directory of [name, "internal", "bytes", "collections"]) {
    for (const [path, bytes] of await readTree(join(mirror, directory))) {
      files.set(`/${directory}${path}`, bytes);
    }
  }
  const places = Object.keys(standIn.exports as object).map((key) => {
    const path = key === "."
      ? "mod"
      : key === "./posix"
      ? "posix/mod"
      : key.slice(2).replaceAll("-", "_");
    return [key, `./${name}/${path}.js`];
  });
  return { version: standIn.version, exports: Object.fromEntries(places), files };
}

/** Where Deno keeps what it fetched from npm. */
async function npmCacheDirectory(): Promise<string> {
  const { stdout } = await run([Deno.execPath(), "info", "--json"]);
  return JSON.parse(stdout).npmCache;
}

/** The npm mirror of the standard library, which this module graph needs and therefore is there. */
async function findMirror(npmCache: string): Promise<string> {
  for await (const { name } of Deno.readDir(npmCache)) {
    const path = join(npmCache, name, "deno-std", MIRROR_VERSION);
    if (await exists(path)) return path;
  }
  throw new Error(`No deno-std@${MIRROR_VERSION} below ${npmCache}`);
}

/** What a gzipped tar archive holds, as `tar` unpacks it. */
async function unpack(archive: Uint8Array): Promise<Package> {
  await using temp = await makeTempDir();
  const file = join(temp.path, "package.tar.gz");
  const directory = join(temp.path, "package");
  await Deno.mkdir(directory);
  await Deno.writeFile(file, archive);
  await run(["tar", "-xzf", file, "-C", directory]);
  return makePackage(await readTree(directory));
}

/** The manifest of a version, with the checksums that Deno compares. */
function versionMeta({ exports, files }: Package): unknown {
  const manifest = [...files].map(([path, bytes]) => {
    const checksum = `sha256-${createHash("sha256").update(bytes).digest("hex")}`;
    return [path, { size: bytes.length, checksum }];
  });
  return { exports, manifest: Object.fromEntries(manifest) };
}

/** Answers what Deno asks of a package: its versions, the manifest of one, a file. */
function fetchFile(packages: ReadonlyMap<string, Package>, path: string): Response | undefined {
  const [, name = "", rest = ""] = /^\/(@[^/]+\/[^/]+)\/(.+)$/.exec(path) ?? [];
  const found = packages.get(name);
  if (found === undefined) return undefined;
  const { version } = found;
  if (rest === "meta.json") return Response.json({ latest: version, versions: { [version]: {} } });
  if (rest === `${version}_meta.json`) return Response.json(versionMeta(found));
  const file = rest.startsWith(`${version}/`) ? rest.slice(version.length) : "";
  const bytes = found.files.get(file);
  return bytes && new Response(bytes, { headers: { "content-type": contentType(file) } });
}

function contentType(path: string): string {
  if (path.endsWith(".ts")) return "text/typescript";
  return path.endsWith(".js") ? "text/javascript" : "application/json";
}

/** Makes a `DENO_DIR` that shares only what came from npm with the one of this machine. */
async function makeDenoDirectory(path: string, npmCache: string): Promise<void> {
  await Deno.mkdir(npmCache, { recursive: true });
  await Deno.mkdir(path);
  await Deno.symlink(npmCache, join(path, "npm"));
}

/** Uploads this package as a release does, from the files as they are. */
async function publishThis(env: Readonly<Record<string, string>>): Promise<void> {
  const flags = ["--quiet", "--frozen", "--no-check", "--allow-dirty", "--no-provenance"];
  await run([Deno.execPath(), "publish", "--token", "none", ...flags], {
    cwd: REPOSITORY,
    env: { ...Deno.env.toObject(), ...env },
  });
}

/** Starts a registry that has this package, and the `@std` packages that it uses. */
export async function startJsr(): Promise<JsrRegistry> {
  await using stack = new AsyncDisposableStack();
  const temp = stack.use(await makeTempDir());
  const packages = new Map<string, Package>();
  const npmCache = await npmCacheDirectory();
  const mirror = await findMirror(npmCache);
  for await (const { name } of Deno.readDir(join(REPOSITORY, "vendor/std"))) {
    packages.set(`@std/${name}`, await stdPackage(name, mirror));
  }
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const [, scope, name] = /^\/api\/scopes\/([^/]+)\/packages\/([^/]+)/.exec(pathname) ?? [];
    if (request.method === "POST" && scope !== undefined) {
      packages.set(`@${scope}/${name}`, await unpack(await request.bytes()));
      return Response.json({ id: "1", status: "success", error: null });
    }
    if (pathname === `/api/scopes/${scope}/packages/${name}`) return Response.json({});
    return fetchFile(packages, pathname) ?? Response.json({ code: "notFound" }, { status: 404 });
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  stack.defer(() => server.shutdown());
  const JSR_URL = `http://127.0.0.1:${server.addr.port}/`;
  await publishThis({ JSR_URL });
  const DENO_DIR = join(temp.path, "deno");
  await makeDenoDirectory(DENO_DIR, npmCache);
  const parts = stack.move();
  return {
    env: { JSR_URL, DENO_DIR },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
