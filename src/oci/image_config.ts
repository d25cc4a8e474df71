/**
 * Image configuration (image-spec, config.md).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type DiffId, parseDiffId } from "./digest.ts";
import {
  asArray,
  asObject,
  asString,
  asStringMap,
  asStrings,
  encodeJson,
  type JsonObject,
  maybe,
  parseJson,
  unknownFields,
} from "./json.ts";
import type { Platform } from "./platform.ts";

/** One entry of `history`: how a layer (or, with `empty_layer`, a change of the config) was made. */
export interface HistoryEntry {
  /** RFC 3339 time. */
  readonly created?: string;
  /** The command or description that made the layer. */
  readonly created_by?: string;
  /** Who made it. */
  readonly author?: string;
  /** A comment. */
  readonly comment?: string;
  /** True if no layer belongs to this entry. */
  readonly empty_layer?: boolean;
}

/** The `config` object: how a container of the image runs. */
export interface ContainerConfig {
  /** User, or `user:group`. */
  readonly User?: string;
  /** `NAME=value` each. */
  readonly Env?: readonly string[];
  /** Program and leading arguments. */
  readonly Entrypoint?: readonly string[];
  /** Default arguments. */
  readonly Cmd?: readonly string[];
  /** Working directory. */
  readonly WorkingDir?: string;
  /** Labels. */
  readonly Labels?: Readonly<Record<string, string>>;
  /** All other fields (ExposedPorts, Volumes, StopSignal, Healthcheck, Shell, OnBuild, …), kept unchanged. */
  readonly extensions?: JsonObject;
}

/** An image configuration. */
export interface ImageConfig {
  /** RFC 3339 time. */
  readonly created?: string;
  /** Who made the image. */
  readonly author?: string;
  /** `GOARCH`. */
  readonly architecture: string;
  /** `GOOS`. */
  readonly os: string;
  /** CPU variant. */
  readonly variant?: string;
  /** How a container of the image runs. */
  readonly config?: ContainerConfig;
  /** Diff IDs of the layers, bottom first. */
  readonly diffIds: readonly DiffId[];
  /** History, oldest first. */
  readonly history?: readonly HistoryEntry[];
  /** Unknown fields, kept unchanged. */
  readonly extensions?: JsonObject;
}

/** Whether a text is a user as runtimes read it: a name or number, optionally with `:GROUP`. */
export function isImageUser(text: string): boolean {
  return /^[^\s:]+(?::[^\s:]+)?$/.test(text) && !text.includes("\0");
}

const CONFIG_KNOWN = ["User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Labels"];
const KNOWN = [
  "created",
  "author",
  "architecture",
  "os",
  "variant",
  "config",
  "rootfs",
  "history",
];

function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** What is not in `known`. Old writers put null for what is not set; the specification's schema refuses that. */
function otherFields(object: JsonObject, known: readonly string[]): JsonObject {
  return Object.fromEntries(
    Object.entries(unknownFields(object, known)).filter(([, field]) => field !== null),
  );
}

function parseContainerConfig(value: unknown, what: string): ContainerConfig {
  const object = asObject(value, what);
  const extensions = otherFields(object, CONFIG_KNOWN);
  return present({
    User: maybe(object["User"], `${what}.User`, asString),
    Env: maybe(object["Env"], `${what}.Env`, asStrings),
    Entrypoint: maybe(object["Entrypoint"], `${what}.Entrypoint`, asStrings),
    Cmd: maybe(object["Cmd"], `${what}.Cmd`, asStrings),
    WorkingDir: maybe(object["WorkingDir"], `${what}.WorkingDir`, asString),
    Labels: maybe(object["Labels"], `${what}.Labels`, asStringMap),
    extensions: Object.keys(extensions).length === 0 ? undefined : extensions,
  }) as ContainerConfig;
}

function parseHistory(value: unknown, what: string): HistoryEntry {
  const object = asObject(value, what);
  return present({
    created: maybe(object["created"], `${what}.created`, asString),
    created_by: maybe(object["created_by"], `${what}.created_by`, asString),
    author: maybe(object["author"], `${what}.author`, asString),
    comment: maybe(object["comment"], `${what}.comment`, asString),
    empty_layer: object["empty_layer"] === true ? true : undefined,
  }) as HistoryEntry;
}

function configPlatform(object: JsonObject, what: string): Platform | undefined {
  const field = (name: string): string => maybe(object[name], `${what}.${name}`, asString) ?? "";
  const [os, architecture, variant] = [field("os"), field("architecture"), field("variant")];
  if (os === "" || architecture === "") return undefined;
  return { os, architecture, ...(variant === "" ? {} : { variant }) };
}

function failPlatform(what: string): never {
  throw new MiseOciError("invalid", `Cannot parse ${what}: architecture and os are missing`, {
    hint: "Set them: crane mutate --set-platform linux/amd64 IMAGE",
  });
}

/** Whether a config names its platform. */
export function namesPlatform(source: Uint8Array | string, what: string): boolean {
  return configPlatform(asObject(parseJson(source, { what }), what), what) !== undefined;
}

/** Assumptions for a config with missing fields. */
export interface ParseImageConfigOptions {
  /** The platform of a config without one, as `crane append` writes it. Default: an error. */
  readonly platform?: Platform;
}

/**
 * Parses an image config.
 *
 * @throws {MiseOciError} `invalid` naming the field, if the text is not an image config or has no
 * `rootfs.diff_ids`.
 */
export function parseImageConfig(
  source: Uint8Array | string,
  what: string,
  options: ParseImageConfigOptions = {},
): ImageConfig {
  const object = asObject(parseJson(source, { what }), what);
  const rootfs = asObject(object["rootfs"], `${what}.rootfs`);
  const extensions = otherFields(object, KNOWN);
  const { os, architecture, variant } = configPlatform(object, what) ?? options.platform ??
    failPlatform(what);
  return {
    ...present({
      created: maybe(object["created"], `${what}.created`, asString),
      author: maybe(object["author"], `${what}.author`, asString),
      architecture,
      os,
      variant,
      config: maybe(object["config"], `${what}.config`, parseContainerConfig),
    }),
    diffIds: asArray(rootfs["diff_ids"], `${what}.rootfs.diff_ids`).map((id, i) =>
      parseDiffId(id, `${what}.rootfs.diff_ids[${i}]`)
    ),
    ...present({
      history: maybe(
        object["history"],
        `${what}.history`,
        (list, w) => asArray(list, w).map((entry, i) => parseHistory(entry, `${w}[${i}]`)),
      ),
      extensions: Object.keys(extensions).length === 0 ? undefined : extensions,
    }),
  } as ImageConfig;
}

/** The canonical bytes of an image config. */
export function encodeImageConfig(image: ImageConfig): Uint8Array<ArrayBuffer> {
  const { config, diffIds, history, extensions, created, author, architecture, os, variant } =
    image;
  const container = config === undefined ? undefined : {
    User: config.User,
    Env: config.Env,
    Entrypoint: config.Entrypoint,
    Cmd: config.Cmd,
    WorkingDir: config.WorkingDir,
    Labels: config.Labels,
    ...config.extensions,
  };
  return encodeJson({
    created,
    author,
    architecture,
    os,
    variant,
    config: container,
    rootfs: { type: "layers", diff_ids: diffIds },
    history,
    ...extensions,
  });
}
