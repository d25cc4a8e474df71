/**
 * Hints for commands and flags of docker, podman, crane, skopeo and mise that mise-oci does not have.
 * @module
 */
import type { UnknownFlag } from "../command.ts";

/** One hint for several words. */
type Answers = readonly (readonly [words: string, answer: string])[];

function lookUp(answers: Answers): ReadonlyMap<string, string> {
  return new Map(
    answers.flatMap(([words, answer]) => words.split(" ").map((word) => [word, answer] as const)),
  );
}

const COMMANDS = lookUp([
  [
    "login logout",
    "Log in with docker login, podman login or skopeo login: mise-oci uses what they store",
  ],
  [
    "images image",
    "mise-oci inspect shows the image in ./mise-oci; images of an engine: docker images or podman images",
  ],
  [
    "ps exec logs stop start kill rm rmi attach container",
    "Containers are the engine's: use docker or podman",
  ],
  [
    "pull",
    "mise-oci load --image REF puts an image of a registry into podman or docker; inspect, check and diff need no pull",
  ],
  [
    "save",
    "mise-oci build --output-archive FILE writes an archive; --format docker-archive is docker's",
  ],
  ["import", "mise-oci load --image oci-archive:FILE, or docker-archive:FILE"],
  ["history", "mise-oci inspect -v IMAGE shows the history"],
  ["digest", "mise-oci inspect -q IMAGE prints the digest"],
  ["manifest", "mise-oci inspect --raw IMAGE prints the manifest"],
  ["config", "mise-oci inspect --config IMAGE prints the image config"],
  ["cp", "mise-oci copy IMAGE REF copies an image; build --copy HOST:IMAGE puts files into one"],
  ["validate", "mise-oci check IMAGE checks whether the commands of an image start"],
  ["buildx buildah bake", "Write mise-oci build"],
  ["prune", "mise-oci cache prune removes what builds left behind"],
  ["system", "mise-oci cache df shows what is stored, mise-oci cache prune removes it"],
  ["install use ls up upgrade", "Tools are mise's: use mise itself, or mise-oci build --install"],
]);

const CACHE_COMMANDS = lookUp([
  ["clean clear rm remove purge gc", "Write mise-oci cache prune"],
  ["list", "Write mise-oci cache ls"],
  ["du size usage", "Write mise-oci cache df"],
  ["dir directory", "Write mise-oci cache path"],
]);

const TAG_COMMANDS = lookUp([
  ["list", "Write mise-oci tag ls"],
  ["remove delete del", "Write mise-oci tag rm"],
  [
    "add create",
    "Name the image when it is built (mise-oci build -t NAME), or copy it to another tag: mise-oci copy IMAGE REF",
  ],
]);

const LOGIN =
  "Log in with docker login, podman login or skopeo login: mise-oci uses what they store";

const FLAGS = lookUp([
  [
    "file f",
    "The project is its mise.toml: choose its directory with -C DIR, or its environment with -E NAME",
  ],
  ["build-arg", "Set a variable of the image with --env NAME=VALUE, or under [env] in mise.toml"],
  ["target", "There are no stages: choose an environment of mise with -E NAME (mise.NAME.toml)"],
  ["no-cache-filter", "Write --no-cache, which rebuilds every layer"],
  [
    "cache-from cache-to",
    "Layers are cached on this machine, and push reuses those of the registry: mise-oci push --cache-from REF REF",
  ],
  [
    "secret ssh",
    "A build runs no command that could need it; pass a secret when the container runs: mise-oci run -e NAME",
  ],
  [
    "add-host network memory m memory-swap shm-size ulimit cpu-shares cpu-period cpu-quota cpuset-cpus " +
    "cpuset-mems cgroup-parent isolation security-opt allow",
    "Leave it out: a build starts no container of yours",
  ],
  ["build-context", "Add files with --copy HOST:IMAGE, and choose a base with --from"],
  ["builder", "Leave it out: mise-oci uses no builder"],
  [
    "compress",
    "Leave it out: nothing is sent to a daemon; layers are compressed with --compression",
  ],
  ["attest", "Write mise-oci push --sbom --provenance, which attaches them in the registry"],
  ["check call", "Write --dry-run to see what would be built"],
  ["publish p", "Ports are published when a container runs: mise-oci run -p PORT"],
  ["all a", "Leave it out: all platforms of an image are taken, unless --platform chooses one"],
  ["squash rm force-rm", "Leave it out: there is one layer per tool, and nothing to remove"],
  ["expose", "Set expose under [_.oci] in mise.toml"],
  ["volume v", "Set volumes under [_.oci] in mise.toml; to mount one, mise-oci run --volume"],
  ["stop-signal", "Set stop_signal under [_.oci] in mise.toml"],
  ["health-cmd healthcheck", "Set healthcheck under [_.oci] in mise.toml"],
  ["all-tags", "Name each reference: mise-oci push REF REF"],
  [
    "insecure tls-verify src-tls-verify dest-tls-verify plain-http allow-insecure",
    "Name the host in mise's setting oci.insecure_registries",
  ],
  ["creds src-creds dest-creds authfile username password registry-config", LOGIN],
  ["input i", "Write --image oci-archive:FILE, or --image docker-archive:FILE"],
  ["format", "Write --json, and choose fields with jq"],
  ["filter", "Write --json, and filter with jq"],
  ["silent", "Write --quiet"],
]);

/** The hint for an unknown command. */
export function maybeCommandHint(path: readonly string[], word: string): string | undefined {
  if (path.length === 0) return COMMANDS.get(word);
  if (path[0] === "cache") return CACHE_COMMANDS.get(word);
  if (path[0] !== "tag") return undefined;
  // As in `docker tag IMAGE NEW`.
  return TAG_COMMANDS.get(word) ?? TAG_COMMANDS.get("add");
}

/** The hint for an unknown flag. */
export function maybeFlagHint({ written }: Pick<UnknownFlag, "written">): string | undefined {
  return FLAGS.get(written.replace(/^--?/, ""));
}

/** The hint for an unexpected argument. */
export function maybeArgumentHint(path: readonly string[], word: string): string | undefined {
  switch (path.join(" ")) {
    case "build":
      if (word === ".") return "Leave it out: the project is that of the working directory";
      return !word.includes(":")
        ? `Write -C ${word} if it is the directory of the project`
        : `Write -t ${word} if it is the name of the image`;
    case "load":
      return `Write --image ${word}`;
    default:
      return undefined;
  }
}
