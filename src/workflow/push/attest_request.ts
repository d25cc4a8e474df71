/**
 * Determines what a push attaches, from its flags and the project. Most pushes attach nothing, so the code
 * for it is imported on demand.
 * @module
 */
import type { WorkflowContext } from "../../context.ts";
import type { OciSection } from "../../plan/project.ts";
import type { Attesting } from "./attest_push.ts";
import type { AttestFlags, AttestRequest } from "../types.ts";

// Imported on demand: most pushes attach nothing.
const attestModule = () => import("./attest_push.ts");

/** Flags override the config. */
function combine(flags: AttestFlags, oci: Partial<OciSection>): AttestRequest {
  const sbom = flags.sbom ?? oci.sbom ?? false;
  const sign = flags.sign ?? oci.sign ?? false;
  return {
    provenance: flags.provenance ?? oci.provenance ?? false,
    ...(sbom === false ? {} : { sbom }),
    ...(sign === false ? {} : { sign }),
  };
}

/**
 * Prepares the attestations, if any: opens the signer, with a prompt for its password, before anything is
 * built or sent.
 *
 * @throws {MiseOciError} `config`, `not-found` naming the key.
 */
export async function maybeAttest(
  flags: AttestFlags | undefined,
  oci: Partial<OciSection> | undefined,
  context: WorkflowContext,
): Promise<Attesting | undefined> {
  const attest = combine(flags ?? {}, oci ?? {});
  if (attest.sbom === undefined && attest.sign === undefined && !attest.provenance) {
    return undefined;
  }
  return await (await attestModule()).beginAttesting(attest, context);
}
