/**
 * A Debian container in which mise installs a project's tools and mise-oci builds its image, as
 * docs/containers.md says.
 * @module
 */
import { dirname, join } from "@std/path";
import {
  exists,
  fetchMise,
  MISE_VERSION,
  type MiseProject,
  type Podman,
  REPOSITORY,
  run,
} from "./testbed.ts";
import { cached } from "./testbed/kept.ts";

/** Unpacks a package of the npm registry; no install script runs. */
async function unpackPackage(into: string, name: string): Promise<void> {
  const packed = await run(["npm", "pack", "--silent", "--pack-destination", into, name]);
  const archive = join(into, packed.stdout.trim().split("\n").at(-1) ?? "");
  await run(["tar", "-xzf", archive, "-C", into, "--strip-components=1", "--no-same-owner"]);
  await Deno.remove(archive);
}

/**
 * Absolute path of Deno for arm64: of this version, or the newest before it that the registry has.
 *
 * @throws {Error} if the registry has none.
 */
export async function fetchArm64Deno(): Promise<string> {
  const { deno } = Deno.version;
  const directory = await cached({ name: `deno-${deno}-arm64` }, async (into) => {
    await unpackPackage(into, `@deno/linux-arm64-glibc@<=${deno}`);
    await Deno.chmod(join(into, "deno"), 0o755);
  });
  return join(directory, "deno");
}

/** Where an executable of the container is on this machine, and what it needs there. */
export interface Mounts {
  /** `HOST:CONTAINER` of each, to be read only. */
  readonly volumes: readonly string[];
  /** Variables. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * mise for arm64. Where the registry lacks it, this machine's own: its kernel runs amd64 programs in a
 * container of arm64 too, if the container has their libraries, and `MISE_ARCH` says what to install.
 */
export async function arm64Mise(): Promise<Mounts> {
  const name = `mise-${MISE_VERSION}-arm64`;
  const directory = await cached({ name }, async (into) => {
    try {
      await unpackPackage(into, `@jdxcode/mise-linux-arm64@${MISE_VERSION}`);
      await Deno.chmod(join(into, "bin/mise"), 0o755);
    } catch {
      await Deno.writeTextFile(join(into, "missing"), "");
    }
  });
  if (!await exists(join(directory, "missing"))) {
    return { volumes: [`${directory}/bin/mise:/usr/local/bin/mise`], env: {} };
  }
  const libraries = ["/lib64", "/usr/lib/x86_64-linux-gnu"].map((path) => `${path}:${path}`);
  const mise = `${await fetchMise()}:/usr/local/bin/mise`;
  return { volumes: [mise, ...libraries], env: { MISE_ARCH: "arm64" } };
}

/** mise of this machine's platform. */
export async function ownMise(): Promise<Mounts> {
  return { volumes: [`${await fetchMise()}:/usr/local/bin/mise`], env: {} };
}

/** Certificates of this machine, for an npm registry behind a proxy of its own. */
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** Options of {@linkcode buildInContainer}. */
export interface ContainerBuild {
  /** The image that the container is of, from a registry on this machine. */
  readonly image: string;
  /** `linux/arm64` */
  readonly platform: string;
  /** A project; the container has a copy. */
  readonly project: MiseProject;
  /** Host directory that the container writes to, as `/out`. */
  readonly output: string;
  /** mise, and what runs mise-oci. */
  readonly mounts: readonly Mounts[];
  /** The command line of mise-oci and its arguments. */
  readonly command: readonly string[];
}

const SCRIPT = `set -eu
export HOME=/tmp/home
mkdir -p $HOME/.config/mise
printf '[settings]\\nnpm.package_manager = "npm"\\nminimum_release_age = "0s"\\n' \\
  > $HOME/.config/mise/config.toml
cp -r /project /tmp/work
cd /tmp/work
mise trust --all --quiet
mise install --yes --quiet
exec "$@"
`;

/** Installs the project's tools in a container and builds; its stdout. @throws {Error} if it fails. */
export async function buildInContainer(podman: Podman, build: ContainerBuild): Promise<string> {
  const { image, platform, project, output, mounts, command } = build;
  await Deno.mkdir(output, { recursive: true });
  const readOnly = [`${project.directory}:/project`, ...mounts.flatMap(({ volumes }) => volumes)];
  if (await exists(CERTIFICATES)) {
    readOnly.push(`${dirname(CERTIFICATES)}:${dirname(CERTIFICATES)}`);
  }
  const env = {
    SOURCE_DATE_EPOCH: "1700000000",
    MISE_OCI_CACHE_DIR: "/out/cache",
    NODE_EXTRA_CA_CERTS: CERTIFICATES,
    SSL_CERT_FILE: CERTIFICATES,
    ...Object.assign({}, ...mounts.map(({ env }) => env)),
  };
  const flags = [
    ...readOnly.flatMap((volume) => ["--volume", `${volume}:ro`]),
    ...["--volume", `${output}:/out`],
    ...Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
  ];
  const start = ["run", "--rm", "--network=host", "--tls-verify=false", `--platform=${platform}`];
  return (await podman.run([...start, ...flags, image, "sh", "-c", SCRIPT, "sh", ...command]))
    .stdout;
}

/** Deno for arm64 with what the program imports, and the command line of the program. */
export async function arm64Program(
  denoDirectory: string,
): Promise<{ readonly mounts: Mounts; readonly command: readonly string[] }> {
  // Only npm's packages: the other parts of Deno's cache are of one machine.
  const own = Deno.env.get("DENO_DIR") ??
    join(Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "", ".cache"), "deno");
  await Deno.mkdir(denoDirectory, { recursive: true });
  await run(["cp", "-a", "--reflink=auto", join(own, "npm"), denoDirectory]);
  const volumes = [`${await fetchArm64Deno()}:/usr/local/bin/deno`, `${REPOSITORY}:/repository`];
  const flags = ["--quiet", "--frozen", "-P", "--config", "/repository/deno.json"];
  return {
    mounts: { volumes, env: { DENO_DIR: "/out/deno" } },
    command: ["deno", "run", ...flags, "/repository/main.ts"],
  };
}
