/**
 * The layer store of a build, restricted to entries that are signed as required by `[_.oci] verify`.
 * @module
 */
import type { Signer } from "../../attest/mod.ts";
import type { WorkflowContext } from "../../context.ts";
import { MiseOciError } from "../../errors.ts";
import type { StorePlace } from "../../fleet/layer_store.ts";
import { formatReference, parseStoreReference, type Reference } from "../../oci/mod.ts";
import type { StoreSetting } from "../../plan/mod.ts";
import { openBuildCache } from "../host/build_cache.ts";
import type { RegistryClients } from "../access/registry_clients.ts";
import type { BuildRequest, PlannedImage } from "../types.ts";

/** The store of a build. */
export interface StoreChoice {
  /** Its repository. */
  readonly reference: Reference;
  /** Whether to write to it after a push. */
  readonly push: boolean;
}

/** The store set by flags or config. */
export function storeOf(
  { store, storePush }: Pick<BuildRequest, "store" | "storePush">,
  setting: StoreSetting | undefined,
): StoreChoice | undefined {
  const reference = store ??
    (setting === undefined ? undefined : parseStoreReference(setting.ref));
  if (reference === undefined) return undefined;
  return { reference, push: storePush ?? (store === undefined && setting?.push === true) };
}

/** Access to a store. */
export interface StoreAccess {
  /** The store. */
  readonly store: StoreChoice;
  /** Clients of registries. */
  readonly clients: RegistryClients;
  /** Signs written entries. */
  readonly signer?: Signer | undefined;
}

// Imported on demand: few projects require signatures.
const verifyModule = () => import("../access/verify_signed.ts");
const attestModule = () => import("../../attest/mod.ts");

/** Client sets for which a warning about an unused entry was already shown; a store may have many. */
const warned = new WeakSet<RegistryClients>();

/** Checks whether entries are signed as required by `[_.oci] verify`; `undefined` if there is no rule. */
async function maybeTrusts(
  { project: { oci: { verify = [] } } }: PlannedImage,
  { store: { reference }, clients }: StoreAccess,
  context: WorkflowContext,
): Promise<StorePlace["trusts"]> {
  if (verify.length === 0) return undefined;
  const { maybeSignatureCheck } = await verifyModule();
  const cache = await openBuildCache(context);
  const check = await maybeSignatureCheck(reference, { rules: verify, cache }, context);
  if (check === undefined) return undefined;
  const client = await clients.of(reference);
  return async (tag, digest) => {
    try {
      await check(client, { name: formatReference({ ...reference, tag }), digest });
      return true;
    } catch (error) {
      if (!(error instanceof MiseOciError) || error.code !== "trust") throw error;
      const text = `Not used of the layer store: ${error.message}`;
      const again = warned.has(clients);
      warned.add(clients);
      context.reporter.emit(
        again ? { type: "detail", level: 1, text } : { type: "warning", text },
      );
      return false;
    }
  };
}

/** Opens a store for reading and writing. */
export async function storePlace(
  planned: PlannedImage,
  access: StoreAccess,
  context: WorkflowContext,
): Promise<StorePlace> {
  const { store: { reference }, clients, signer } = access;
  const { signal } = context;
  const client = await clients.of(reference);
  const trusts = await maybeTrusts(planned, access, context);
  const { repository } = reference;
  const name = formatReference(reference);
  return {
    client,
    reference,
    signal,
    ...(trusts === undefined ? {} : { trusts }),
    ...(signer === undefined ? {} : {
      sign: async (subject) => {
        const { signSubject } = await attestModule();
        await signSubject(client, signer, { name, repository, subject, statements: [], signal });
      },
    }),
  };
}
