/**
 * The values of `build`'s flags.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { parseImagePath } from "../../oci/image_path.ts";
import { parseImageName } from "../../oci/reference.ts";
import type { Copy } from "../../plan/project.ts";
import type { Owner } from "../../plan/types.ts";
import type { ArchiveRequest } from "../../build/types.ts";
import type { CommandContext } from "../command.ts";
import type { Place } from "../flag.ts";
import { parseName, parsePath } from "./numbers.ts";

const MAX_ID = 0xffff_ffff;

/**
 * Parses `UID[:GID]`; the GID defaults to the UID.
 *
 * @throws {MiseOciError} `usage` unless both are numbers from 0 to 2^32-1.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseOwner } from "./build.ts";
 *
 * assertEquals(parseOwner("1000"), { uid: 1000, gid: 1000 });
 * ```
 */
export function parseOwner(text: string): Owner {
  const match = /^([0-9]{1,10})(?::([0-9]{1,10}))?$/.exec(text);
  const uid = Number(match?.[1] ?? NaN);
  const gid = Number(match?.[2] ?? match?.[1] ?? NaN);
  if (!(uid <= MAX_ID && gid <= MAX_ID)) {
    throw new MiseOciError("usage", `Cannot parse owner ${JSON.stringify(text)}`, {
      hint:
        `Write UID or UID:GID, numbers from 0 to ${MAX_ID}, such as 1000:1000; names mean nothing without the image's /etc/passwd`,
    });
  }
  return { uid, gid };
}

/**
 * Parses `HOST:IMAGE`, split at the last colon, because a host path may contain colons but an image path
 * may not. A relative host path is resolved against the working directory.
 *
 * @throws {MiseOciError} `usage` unless the image path is absolute, not `/`, and without `.` or `..`.
 */
export function parseCopy(text: string, place: Place): Copy {
  const fail = (why: string): never => {
    throw new MiseOciError("usage", `Cannot copy ${JSON.stringify(text)}: ${why}`, {
      hint: "Write HOST:IMAGE with an absolute image path, such as ./app:/workspace/app",
    });
  };
  const colon = text.lastIndexOf(":");
  if (colon < 0) return fail("there is no colon between host path and image path");
  const host = text.slice(0, colon);
  const image = text.slice(colon + 1);
  if (host === "") return fail("the host path is empty");
  const path = parseImagePath(image, (why) => fail(`the ${why}`));
  if (host.includes("\0")) return fail("it contains a NUL character");
  const directory = image.endsWith("/") ? { directory: true } : {};
  return { host: place.resolve(host), image: path, ...directory };
}

/** Where a build is written, and the image's name there. */
export interface OutputPlace {
  /** Absolute directory of a layout. */
  readonly output?: string;
  /** An archive instead of a layout. */
  readonly archive?: ArchiveRequest;
  /** The name of the image. */
  readonly tag?: string;
}

/**
 * Parses the output of a build: a directory, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]` or
 * `docker-archive:FILE[:NAME]`. As in skopeo, the first colon separates path and name; a directory without
 * a prefix may contain colons.
 *
 * @throws {MiseOciError} `usage`.
 */
export function parseOutput(text: string, place: Place): OutputPlace {
  const name = parseName(text);
  const [, prefix, path = "", tag] =
    /^(oci|oci-archive|docker-archive):([^:]*)(?::(.+))?$/s.exec(name) ?? [];
  if (name === "-" || name === "oci:-") {
    throw new MiseOciError("usage", "Cannot write an image layout to stdout: it is a directory", {
      hint: "Write --output-archive -, which is one stream",
    });
  }
  if (prefix === undefined) return { output: place.resolve(name) };
  const named = tag === undefined ? {} : { tag: parseImageName(tag) };
  if (path === "") {
    throw new MiseOciError("usage", `Cannot write an image to ${JSON.stringify(text)}: no path`, {
      hint: `Write ${prefix}:PATH[:TAG]`,
    });
  }
  if (prefix === "oci") return { output: place.resolve(path), ...named };
  const format = prefix === "oci-archive" ? "oci-archive" : "docker-archive";
  return { archive: { path: parseOutputFile(path, place), format }, ...named };
}

/**
 * Parses the output path of an archive, or `-` for stdout.
 *
 * @throws {MiseOciError} `usage` for an empty text.
 */
export function parseOutputFile(text: string, place: Place): string {
  return text === "-" || text === "/dev/stdout" ? "-" : parsePath(text, place);
}

/** The same for a command that prints its result by default: `undefined` for stdout. */
export function parseOtherOutput(text: string, place: Place): string | undefined {
  const path = parseOutputFile(text, place);
  return path === "-" ? undefined : path;
}

/**
 * Parses the file of a second result beside the one on stdout.
 *
 * @throws {MiseOciError} `usage` for nothing, and for stdout.
 */
export function parseReportFile(text: string, place: Place): string {
  const path = parseOutputFile(text, place);
  if (path !== "-") return path;
  throw new MiseOciError("usage", "Cannot write it to stdout, where the result of the build is", {
    hint: "Name a file; --json prints everything on stdout instead, --quiet the digest alone",
  });
}

/**
 * Refuses what else would be on stdout when an archive is.
 *
 * @throws {MiseOciError} `usage`.
 */
export function checkArchiveOnStdout(
  { json, instead }: { readonly json: boolean; readonly instead: string },
  { io }: Pick<CommandContext, "io">,
): void {
  const fail = (message: string, hint: string): never => {
    throw new MiseOciError("usage", message, { hint });
  };
  if (json) fail("Cannot use --json: stdout is the archive's", instead);
  if (!io.isTerminal("stdout")) return;
  fail(
    "Cannot write an archive to the terminal",
    "Redirect stdout, such as … - | docker load, or name a file",
  );
}

/** Checks that a text is mise's name of a tool, without a version. @throws {MiseOciError} `usage`. */
export function parseToolName(text: string): string {
  const [, name] = /^(.*[^:@/])@[^/]*$/.exec(text) ?? [];
  if (text !== "" && name === undefined) return text;
  throw new MiseOciError("usage", `Cannot use ${JSON.stringify(text)} as the name of a tool`, {
    hint: `Write the name alone, as [tools] has it: ${name ?? "npm:prettier"}`,
  });
}

/** Checks that a text can be the name of an environment variable. @throws {MiseOciError} `usage`. */
export function parseVariableName(text: string): string {
  // deno-lint-ignore no-control-regex
  if (text !== "" && !/[=\x00]/.test(text)) return text;
  throw new MiseOciError("usage", `Cannot use ${JSON.stringify(text)} as a variable name`, {
    hint: "Write the name alone, without = and a value",
  });
}
