/**
 * What the workflow needs of a container engine. podman and docker are one small file each behind it.
 * @module
 */

/** The engines. */
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
  /** What to run; empty: the image's own entrypoint and command. */
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

/** A container of an engine. */
export interface EngineContainer {
  /** Its full id. */
  readonly id: string;
  /** The name that it was started with. */
  readonly name: string;
  /** The value of the label that was asked for. */
  readonly label: string;
}

/** Options of {@linkcode Engine.retainLayers}. */
export interface RetainOptions {
  /** `os/arch[/variant]`, for an image that is not of the host's platform. */
  readonly platform?: string;
}

/** A container engine. No method prints; errors name engine, action, and the end of what it said. */
export interface Engine {
  /** Which one. */
  readonly name: EngineName;
  /** Absolute path of its program. */
  readonly program: string;
  /** Whether it knows a layer by all below it, so that it fetches what lies above a changed one again. */
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
  /** Gives an image one more name. */
  tag(image: string, name: string): Promise<void>;
  /** Takes a name away; the image goes with its last one. An image that is gone is fine. */
  untag(name: string): Promise<void>;
  /**
   * Keeps the layers of an image where the engine caches what it builds, so that they outlive the image
   * and a later pull finds them. No list of images shows them.
   * @returns whether the engine has such a place.
   */
  retainLayers(image: string, options?: RetainOptions): Promise<boolean>;
  /** The names of all images. */
  listTags(): Promise<readonly EngineTag[]>;
  /** All containers that have a label, running or not. @param value the only value that counts. */
  listContainers(label: string, value?: string): Promise<readonly EngineContainer[]>;
  /** Ends a container now and removes it. One that is gone is fine. */
  removeContainer(nameOrId: string): Promise<void>;
  /** The command line that runs a container and removes it at its end. */
  runCommand(options: ContainerOptions): readonly string[];
}
