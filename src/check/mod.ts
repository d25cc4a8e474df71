/**
 * Whether the commands of an image start: found out from its layers, without running anything.
 *
 * ```text
 * layer → LayerFacts (kept by diff ID) → ImageView → Starter → CheckReport → Finding
 *          paths, ELF, `#!`               merged      kernel,
 *                                                     glibc, musl
 * ```
 *
 * Nothing of this machine matters: paths and links are followed inside the image, by the rules of the kernel
 * and loaders that will start it. What cannot be told from files alone is taken to work, so that there are
 * no false alarms: loaders that are not known, libraries that a program opens while it runs, relative paths.
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
