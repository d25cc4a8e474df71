/**
 * Flags of `run` that docker and podman have too, and hints for their other flags.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { UnknownFlag } from "../command.ts";
import {
  type FlagTable,
  type FlagValues,
  inGroup,
  listFlag,
  type Place,
  switchFlag,
  valueFlag,
} from "../flag.ts";
import { parseName, parsePath } from "../values/numbers.ts";

/** A comma-separated mount. docker accepts only absolute sources, so relative ones are resolved. */
function parseMount(text: string, place: Place): string {
  const fields = text.split(",");
  const bind = fields.includes("type=bind");
  if (!bind || text.includes('"')) return parseName(text);
  return fields.map((field) => {
    const source = /^(source|src)=(.+)$/.exec(field);
    return source === null ? field : `${source[1]}=${place.resolve(source[2] ?? "")}`;
  }).join(",");
}

function parseContainerName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text)) return text;
  throw new MiseOciError("usage", `Cannot name a container ${JSON.stringify(text)}`, {
    hint: "Use letters, digits, _, . and -, the first a letter or digit",
  });
}

/** The most common flags of `docker run`. */
export const CONTAINER_FLAGS = inGroup("Run flags", {
  publish: listFlag({
    short: "p",
    valueName: "[HOST:]PORT",
    help: "Publish a port of the container (HOST:PORT, IP:HOST:PORT, PORT; /udp at its end)",
    parse: parseName,
  }),
  network: valueFlag({
    valueName: "NETWORK",
    help: "Network of the container, such as none or host",
    parse: parseName,
  }),
  user: valueFlag({
    short: "u",
    valueName: "USER[:GROUP]",
    help: "User that runs the command: a user of the image, or an id",
    parse: parseName,
  }),
  name: valueFlag({
    valueName: "NAME",
    help: "Name of the container",
    parse: parseContainerName,
  }),
  entrypoint: valueFlag({
    valueName: "COMMAND",
    help: "Run this instead of the image's entrypoint; empty for none",
    parse: (text) => text,
  }),
  "env-file": listFlag({
    valueName: "FILE",
    completes: "file",
    help: "Set variables in the container from a file of NAME=VALUE lines",
    parse: parsePath,
  }),
  mount: listFlag({
    valueName: "MOUNT",
    help: "Mount something, such as type=bind,source=.,target=/work",
    parse: parseMount,
  }),
  rm: switchFlag({ help: "Remove the container afterwards; always on" }),
}) satisfies FlagTable;

/**
 * Converts the flags to arguments of the engine's `run`.
 *
 * @throws {MiseOciError} `usage` for `--rm=false`.
 */
export function containerArgs(
  flags: FlagValues<Omit<typeof CONTAINER_FLAGS, "name">>,
  given: ReadonlySet<string>,
): readonly string[] {
  if (given.has("rm") && !flags.rm) {
    throw new MiseOciError("usage", "Cannot keep the container of a run", {
      hint: "Load the image (mise-oci load) and start it with the engine's own run",
    });
  }
  const { network, user, entrypoint } = flags;
  return [
    ...flags.publish.map((value) => `--publish=${value}`),
    ...(network === undefined ? [] : [`--network=${network}`]),
    ...(user === undefined ? [] : [`--user=${user}`]),
    ...(entrypoint === undefined ? [] : [`--entrypoint=${entrypoint}`]),
    ...flags["env-file"].map((value) => `--env-file=${value}`),
    ...flags.mount.map((value) => `--mount=${value}`),
  ];
}

/** Whether a text looks like a value of docker's `-v`. */
export function isVolume(text: string | undefined): text is string {
  return text !== undefined && /^=?[^:\s]*:\//.test(text);
}

/** The hint for `-v HOST:CONTAINER`. */
export function volumeHint(text: string): string {
  return `-v is --verbose here; write --volume ${text.replace(/^=/, "")}`;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** Flags of `docker run` and `podman run` that take no value. */
const SWITCHES = words(
  "disable-content-trust init no-healthcheck no-hosts oom-kill-disable privileged publish-all " +
    "read-only read-only-tmpfs replace rmi sig-proxy tls-verify unsetenv-all use-api-socket",
);
/** Flags of `docker run` and `podman run` that take a value. */
const VALUES = words(
  "add-host annotation attach authfile blkio-weight blkio-weight-device cap-add cap-drop " +
    "cgroup-conf cgroup-parent cgroupns cgroups cidfile conmon-pidfile cpu-count cpu-percent cpu-period " +
    "cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems decryption-key " +
    "detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps " +
    "device-write-iops dns dns-opt dns-option dns-search domainname env-host env-merge expose gidmap " +
    "gpus group-add group-entry health-cmd health-interval health-retries health-start-period " +
    "health-timeout hostname hostuser http-proxy image-volume ip ip6 ipc isolation label label-file link " +
    "link-local-ip log-driver log-opt mac-address memory memory-reservation memory-swap " +
    "memory-swappiness net net-alias network-alias oom-score-adj passwd passwd-entry pid pidfile " +
    "pids-limit pod pod-id-file requires restart runtime sdnotify seccomp-policy secret security-opt " +
    "shm-size stop-signal stop-timeout storage-opt subgidname subuidname sysctl systemd timeout tmpfs " +
    "tz uidmap ulimit umask unsetenv userns uts variant volume-driver volumes-from",
);
/** Their short names. */
const LETTERS: Readonly<Record<string, string>> = {
  P: "publish-all",
  a: "attach",
  c: "cpu-shares",
  d: "detach",
  l: "label",
  m: "memory",
};

/** The hint for a flag of the engine that `run` does not support. */
export function maybeEngineFlagHint(flag: UnknownFlag): string | undefined {
  const { written, within, value, next } = flag;
  const volume = within.slice(within.indexOf("v") + 1);
  if (/^-[a-z]*v/.test(within) && isVolume(volume)) return volumeHint(volume);
  const name = written.startsWith("--") ? written.slice(2) : LETTERS[written.slice(1)] ?? "";
  if (name === "detach") {
    return "A run ends with its command; to leave one in the background, mise-oci load the image " +
      "and start it with the engine's own run -d";
  }
  if (SWITCHES.has(name)) {
    return `Give it to the engine: --engine-arg=--${name}${value === undefined ? "" : `=${value}`}`;
  }
  if (!VALUES.has(name)) return undefined;
  const argument = value?.replace(/^=/, "") ?? next ?? "VALUE";
  return `Give it to the engine: --engine-arg=--${name}=${argument}`;
}
