/**
 * Opens a client for a registry with the machine's settings: credentials, private certificates,
 * proxies, and whether plain http is allowed.
 * @module
 */
import { formatReference, type Reference } from "../../oci/mod.ts";
import { loadCaCerts } from "../../registry/connect.ts";
import { registryUrl } from "../../registry/host.ts";
import { createRegistryClient, type RegistryClient } from "../../registry/transport.ts";
import { hostEnv } from "../host/environment.ts";
import { miseContext } from "../host/read_projects.ts";
import type { LocateOptions } from "../../mise/locate.ts";
import type { WorkflowContext } from "../../context.ts";

/** Imported on demand: registries on this machine do not need mise's settings. */
const settingsModule = () => import("../../mise/settings.ts");

type Finding = typeof import("../../registry/credentials/find_credentials.ts");

// Imported on demand: only if a registry requires credentials.
const credentialsModule = () => import("../../registry/credentials/find_credentials.ts");

/** Access to registries. */
export interface RegistryAccess {
  /** Registries that may be reached over plain http (`oci.insecure_registries`). */
  readonly insecureRegistries: readonly string[];
}

/**
 * The access to a registry from a directory. mise's settings are read only if necessary: plain http is
 * always allowed for registries on this machine.
 */
export async function readAccess(
  { registry }: Reference,
  { directory, misePath }: LocateOptions,
  context: WorkflowContext,
): Promise<RegistryAccess> {
  const isPlain = registryUrl(registry, { insecure: false }).protocol === "http:";
  if (isPlain) return { insecureRegistries: [] };
  const { readSettings } = await settingsModule();
  return await readSettings(
    { directory, ...(misePath === undefined ? {} : { misePath }) },
    miseContext(context),
  );
}

/** Whether a registry is in the list; an entry without a port applies to every port of its host. */
export function isInsecure(registry: string, { insecureRegistries }: RegistryAccess): boolean {
  const host = registry.replace(/:\d+$/, "");
  return insecureRegistries.some((entry) => entry === registry || entry === host);
}

/** Opens a client for the registry of a reference. The caller must close it. */
export async function openRegistry(
  reference: Reference,
  access: RegistryAccess,
  context: WorkflowContext,
): Promise<RegistryClient> {
  const { registry, repository } = reference;
  const { reporter, signal } = context;
  return createRegistryClient({
    registry,
    insecure: isInsecure(registry, access),
    caCerts: await loadCaCerts(registry, { env: hostEnv }),
    credentials: async () => {
      const { findCredentials } = await credentialsModule();
      return await findCredentials(formatReference({ registry, repository }), {
        env: hostEnv,
        warn: (text) => reporter.emit({ type: "warning", text }),
        detail: (text) => reporter.emit({ type: "detail", level: 1, text }),
        signal,
      });
    },
    env: hostEnv,
    signal,
    log: (level, text) => reporter.emit({ type: "detail", level, text }),
    warn: (text) => reporter.emit({ type: "warning", text }),
  });
}
