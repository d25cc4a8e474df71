/**
 * What is in an image and how two differ, as data and as a page. Pure: documents and lists of files in,
 * values and text out.
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
