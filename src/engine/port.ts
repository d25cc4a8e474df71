/**
 * The interface of a container engine, and the names that users give it.
 * @module
 */
import { type Digest, digestHex, maybeEngineName } from "../oci/mod.ts";

/** Name of images without a name. */
const REPOSITORY = "mise-oci";

/**
 * The name of an image in an engine: always with a tag, which `docker load` requires. Images in a layout can
 * have any name; one that is not a valid name for an engine becomes a tag of `mise-oci`.
 *
 * @param name the name in the layout or on the command line, if any.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDigest } from "../oci/mod.ts";
 * import { engineName } from "./port.ts";
 *
 * const digest = parseDigest(`sha256:${"0".repeat(64)}`);
 * assertEquals(engineName("app", digest), "app:latest");
 * assertEquals(engineName("v1", digest), "mise-oci:v1");
 * assertEquals(engineName(undefined, digest), "mise-oci:000000000000");
 * ```
 */
export function engineName(name: string | undefined, digest: Digest): string {
  const short = digestHex(digest).slice(0, 12);
  if (name === undefined) return `${REPOSITORY}:${short}`;
  return maybeEngineName(name) ??
    `${REPOSITORY}:${/^\w[\w.-]{0,127}$/.test(name) ? name : short}`;
}

export type EngineName = "podman" | "docker";

/** How a container is started. */
export interface ContainerOptions {
  /** Image id or name. */
  readonly image: string;
  /** Name of the container. */
  readonly name: string;
  /** Labels of the container. */
  readonly labels: Readonly<Record<string, string>>;
  /** `-i`. */
  readonly interactive: boolean;
  /** `-t`. */
  readonly tty: boolean;
  /** `NAME=VALUE`, or `NAME` for the value of this process's own environment. */
  readonly env: readonly string[];
  /** `HOST:CONTAINER[:OPTIONS]`. */
  readonly volumes: readonly string[];
  /** Working directory in the container. */
  readonly workdir?: string;
  /** `os/arch[/variant]`, for an image that is not of the host's platform. */
  readonly platform?: string;
  /** More arguments for the engine's `run`. */
  readonly extra: readonly string[];
  /** The command to run; if empty, the image's own entrypoint and command. */
  readonly command: readonly string[];
}

/** A tag of an image in an engine. */
export interface EngineTag {
  /** `repository:tag` as the engine writes it. */
  readonly name: string;
  /** The repository alone. */
  readonly repository: string;
  /** The tag alone. */
  readonly tag: string;
}

export interface EngineContainer {
  /** Its full id. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** The value of the requested label. */
  readonly label: string;
}

/** Options of {@linkcode Engine.retainLayers}. */
export interface RetainOptions {
  /** `os/arch[/variant]`, for an image that is not of the host's platform. */
  readonly platform?: string;
}

/**
 * A container engine. No method prints; errors name the engine and the action, with the end of its output.
 */
export interface Engine {
  /** Which one. */
  readonly name: EngineName;
  /** Absolute path of its program. */
  readonly program: string;
  /**
   * Whether it identifies a layer by all layers below, so that it fetches the layers above a changed one
   * again.
   */
  readonly stacksLayers: boolean;
  /** The id of an image by its name or id; `undefined` if the engine does not have it. */
  maybeImageId(nameOrId: string): Promise<string | undefined>;
  /** Pulls from a registry on loopback over plain http. */
  pull(reference: string, signal?: AbortSignal): Promise<void>;
  /** Loads a docker-archive that `write` produces. */
  load(
    write: (stream: WritableStream<Uint8Array<ArrayBuffer>>) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Adds a name to an image. */
  tag(image: string, name: string): Promise<void>;
  /** Removes a name; an image is removed with its last name. Does nothing if it no longer exists. */
  untag(name: string): Promise<void>;
  /**
   * Keeps the layers of an image in the engine's build cache, so that they outlive the image and a later pull
   * finds them. No list of images shows them.
   * @returns whether the engine has such a cache.
   */
  retainLayers(image: string, options?: RetainOptions): Promise<boolean>;
  /** The names of all images. */
  listTags(): Promise<readonly EngineTag[]>;
  /** All containers that have a label, running or not. @param value only containers with this value. */
  listContainers(label: string, value?: string): Promise<readonly EngineContainer[]>;
  /** Kills a container and removes it. Does nothing if it no longer exists. */
  removeContainer(nameOrId: string): Promise<void>;
  /** The command line that runs a container and removes it at its end. */
  runCommand(options: ContainerOptions): readonly string[];
}
