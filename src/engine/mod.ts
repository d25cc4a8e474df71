/**
 * Container engines behind one small interface.
 * @module
 */
export { type CommandOutcome, runEngineCommand } from "./command.ts";
export {
  isLoopbackRepository,
  type LoopbackRegistry,
  type ServedDocument,
  type ServedImage,
  serveImage,
  type ServeOptions,
} from "./loopback_registry.ts";
export type {
  ContainerOptions,
  Engine,
  EngineContainer,
  EngineName,
  EngineTag,
  RetainOptions,
} from "./port.ts";
export { selectEngine, type SelectOptions } from "./engines.ts";
