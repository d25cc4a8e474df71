/**
 * Unpacks layers made by {@linkcode tar} next to a tree that must not change (oracle O3).
 * @module
 */
import { createHash } from "node:crypto";
import { MediaType, parseDiffId, parseDigest } from "../../src/oci/mod.ts";
import type { UnpackLayer } from "../../src/rootfs/unpack.ts";
import { Rootfs } from "../../src/rootfs/rootfs.ts";
import { type FixtureEntry, streamOf, tar } from "./tar_fixture.ts";

/** A layer of an uncompressed tar. */
export function layerOf(...entries: readonly (FixtureEntry | Uint8Array)[]): UnpackLayer {
  return layerOfBytes(tar(...entries), MediaType.layer);
}

/** A layer of the given blob; the diff ID is that of `archive`, default the blob itself. */
export function layerOfBytes(
  blob: Uint8Array,
  mediaType: string,
  archive: Uint8Array = blob,
): UnpackLayer {
  const sha256 = (bytes: Uint8Array): string =>
    `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  return {
    descriptor: { mediaType, digest: parseDigest(sha256(blob)), size: blob.length },
    diffId: parseDiffId(sha256(archive)),
    open: () => Promise.resolve(streamOf(blob)),
  };
}

/** A line for everything in a tree: path, kind, mode, owner, links, content or target. */
export function snapshotTree(directory: string): string[] {
  const lines: string[] = [];
  const visit = (path: string): void => {
    const info = Deno.lstatSync(directory + path);
    const mode = ((info.mode ?? 0) & 0o7777).toString(8);
    const what = info.isSymlink
      ? `-> ${Deno.readLinkSync(directory + path)}`
      : info.isFile
      ? JSON.stringify(Deno.readTextFileSync(directory + path))
      : "/";
    const shownMode = info.isSymlink ? "" : `${mode} `;
    lines.push(`${path === "" ? "." : path.slice(1)} ${shownMode}${info.uid}:${info.gid} ${what}`);
    if (!info.isDirectory) return;
    const names = Array.from(Deno.readDirSync(directory + path), (entry) => entry.name).sort();
    for (const name of names) visit(`${path}/${name}`);
  };
  visit("");
  return lines;
}

/** A rootfs beside a tree of victims; the tree's snapshot must stay the same. */
export interface Arena extends Disposable {
  readonly rootfs: Rootfs;
  /** Absolute path of the tree outside. */
  readonly outside: string;
  /** A relative path that climbs from anywhere in the rootfs to the tree outside. */
  readonly climb: string;
  /** Throws if the tree outside changed. */
  checkOutside(): void;
}

/** Makes an arena in a temporary directory. */
export function makeArena(): Arena {
  const top = Deno.makeTempDirSync({ prefix: "arena-" });
  const outside = `${top}/outside`;
  Deno.mkdirSync(`${top}/root`);
  Deno.mkdirSync(`${outside}/etc`, { recursive: true });
  Deno.mkdirSync(`${outside}/keep`);
  Deno.writeTextFileSync(`${outside}/etc/passwd`, "victim");
  Deno.writeTextFileSync(`${outside}/keep/file`, "keep me");
  Deno.chmodSync(`${outside}/etc/passwd`, 0o640);
  Deno.symlinkSync("passwd", `${outside}/etc/link`);
  const state = (): string => JSON.stringify([snapshotTree(outside), mtimes(outside), names(top)]);
  const before = state();
  return {
    rootfs: new Rootfs(`${top}/root`),
    outside,
    climb: `${"../".repeat(30)}${outside.slice(1)}`,
    checkOutside(): void {
      const after = state();
      if (after !== before) throw new Error(`The tree outside changed:\n${before}\n${after}`);
    },
    [Symbol.dispose]: () => Deno.removeSync(top, { recursive: true }),
  };
}

function names(directory: string): string[] {
  return Array.from(Deno.readDirSync(directory), (entry) => entry.name).sort();
}

function mtimes(directory: string): (number | undefined)[] {
  return ["", "/etc", "/etc/passwd", "/keep", "/keep/file"].map((path) =>
    Deno.lstatSync(directory + path).mtime?.getTime()
  );
}
