/**
 * `pin`: writes the base's digest and the versions of system packages to the project's config files.
 * @module
 */
import { replaceFile } from "../build/output/write_whole.ts";
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import { maybeTomlString, setTomlString, type TomlPath } from "../fleet/toml_edit.ts";
import { formatReference, type Reference } from "../oci/mod.ts";
import type { PlannedImage } from "../build/types.ts";
import { packageKey, type Project } from "../plan/project.ts";
import {
  currentDigest,
  packageVersions,
  type PinProject,
  planPins,
  withoutDigest,
} from "./pins.ts";

/** The flags of `pin`, parsed. */
export interface PinRequest extends PinProject {
  /** Whether to update existing pins to the newest versions. */
  readonly update: boolean;
  /** Whether to only show what would be changed. */
  readonly dryRun: boolean;
}

/** A changed value. */
export interface PinChange {
  /** Absolute path of the config file. */
  readonly file: string;
  /** The key, as dotted names: `oci.from`. */
  readonly key: string;
  /** The old value. */
  readonly from: string;
  /** The new value. */
  readonly to: string;
}

/** The result of a pin. */
export interface PinResult {
  /** The changes; empty if everything was pinned. */
  readonly changes: readonly PinChange[];
}

interface Edit {
  readonly file: string;
  readonly path: TomlPath;
  readonly value: string;
}

const FROM: TomlPath = ["oci", "from"];

/** The config file that sets the base. */
async function fileOfBase({ configFiles, oci }: Project): Promise<string> {
  for (const file of configFiles.toReversed()) {
    if (!file.endsWith(".toml")) continue;
    const value = maybeTomlString(await Deno.readTextFile(file), FROM);
    if (value === undefined) continue;
    if (value === oci.from?.text) return file;
    throw new MiseOciError(
      "config",
      `Cannot pin from of [oci] in "${file}": ${JSON.stringify(value)} is a template`,
      { hint: "Write the base itself there" },
    );
  }
  throw new MiseOciError("config", "Cannot pin the base: no config file has from in [oci]", {
    hint: 'Write one, such as [oci] from = "debian:bookworm-slim"',
  });
}

/** The base as written, with its tag and the tag's current digest. */
function pinnedText(written: string, reference: Reference, digest: string): string {
  const [name = written] = written.split("@");
  return `${reference.tag === undefined ? `${name}:latest` : name}@${digest}`;
}

/** The edit that pins the base, and the pinned reference. */
async function pinBase(
  planned: PlannedImage,
  { update }: PinRequest,
  context: WorkflowContext,
): Promise<{ readonly edits: readonly Edit[]; readonly from: Reference | undefined }> {
  const { plan: { from }, project } = planned;
  if (from.kind !== "registry") {
    const text = "The base is not in a registry: it has no digest to pin";
    context.reporter.emit({ type: "detail", level: 1, text });
    return { edits: [], from: undefined };
  }
  const { reference } = from;
  const isOpen = reference.digest === undefined || (update && reference.tag !== undefined);
  if (!isOpen) return { edits: [], from: reference };
  const file = await fileOfBase(project);
  const digest = await currentDigest(withoutDigest(reference), planned, context);
  if (digest === undefined) {
    throw new MiseOciError("not-found", `Cannot find image "${formatReference(reference)}"`, {
      hint: "Check the name of the base in [oci] from",
    });
  }
  const value = pinnedText(project.oci.from?.text ?? "", reference, digest);
  return {
    edits: [{ file, path: FROM, value }],
    from: { ...reference, digest },
  };
}

async function pinPackages(
  planned: PlannedImage,
  { update, from }: { readonly update: boolean; readonly from: Reference | undefined },
  context: WorkflowContext,
): Promise<readonly Edit[]> {
  const { platform: { architecture } } = planned.plan;
  const open = (planned.project.packages ?? []).filter(({ version, architectures }) =>
    (update || version === "latest" || version === "") &&
    (architectures === undefined || architectures.includes(architecture))
  );
  if (open.length === 0 || from === undefined) return [];
  const versions = await packageVersions(planned, { from, newest: update }, context);
  return await Promise.all(open.flatMap((one) => {
    const value = versions.get(one.name);
    if (value === undefined) {
      const text = `Package ${packageKey(one)} is not pinned: it is virtual, or part of the base`;
      context.reporter.emit({ type: "warning", text });
      return [];
    }
    return [
      placeOf(one.source, packageKey(one)).then((path) => ({
        file: one.source,
        path,
        value,
      })),
    ];
  }));
}

/** The path of a package's version: `"apt:curl" = "latest"`, or a table with a `version`. */
async function placeOf(file: string, key: string): Promise<TomlPath> {
  const path = ["bootstrap", "packages", key];
  const text = await Deno.readTextFile(file);
  return maybeTomlString(text, path) === undefined ? [...path, "version"] : path;
}

/**
 * Pins what a project leaves open: the base to the digest of its tag, system packages to their versions on
 * that base. Everything else in the config files is kept.
 *
 * @throws {MiseOciError} `config` for a value that cannot be changed, `not-found`, `network`, `packages`;
 * no file is changed then.
 */
export async function pinProject(
  request: PinRequest,
  context: WorkflowContext,
): Promise<PinResult> {
  const planned = await planPins(request, context);
  const { update } = request;
  const base = await pinBase(planned, request, context);
  const packages = await pinPackages(planned, { update, from: base.from }, context);
  const texts = new Map<string, string>();
  const changes: PinChange[] = [];
  for (const { file, path, value } of [...base.edits, ...packages]) {
    const text = texts.get(file) ?? await Deno.readTextFile(file);
    const from = maybeTomlString(text, path) ?? "";
    if (from === value) continue;
    texts.set(file, setTomlString(text, path, value));
    changes.push({ file, key: path.join("."), from, to: value });
  }
  if (!request.dryRun) {
    for (const [file, text] of texts) await replaceFile(file, text);
  }
  return { changes };
}
