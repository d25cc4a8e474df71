/**
 * Parts of an image besides its tools that the host must provide, checked before planning.
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };
import { MiseOciError } from "../errors.ts";
import type { Platform } from "../oci/mod.ts";
import type { HostExecutable, PlanOptions, Project } from "../plan/mod.ts";
import { readCertificates } from "./certificates.ts";
import { checkSources } from "./inspect_tree.ts";
import type { ImageInput } from "./types.ts";
import { decideEmbedding } from "./embed.ts";

/** Imported on demand: system packages. */
const selectModule = () => import("../packages/mod.ts");

/** How this program was started, for tests to replace. */
export interface SelfFacts {
  /** Whether it is a compiled executable. */
  readonly standalone: boolean;
  /** The executable. */
  readonly path: () => string;
}

const SELF: SelfFacts = { standalone: Deno.build.standalone, path: () => Deno.execPath() };

/**
 * The compiled mise-oci for `--embed-self`.
 *
 * @throws {MiseOciError} `usage` if this is not the compiled executable, `unsupported` if it cannot run in
 * the image.
 */
export async function selfExecutable(
  platform: Platform,
  { standalone, path }: SelfFacts = SELF,
): Promise<HostExecutable> {
  if (!standalone) {
    throw new MiseOciError(
      "usage",
      "Cannot embed mise-oci in the image: it runs as a script, not as an executable of its own",
      { hint: "Run the compiled executable (deno task compile), or leave --embed-self out" },
    );
  }
  const decision = await decideEmbedding("mise-oci", {
    path: path(),
    version: manifest.version,
    platform,
  });
  if (decision.executable !== undefined) return decision.executable;
  throw new MiseOciError("unsupported", `Cannot embed mise-oci in the image: ${decision.warning}`, {
    hint: "Leave --embed-self out",
  });
}

/**
 * Packages, certificates, the compiled program itself, and the output paths.
 *
 * @throws {MiseOciError} for packages or an executable that the platform does not support, and for missing
 * files to copy and missing certificates.
 */
export async function imageExtras(
  project: Project,
  request: ImageInput,
  platform: Platform,
): Promise<Pick<PlanOptions, "packages" | "certificates" | "self" | "outputs">> {
  const declared = project.packages ?? [];
  const packages = declared.length === 0
    ? undefined
    : (await selectModule()).selectPackages(declared, platform);
  await checkSources(project, [...project.oci.copy, ...request.copies]);
  const outputs = [request.output, request.archive?.path].flatMap((path) =>
    path === undefined || path === "-" ? [] : path
  );
  const certificates = await readCertificates(project.oci.ca);
  return {
    ...(packages === undefined ? {} : { packages }),
    ...(certificates === undefined ? {} : { certificates }),
    ...(request.embedSelf === true ? { self: await selfExecutable(platform) } : {}),
    outputs,
  };
}
