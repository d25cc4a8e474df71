/**
 * Whether the commands of an image start: found out from its layers, without running anything.
 *
 * ```text
 * layer → LayerFacts (kept by diff ID) → ImageView → Starter → CheckReport → Finding
 *          paths, ELF, `#!`               merged      kernel,
 *                                                     glibc, musl
 * ```
 *
 * The host does not matter: paths and links are resolved inside the image, by the rules of the kernel and
 * loaders that will run it. To avoid false alarms, anything that files alone cannot show is assumed to
 * work: unknown loaders, libraries opened at run time, relative paths.
 * @module
 */
export type { Cause, Severity } from "./cause.ts";
export {
  checkCommands,
  type CheckInput,
  type CheckReport,
  type CommandPlace,
  type Duplicate,
  type LayerLabel,
  type Problem,
} from "./check_image.ts";
export { describeCause, describeDuplicate } from "./report/describe.ts";
export { type Elf, ElfError, parseElf } from "./elf/elf.ts";
export { type Finding, findingsOf, isFailure } from "./report/findings.ts";
export { encodeFacts, type LayerFacts, maybeParseFacts } from "./facts/layer_facts.ts";
export { type BlobFactsOptions, FactsCollector, readBlobFacts } from "./facts/read_blob_facts.ts";
export { readTreeFacts } from "./facts/read_tree_facts.ts";
export type { PackageRemedy, Remedy } from "./report/remedies.ts";
