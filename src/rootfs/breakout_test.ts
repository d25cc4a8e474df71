/**
 * The archives of containerd's TestBreakouts, by name, written anew. Links that its tests point at the
 * container's own `/etc` point at a real directory outside of the rootfs here, so that a breakout would
 * be seen. Each must be contained, with the tree stated, or refused.
 */
import { assert, assertEquals } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { type FixtureEntry } from "../../tests/support/tar_fixture.ts";
import {
  type Arena,
  layerOf,
  makeArena,
  snapshotTree,
} from "../../tests/support/rootfs_fixture.ts";
import { unpackLayers } from "./unpack.ts";

type Place = Pick<Arena, "outside" | "climb">;
/** Layers of a case and what the rootfs then has: file contents and link targets; or `refused`. */
interface Breakout {
  readonly layers: (place: Place) => readonly (readonly FixtureEntry[])[];
  readonly expected: "refused" | ((place: Place) => Readonly<Record<string, string>>);
}

const d = (name: string): FixtureEntry => ({ name: `${name}/` });
const f = (name: string, content = "new"): FixtureEntry => ({ name, content });
const l = (name: string, link: string): FixtureEntry => ({ name, link });
const h = (name: string, link: string): FixtureEntry => ({ name, link, type: "1" });
const base = [d("etc"), f("etc/passwd", "inside")];
const strip = (path: string): string => path.slice(1);

