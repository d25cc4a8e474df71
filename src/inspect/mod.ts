/**
 * Describes and compares images, as data and as a page. Pure: takes documents and lists of files, returns
 * values and text.
 * @module
 */
export {
  compareFiles,
  compareImages,
  type EnvChange,
  type FileChange,
  type ImageComparison,
  type LayerChange,
  type LayerFate,
  type LayerFile,
  type SettingChange,
} from "./compare.ts";
export {
  describeLayers,
  describeTitle,
  type Documents,
  type LayerDescription,
} from "./describe.ts";
export { type PageImage, type PageLayer, renderPage } from "./page.ts";
