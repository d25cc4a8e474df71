/**
 * What `tag` prints.
 * @module
 */
import { joinLines } from "../../ui/lines.ts";
import { renderTable } from "../../ui/table.ts";
import type { NamedEntry, TagList } from "../../workflow/manage_tags.ts";
import type { Output } from "../command.ts";

function platformText({ platform }: NamedEntry): string {
  return platform === undefined ? "" : `${platform.os}/${platform.architecture}`;
}

/** The names of a layout; with `quiet` nothing but them. */
export function tagListOutput(list: TagList, { quiet }: { readonly quiet: boolean }): Output {
  return {
    text: () =>
      joinLines(
        quiet ? list.entries.flatMap(({ tag }) => tag ?? []) : renderTable(
          [{ title: "TAG" }, { title: "DIGEST" }, { title: "PLATFORM" }],
          list.entries.map((entry) => [entry.tag ?? "(none)", entry.digest, platformText(entry)]),
        ),
      ),
    json: () => list,
  };
}

/** What was removed. */
export function tagRemoveOutput(removed: TagList): Output {
  return {
    text: () =>
      joinLines(removed.entries.map(({ tag = "", digest }) => `removed ${tag} (${digest})`)),
    json: () => removed,
  };
}
