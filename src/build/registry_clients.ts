/**
 * Clients of several registries, each opened when it is first asked for.
 * @module
 */
import type { LocateOptions } from "../mise/locate.ts";
import type { Reference } from "../oci/mod.ts";
import type { RegistryClient } from "../registry/transport.ts";
import { openRegistry, readAccess } from "./registry_access.ts";
import type { WorkflowContext } from "../context.ts";

/** Clients by repository, since credentials can be a repository's own. Dispose of it: they are closed then. */
export class RegistryClients implements Disposable {
  readonly #opened = new Map<string, Promise<RegistryClient>>();
  readonly #place: LocateOptions;
  readonly #context: WorkflowContext;

  /** @param place where mise is asked for its settings, and which mise. */
  constructor(place: LocateOptions, context: WorkflowContext) {
    this.#place = place;
    this.#context = context;
  }

  /** The client of a reference's repository. */
  of(reference: Reference): Promise<RegistryClient> {
    const { registry, repository } = reference;
    const key = `${registry}/${repository}`;
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const opened = readAccess(reference, this.#place, this.#context)
      .then((access) => openRegistry(reference, access, this.#context));
    this.#opened.set(key, opened);
    return opened;
  }

  /** Closes all of them. */
  [Symbol.dispose](): void {
    for (const client of this.#opened.values()) client.then((one) => one.close(), () => {});
  }
}
