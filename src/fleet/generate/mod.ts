/**
 * Files for other programs, generated from a project.
 * @module
 */
import { bake } from "./bake.ts";
import { dockerfile } from "./dockerfile.ts";
import type { Generator } from "./generator.ts";

export type { GenerateInput, Generator } from "./generator.ts";

/** Every kind, in the order of help. */
export const GENERATORS: readonly Generator[] = [dockerfile, bake];
