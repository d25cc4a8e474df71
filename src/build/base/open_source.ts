/**
 * Opens image arguments with the settings of this machine: the home directory, registries and their
 * credentials, the platform.
 * @module
 */
import type { WorkflowContext } from "../../context.ts";
import { type OpenedImages, openImages, type OpenImagesOptions } from "../../image/open.ts";
import type { ResolveOptions } from "../../image/types.ts";
import { formatReference, type ImageSource, type Platform, type Reference } from "../../oci/mod.ts";
import { defaultPlatform, hostEnv } from "../host/environment.ts";

/** Imported on demand: most images are on this machine. */
const accessModule = () => import("../access/registry_access.ts");

/** Opens an image argument. @throws {MiseOciError} as `openImages`. */
export function openSource(
  source: ImageSource,
  directory: string,
  context: WorkflowContext,
  options: Pick<OpenImagesOptions, "listsTags"> = {},
): Promise<OpenedImages> {
  return openImages(source, {
    ...options,
    directory,
    home: hostEnv("HOME"),
    signal: context.signal,
    connect: async (reference) => {
      const { openRegistry, readAccess } = await accessModule();
      return await openRegistry(
        reference,
        await readAccess(reference, { directory }, context),
        context,
      );
    },
  });
}

/** The name under which an image from a registry is loaded into an engine. */
export function nameOf(reference: Reference | undefined): string | undefined {
  if (reference === undefined || reference.tag === undefined) return undefined;
  const { digest: _, ...named } = reference;
  return formatReference(named);
}

/** How the image of an argument is chosen. */
export function selectorOf(
  { selector }: OpenedImages,
  platform: Platform | undefined,
  { reporter }: WorkflowContext,
): ResolveOptions {
  return {
    ...selector,
    ...(platform === undefined ? {} : { platform }),
    host: defaultPlatform(),
    warn: (text) => reporter.emit({ type: "warning", text }),
  };
}
