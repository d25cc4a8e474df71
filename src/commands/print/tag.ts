/**
 * The output of `tag`.
 * @module
 */
import { formatPlatform } from "../../oci/platform.ts";
import { joinLines } from "../../ui/text.ts";
import { renderTable } from "../../ui/table.ts";
import type { NamedEntry, TagList } from "../../workflow/manage_tags.ts";
import type { Output } from "../command.ts";
import { type PrintOptions, shortenDigest } from "./layers.ts";

function listJson({ image, entries }: TagList): unknown {
  return {
    image,
    entries: entries.map(({ platforms, ...entry }) => ({
      ...entry,
      platforms: platforms.map(formatPlatform),
    })),
  };
}

/** The platforms of an entry. */
function platformText({ platforms }: NamedEntry): string {
  return platforms.map(formatPlatform).join(", ");
}

/** The output of `tag ls`; only names with `quiet`, and for a registry, which lists nothing else. */
export function tagListOutput(list: TagList, { quiet, short }: PrintOptions): Output {
  const isBare = quiet || list.entries.every(({ digest }) => digest === undefined);
  return {
    text: (columns) =>
      joinLines(
        isBare ? list.entries.flatMap(({ tag }) => tag ?? []) : renderTable(
          [{ title: "TAG" }, { title: "DIGEST" }, { title: "PLATFORM" }],
          list.entries.map((entry) => [
            entry.tag ?? "(none)",
            shortenDigest(entry.digest ?? "", short),
            platformText(entry),
          ]),
          columns,
        ),
      ),
    json: () => listJson(list),
  };
}

/** The output of `tag rm`. */
export function tagRemoveOutput(removed: TagList): Output {
  return {
    text: (columns) =>
      joinLines(
        removed.entries.map(({ tag = "", digest }) => `removed ${tag} (${digest})`),
        columns,
      ),
    json: () => listJson(removed),
  };
}
