/**
 * `release_notes.ts TAG`: prints the notes of a release, which are its part of CHANGELOG.md; with exit code 1 if
 * the tag does not fit the version in deno.json or the part is missing.
 * @module
 */
import manifest from "../deno.json" with { type: "json" };

/**
 * The part of a changelog below `## VERSION`, whatever follows the version in the heading, a date for example.
 *
 * @throws {RangeError} if there is none, or if it is empty.
 */
export function releaseNotes(changelog: string, version: string): string {
  const [, ...parts] = `\n${changelog}`.split(/\n## /);
  for (const part of parts) {
    const [heading = "", ...lines] = part.split("\n");
    if (heading.split(/[\s\]]/, 1)[0]?.replace(/^\[/, "") !== version) continue;
    const notes = lines.join("\n").trim();
    if (notes !== "") return `${notes}\n`;
  }
  throw new RangeError(`CHANGELOG.md has no notes below "## ${version}"`);
}

/** The version of a tag. @throws {RangeError} if deno.json has another one. */
export function versionOfTag(tag: string, version: string = manifest.version): string {
  if (tag !== `v${version}`) {
    throw new RangeError(`Tag "${tag}" does not fit version ${version} in deno.json`);
  }
  return version;
}

if (import.meta.main) {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  try {
    const version = versionOfTag(Deno.args[0] ?? "");
    const changelog = await Deno.readTextFile(new URL("../CHANGELOG.md", import.meta.url));
    await Deno.stdout.write(encode(releaseNotes(changelog, version)));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    await Deno.stderr.write(encode(`release_notes: error: ${error.message}\n`));
    Deno.exit(1);
  }
}
