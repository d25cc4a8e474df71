/**
 * The common part of podman's and docker's command lines, which is nearly everything.
 * @module
 */
import {
  commandError,
  type CommandOptions,
  type CommandOutcome,
  runEngineCommand,
} from "./command.ts";
import type {
  ContainerOptions,
  Engine,
  EngineContainer,
  EngineName,
  EngineTag,
  RetainOptions,
} from "./port.ts";

/** Where podman and docker differ. */
export interface Dialect {
  /** Which one. */
  readonly name: EngineName;
  /** {@linkcode Engine.stacksLayers} */
  readonly stacksLayers: boolean;
  /** Flags of `pull` for a registry on loopback without TLS. */
  readonly pullFlags: readonly string[];
  /** Flags of `rm` that kill a container immediately. */
  readonly removeFlags: readonly string[];
}

/** An engine behind its command line. */
export class CliEngine implements Engine {
  readonly name: EngineName;
  readonly stacksLayers: boolean;

  /** Drives the program at an absolute path. */
  constructor(readonly program: string, readonly dialect: Dialect) {
    this.name = dialect.name;
    this.stacksLayers = dialect.stacksLayers;
  }

  #run(args: readonly string[], options?: CommandOptions): Promise<CommandOutcome> {
    return runEngineCommand([this.program, ...args], options);
  }

  /** Runs a command that must end with 0. */
  protected async must(
    action: string,
    args: readonly string[],
    options?: CommandOptions,
  ): Promise<string> {
    const outcome = await this.#run(args, options);
    if (outcome.code !== 0) throw commandError(action, [this.program, ...args], outcome);
    return outcome.stdout;
  }

  async maybeImageId(nameOrId: string): Promise<string | undefined> {
    const { code, stdout } = await this.#run([
      "image",
      "inspect",
      "--format",
      "{{.Id}}",
      "--",
      nameOrId,
    ]);
    const id = stdout.trim();
    return code === 0 && id !== "" ? id : undefined;
  }

  async pull(reference: string, signal?: AbortSignal): Promise<void> {
    const args = ["pull", "--quiet", ...this.dialect.pullFlags, "--", reference];
    await this.must(`load the image into ${this.name}`, args, signal && { signal });
  }

  async load(
    write: (stream: WritableStream<Uint8Array<ArrayBuffer>>) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    const options = { feed: write, ...(signal === undefined ? {} : { signal }) };
    await this.must(`load the image into ${this.name}`, ["load", "--quiet"], options);
  }

  async tag(image: string, name: string): Promise<void> {
    await this.must(`name the image in ${this.name}`, ["tag", "--", image, name]);
  }

  async untag(name: string): Promise<void> {
    if (await this.maybeImageId(name) === undefined) return;
    const args = ["rmi", "--", name];
    const outcome = await this.#run(args);
    if (outcome.code === 0 || await this.maybeImageId(name) === undefined) return;
    throw commandError(`remove the image from ${this.name}`, [this.program, ...args], outcome);
  }

  retainLayers(_image: string, _options?: RetainOptions): Promise<boolean> {
    return Promise.resolve(false);
  }

  async listTags(): Promise<readonly EngineTag[]> {
    const format = "{{.Repository}}:{{.Tag}}";
    const out = await this.must(`list the images of ${this.name}`, ["images", "--format", format]);
    return lines(out).map((name) => {
      const colon = name.lastIndexOf(":");
      return { name, repository: name.slice(0, colon), tag: name.slice(colon + 1) };
    });
  }

  async listContainers(label: string, value?: string): Promise<readonly EngineContainer[]> {
    const out = await this.must(`list the containers of ${this.name}`, [
      "ps",
      "--all",
      "--quiet",
      "--no-trunc",
      `--filter=label=${label}${value === undefined ? "" : `=${value}`}`,
    ]);
    const ids = lines(out);
    if (ids.length === 0) return [];
    // Not every podman can list the value of a label. A container that was removed in the meantime is
    // reported as an error in addition to the others.
    const format = `{{.Id}} {{.Name}} {{index .Config.Labels ${JSON.stringify(label)}}}`;
    const { stdout } = await this.#run(["container", "inspect", "--format", format, "--", ...ids]);
    return lines(stdout).map((line) => {
      const [id = "", name = "", value = ""] = line.split(" ");
      return { id, name: name.replace(/^\//, ""), label: value };
    });
  }

  async removeContainer(nameOrId: string): Promise<void> {
    const args = ["rm", "--force", "--volumes", ...this.dialect.removeFlags, "--", nameOrId];
    const outcome = await this.#run(args);
    // With --rm the engine removes it too; the second removal finds nothing, or a removal in progress.
    const gone = /no such container|no container with|already in progress/i.test(outcome.errors);
    if (outcome.code !== 0 && !gone) {
      throw commandError(
        `remove the container from ${this.name}`,
        [this.program, ...args],
        outcome,
      );
    }
  }

  runCommand(options: ContainerOptions): readonly string[] {
    const { interactive, tty, env, volumes, workdir, platform, extra, labels } = options;
    return [
      this.program,
      "run",
      "--rm",
      "--pull=never",
      `--name=${options.name}`,
      ...Object.entries(labels).map(([key, value]) => `--label=${key}=${value}`),
      ...(interactive ? ["--interactive"] : []),
      ...(tty ? ["--tty"] : []),
      ...env.map((variable) => `--env=${variable}`),
      ...volumes.map((volume) => `--volume=${volume}`),
      ...(workdir === undefined ? [] : [`--workdir=${workdir}`]),
      ...(platform === undefined ? [] : [`--platform=${platform}`]),
      ...extra,
      "--",
      options.image,
      ...options.command,
    ];
  }
}

function lines(text: string): readonly string[] {
  return [...new Set(text.split("\n").map((line) => line.trim()).filter((line) => line !== ""))];
}
