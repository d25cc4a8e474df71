/**
 * The keys of `[oci]` and their values (spec: mise.toml).
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { parseCompression, parseImageName } from "../../oci/mod.ts";
import { parseMountPoint } from "../../oci/image_path.ts";
import type { OciSection } from "../../plan/project.ts";
import { nearest } from "../../suggest.ts";
import { describePlace, type TomlTable } from "../config_file.ts";
import {
  copies,
  count,
  type FieldPlace,
  flag,
  from,
  globs,
  healthcheck,
  hostPath,
  id,
  keyFile,
  parsed,
  ports,
  sbomFormat,
  stopSignal,
  store,
  stringMap,
  texts,
  user,
  verifyRules,
  volumePaths,
  workdir,
} from "./oci_values.ts";

/** The keys set by one file. */
export type OciTable = Partial<OciSection>;

/** A key of `[oci]`. */
interface Field {
  /** An example value, for hints. */
  readonly example: string;
  /** Parses the value. @throws {MiseOciError} `config`. */
  readonly read: (value: unknown, place: FieldPlace) => OciTable;
}

/** Keys of `[oci]` that mise supports too. */
const FIELDS: Readonly<Record<string, Field>> = {
  from: {
    example: '"debian:bookworm-slim"',
    read: (value, place) => ({ from: from(value, place) }),
  },
  tag: {
    example: '"example.com/team/app:v1"',
    read: (value, place) => ({ tag: parsed(value, place, parseImageName) }),
  },
  workdir: {
    example: '"/workspace"',
    read: (value, place) => ({ workdir: workdir(value, place) }),
  },
  entrypoint: {
    example: '["/usr/bin/tini", "--"]',
    read: (value, place) => ({ entrypoint: texts(value, place) }),
  },
  cmd: {
    example: '["node", "server.js"]',
    read: (value, place) => ({ cmd: texts(value, place) }),
  },
  user: {
    example: '"1000:1000"',
    read: (value, place) => ({ user: user(value, place) }),
  },
  user_id: { example: "1000", read: (value, place) => ({ userId: id(value, place) }) },
  group_id: { example: "1000", read: (value, place) => ({ groupId: id(value, place) }) },
  mount_point: {
    example: '"/mise"',
    read: (value, place) => ({ mountPoint: parsed(value, place, parseMountPoint) }),
  },
  copy: {
    example: '[{ host = "./app", image = "/workspace/app" }]',
    read: (value, place) => ({ copy: copies(value, place) }),
  },
  env: {
    example: '{ NAME = "value" }',
    read: (value, place) => ({ env: stringMap(value, place) }),
  },
  labels: {
    example: '{ name = "value" }',
    read: (value, place) => ({ labels: stringMap(value, place) }),
  },
};

/**
 * Keys that only mise-oci supports. mise 2026.9 refuses them in `[oci]`, so `[_.oci]` accepts them
 * too.
 */
const OWN_FIELDS: Readonly<Record<string, Field>> = {
  allow_env: {
    example: '["NAME"]',
    read: (value, place) => ({ allowEnv: texts(value, place) }),
  },
  drop_env: {
    example: '["NAME"]',
    read: (value, place) => ({ dropEnv: texts(value, place) }),
  },
  ca: {
    example: '["ca.pem"]',
    read: (value, place) => ({ ca: texts(value, place).map((path) => hostPath(path, place)) }),
  },
  allow_plugins: {
    example: '["NAME"]',
    read: (value, place) => ({ allowPlugins: texts(value, place) }),
  },
  without: {
    example: '["npm:prettier"]',
    read: (value, place) => ({ without: texts(value, place) }),
  },
  compression: {
    example: '"zstd:3"',
    read: (value, place) => ({ compression: parsed(value, place, parseCompression) }),
  },
  exclude: {
    example: '["**/*.map"]',
    read: (value, place) => ({ exclude: globs(value, place) }),
  },
  annotations: {
    example: '{ name = "value" }',
    read: (value, place) => ({ annotations: stringMap(value, place) }),
  },
  expose: {
    example: '["8080", "53/udp"]',
    read: (value, place) => ({ expose: ports(value, place) }),
  },
  volumes: {
    example: '["/data"]',
    read: (value, place) => ({ volumes: volumePaths(value, place) }),
  },
  stop_signal: {
    example: '"SIGINT"',
    read: (value, place) => ({ stopSignal: stopSignal(value, place) }),
  },
  healthcheck: {
    example: '{ cmd = "curl -f localhost", interval = "30s" }',
    read: (value, place) => ({ healthcheck: healthcheck(value, place) }),
  },
  store: {
    example: '"ghcr.io/team/layers"',
    read: (value, place) => ({ store: store(value, place) }),
  },
  task_tools: { example: "true", read: (value, place) => ({ taskTools: flag(value, place) }) },
  max_layers: { example: "100", read: (value, place) => ({ maxLayers: count(value, place) }) },
  host_links: { example: "true", read: (value, place) => ({ hostLinks: flag(value, place) }) },
  verify: {
    example: '[{ from = "ghcr.io/acme/*", key = "cosign.pub" }]',
    read: (value, place) => ({ verify: verifyRules(value, place) }),
  },
  sbom: {
    example: '"cyclonedx"',
    read: (value, place) => ({ sbom: sbomFormat(value, place) }),
  },
  provenance: { example: "true", read: (value, place) => ({ provenance: flag(value, place) }) },
  sign: {
    example: '"cosign.key"',
    read: (value, place) => ({ sign: keyFile(value, place) }),
  },
};

const ALL_FIELDS: Readonly<Record<string, Field>> = { ...FIELDS, ...OWN_FIELDS };

/** Whether mise itself does not support a key. */
export function isOwnField(key: string): boolean {
  return Object.hasOwn(OWN_FIELDS, key);
}

/**
 * Parses one `[oci]` or `[_.oci]` table.
 *
 * @throws {MiseOciError} `config` naming the file, the key and, for an unknown key, the most
 * similar known one.
 */
export function parseOciTable(table: TomlTable, place: FieldPlace): OciTable {
  let result: OciTable = {};
  for (const [key, value] of Object.entries(table)) {
    const field = Object.hasOwn(ALL_FIELDS, key) ? ALL_FIELDS[key] : undefined;
    const at = { ...place, path: [...place.path, key] };
    if (field === undefined) {
      const known = Object.keys(ALL_FIELDS);
      const near = nearest(key, known);
      throw new MiseOciError(
        "config",
        `Unknown key ${JSON.stringify(at.path.join("."))} in ${describePlace(at.file, at.path)}`,
        {
          hint: near === undefined
            ? `Known keys are ${known.join(", ")}`
            : `Did you mean ${JSON.stringify(near)}?`,
        },
      );
    }
    result = {
      ...result,
      ...field.read(value, { ...at, example: `Write, for example: ${key} = ${field.example}` }),
    };
  }
  return result;
}
