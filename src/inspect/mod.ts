/**
 * Describes and compares images, as data and as a page. Pure: takes documents and lists of files, returns
 * values and text.
 * @module
 */
export {
  compareImages,
  type EnvChange,
  type ImageComparison,
  type LayerChange,
  type LayerFate,
  type SettingChange,
} from "./compare.ts";
export {
  describeLayers,
  describeTitle,
  type Documents,
  type LayerDescription,
} from "./describe.ts";
export { compareFiles, type FileChange, type LayerFile } from "./file_changes.ts";
export { type PageImage, type PageLayer, renderPage } from "./page.ts";
