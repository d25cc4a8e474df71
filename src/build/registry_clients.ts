/**
 * Clients of several registries, each opened when it is first asked for.
 * @module
 */
import type { Reference } from "../oci/mod.ts";
import type { RegistryClient } from "../registry/transport.ts";
import { openRegistry, readAccess } from "./registry_access.ts";
import type { WorkflowContext } from "../context.ts";

/** Clients by repository, since credentials can be a repository's own. Dispose of it: they are closed then. */
export class RegistryClients implements Disposable {
  readonly #opened = new Map<string, Promise<RegistryClient>>();
  readonly #directory: string;
  readonly #context: WorkflowContext;

  /** @param directory absolute, for mise's settings. */
  constructor(directory: string, context: WorkflowContext) {
    this.#directory = directory;
    this.#context = context;
  }

  /** The client of a reference's repository. */
  of(reference: Reference): Promise<RegistryClient> {
    const { registry, repository } = reference;
    const key = `${registry}/${repository}`;
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const opened = readAccess(reference, this.#directory, this.#context)
      .then((access) => openRegistry(reference, access, this.#context));
    this.#opened.set(key, opened);
    return opened;
  }

  /** Closes all of them. */
  [Symbol.dispose](): void {
    for (const client of this.#opened.values()) client.then((one) => one.close(), () => {});
  }
}