const BREAKOUTS: Readonly<Record<string, Breakout>> = {
  SymlinkAbsolute: {
    layers: ({ outside }) => [[l("local", `${outside}/etc`), f("local/passwd")]],
    expected: ({ outside }) => ({
      local: `${outside}/etc`,
      [`${strip(outside)}/etc/passwd`]: "new",
    }),
  },
  SymlinkUpAndOut: {
    layers: ({ climb }) => [[l("local", `${climb}/etc`), f("local/passwd")]],
    expected: ({ outside, climb }) => ({
      local: `${climb}/etc`,
      [`${strip(outside)}/etc/passwd`]: "new",
    }),
  },
  SymlinkMultipleAbsolute: {
    layers: ({ outside }) => [
      [l("one", outside), l("two", "/one/etc")],
      [l("one/etc", `${outside}/keep`), f("two/file")],
    ],
    expected: ({ outside }) => ({
      one: outside,
      two: "/one/etc",
      [`${strip(outside)}/etc`]: `${outside}/keep`,
      [`${strip(outside)}/keep/file`]: "new",
    }),
  },
  SymlinkMultipleRelative: {
    layers: ({ climb }) => [[l("one", climb), l("two", "./one/etc"), f("two/passwd")]],
    expected: ({ outside, climb }) => ({
      one: climb,
      two: "./one/etc",
      [`${strip(outside)}/etc/passwd`]: "new",
    }),
  },
  SymlinkEmptyFile: {
    layers: ({ outside }) => [[l("local", `${outside}/etc/passwd`), f("local", "")]],
    expected: () => ({ local: "" }),
  },
  HardlinkRelative: {
    layers: () => [[...base, h("local", "../outside/etc/passwd")]],
    expected: "refused",
  },
  HardlinkDownAndOut: {
    layers: () => [[...base, d("down"), h("local", "down/../../outside/etc/passwd")]],
    expected: "refused",
  },
  HardlinkAbsolute: {
    layers: () => [[...base, h("local", "/etc/passwd")], [f("local")]],
    expected: () => ({ "etc/passwd": "inside", local: "new" }),
  },
  HardlinkRelativeLong: {
    layers: ({ climb }) => [[...base, h("local", `${climb}/etc/passwd`)]],
    expected: "refused",
  },
  HardlinkRelativeUpAndOut: {
    layers: ({ climb }) => [[...base, d("up"), h("up/local", `up/${climb}/etc/passwd`)]],
    expected: "refused",
  },
  HardlinkDirectRelative: {
    layers: ({ climb }) => [[h("local", `${climb}/etc/passwd`), f("local")]],
    expected: "refused",
  },
  HardlinkDirectAbsolute: {
    layers: ({ outside }) => [[h("local", `${outside}/etc/passwd`), f("local")]],
    expected: "refused",
  },
  SymlinkParentDirectory: {
    layers: ({ outside }) => [[l("local/..", outside), f("keep/file")]],
    expected: "refused",
  },
  SymlinkEmptyFilename: {
    layers: ({ outside }) => [[l("", outside), f("keep/file")]],
    expected: "refused",
  },
  SymlinkParentRelative: {
    layers: ({ outside }) => [[d("a"), l("a/../a/../b", outside), f("b/keep/file")]],
    expected: "refused",
  },
  SymlinkSlashEnded: {
    layers: ({ outside }) => [[l("local/", `${outside}/keep`), f("local/file")]],
    expected: ({ outside }) => ({
      local: `${outside}/keep`,
      [`${strip(outside)}/keep/file`]: "new",
    }),
  },
  SymlinkOverrideDirectory: {
    layers: (
      { outside },
    ) => [[d("local"), f("local/old")], [l("local", `${outside}/keep`), f("local/file")]],
    expected: ({ outside }) => ({
      local: `${outside}/keep`,
      [`${strip(outside)}/keep/file`]: "new",
    }),
  },
  SymlinkOverrideDirectoryRelative: {
    layers: (
      { climb },
    ) => [[d("local"), f("local/old")], [l("local", `${climb}/keep`), f("local/file")]],
    expected: ({ outside, climb }) => ({
      local: `${climb}/keep`,
      [`${strip(outside)}/keep/file`]: "new",
    }),
  },
  DirectoryOverrideSymlink: {
    layers: ({ outside }) => [[l("local", `${outside}/keep`), d("local"), f("local/file")]],
    expected: () => ({ "local/file": "new" }),
  },
  DirectoryOverrideSymlinkAndHardlink: {
    layers: ({ outside }) => [[
      ...base,
      l("local", `${outside}/etc`),
      h("hard", "local"),
      d("local"),
      f("local/passwd"),
      f("hard", "also new"),
    ]],
    expected: () => ({ "etc/passwd": "inside", "local/passwd": "new", hard: "also new" }),
  },
  WhiteoutRootParent: { layers: () => [base, [f(".wh...")]], expected: "refused" },
  WhiteoutParent: { layers: () => [base, [f("etc/.wh...")]], expected: "refused" },
  WhiteoutRoot: { layers: () => [base, [f(".wh.")]], expected: "refused" },
  WhiteoutCurrentDirectory: { layers: () => [base, [f("etc/.wh..")]], expected: "refused" },
  WhiteoutSymlink: {
    layers: ({ outside }) => [[l("local", outside)], [f(".wh.local")]],
    expected: () => ({}),
  },
  WhiteoutSymlinkPath: {
    layers: ({ outside }) => [
      [l("local", outside), f("local/keep/file")],
      [f("local/keep/.wh.file"), f("local/etc/.wh.passwd")],
    ],
    expected: ({ outside }) => ({ local: outside }),
  },
  WhiteoutDirectoryName: {
    layers: ({ outside }) => [[l("local", outside)], [f(".wh.local/etc/passwd")]],
    expected: "refused",
  },
  WhiteoutDeadSymlinkParent: {
    layers: (
      { outside },
    ) => [[l("local", `${outside}/missing`)], [f("local/.wh.file"), f("local/new")]],
    expected: ({ outside }) => ({
      local: `${outside}/missing`,
      [`${strip(outside)}/missing/new`]: "new",
    }),
  },
  WhiteoutRelativePath: {
    layers: () => [base, [f("etc/../../outside/etc/.wh.passwd")]],
    expected: "refused",
  },
  SymlinkOverridePath: {
    layers: ({ outside }) => [
      [d("local"), d("local/etc"), f("local/etc/passwd", "old")],
      [l("local", outside), f("local/etc/passwd")],
    ],
    expected: ({ outside }) => ({ local: outside, [`${strip(outside)}/etc/passwd`]: "new" }),
  },
  HardlinkSymlinkBeforeCreateTarget: {
    layers: ({ outside }) => [[l("link", `${outside}/etc/new`), h("hard", "link"), f("hard")]],
    expected: ({ outside }) => ({ link: `${outside}/etc/new`, hard: "new" }),
  },
  HardlinkSymlinkRelative: {
    layers: ({ climb }) => [[l("link", `${climb}/etc/passwd`), h("hard", "link"), f("hard")]],
    expected: ({ climb }) => ({ link: `${climb}/etc/passwd`, hard: "new" }),
  },
  HardlinkSymlinkAbsolute: {
    layers: ({ outside }) => [[l("link", `${outside}/etc/passwd`), h("hard", "link"), f("hard")]],
    expected: ({ outside }) => ({ link: `${outside}/etc/passwd`, hard: "new" }),
  },
  HardlinkSymlinkChmod: {
    layers: ({ outside }) => [[
      l("link", `${outside}/etc/passwd`),
      { ...h("hard", "link"), mode: 0o777, uid: 1234, gid: 1234 },
      { ...l("link", `${outside}/etc/passwd`), mode: 0o777, uid: 1234, gid: 1234 },
    ]],
    expected: ({ outside }) => ({
      link: `${outside}/etc/passwd`,
      hard: `${outside}/etc/passwd`,
    }),
  },
};

function contents(arena: Arena): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of snapshotTree(arena.rootfs.directory)) {
    const path = line.split(" ")[0]!;
    const host = `${arena.rootfs.directory}/${path}`;
    const info = Deno.lstatSync(host);
    if (info.isSymlink) found[path] = Deno.readLinkSync(host);
    else if (info.isFile) found[path] = Deno.readTextFileSync(host);
  }
  return found;
}

Deno.test("all 34 breakouts are here", () => {
  assertEquals(Object.keys(BREAKOUTS).length, 34);
});

for (const [name, { layers, expected }] of Object.entries(BREAKOUTS)) {
  Deno.test(`Breakout ${name} is ${expected === "refused" ? "refused" : "contained"}`, async () => {
    using arena = makeArena();
    let error: unknown;
    try {
      await unpackLayers(arena.rootfs, layers(arena).map((entries) => layerOf(...entries)));
    } catch (caught) {
      error = caught;
    }
    arena.checkOutside();
    if (expected === "refused") {
      assert(error instanceof MiseOciError, String(error));
      assertEquals(error.code, "invalid");
    } else {
      if (error !== undefined) throw error;
      assertEquals(contents(arena), expected(arena));
    }
  });
}
