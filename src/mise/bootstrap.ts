/**
 * `[bootstrap]` of the project: packages for the image, and tables that do not apply to images.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { SystemPackage } from "../plan/project.ts";
import { type ConfigFile, describePlace, isTable, maybeTable } from "./config_file.ts";
import { failField, type FieldPlace, text, texts } from "./oci/oci_values.ts";

/** Tables of `[bootstrap]` that configure a machine and do not apply to images. */
const MACHINE_TABLES = [
  "accounts",
  "compose",
  "directories",
  "files",
  "firewall",
  "groups",
  "hooks",
  "linux",
  "repos",
  "services",
  "users",
];

/** `GOARCH` by the architecture in mise's `os = ["linux/x64"]`. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  x86_64: "amd64",
  amd64: "amd64",
  arm64: "arm64",
  aarch64: "arm64",
  x86: "386",
  arm: "arm",
};

/** The architectures selected by `os`: `"none"` if Linux is not among them, `undefined` for all. */
function linuxArchitectures(
  value: unknown,
  place: FieldPlace,
): readonly string[] | "none" | undefined {
  if (value === undefined) return undefined;
  const selectors = typeof value === "string" ? [value] : texts(value, place);
  const found: string[] = [];
  for (const selector of selectors) {
    const [os, arch] = selector.split("/", 2);
    if (os !== "linux") continue;
    if (arch === undefined) return undefined;
    found.push(ARCHITECTURES[arch] ?? arch);
  }
  return found.length === 0 ? "none" : found;
}

function parsePackage(
  key: string,
  value: unknown,
  place: FieldPlace,
): SystemPackage | "other system" {
  const colon = key.indexOf(":");
  const manager = key.slice(0, Math.max(colon, 0));
  const name = key.slice(colon + 1);
  if (manager === "" || name === "") {
    return failField(place, 'a name such as "apt:curl" expected: manager, colon, package');
  }
  if (name.startsWith("-") || /[\s\0]/.test(name)) failField(place, "that is not a package name");
  const options = isTable(value) ? value : { version: value };
  const version = options["version"] === undefined
    ? "latest"
    : text(options["version"], isTable(value) ? below(place, "version") : place);
  const architectures = linuxArchitectures(options["os"], below(place, "os"));
  if (architectures === "none") return "other system";
  return {
    manager,
    name,
    version,
    source: place.file.path,
    ...(architectures === undefined ? {} : { architectures }),
  };
}

function below(place: FieldPlace, key: string): FieldPlace {
  return { file: place.file, path: [...place.path, key] };
}

/**
 * The packages of the project: entries of more specific files replace those of less specific ones,
 * keeping their position. Entries for other systems (`os = "macos"`) are left out.
 *
 * @param files Config files, least specific first.
 * @throws {MiseOciError} `config` for an invalid entry, and for `[bootstrap.macos]`.
 */
export function parsePackages(files: readonly ConfigFile[]): readonly SystemPackage[] {
  const merged = new Map<string, SystemPackage>();
  for (const file of files) {
    const macos = maybeTable(file.table, "bootstrap", "macos");
    if (macos !== undefined && Object.keys(macos).length > 0) {
      throw new MiseOciError(
        "config",
        `Cannot put [bootstrap.macos] in an image (${
          describePlace(file, ["bootstrap", "macos"])
        }): it means nothing on Linux`,
        {
          hint: "Move it to the global config, or to a config of an environment (mise.macos.toml)",
        },
      );
    }
    const packages = maybeTable(file.table, "bootstrap", "packages") ?? {};
    for (const [key, value] of Object.entries(packages)) {
      const place = { file, path: ["bootstrap", "packages", key] };
      const parsed = parsePackage(key, value, place);
      if (parsed === "other system") merged.delete(key);
      else merged.set(key, parsed);
    }
  }
  return [...merged.values()];
}

/** Warns of each file whose `[bootstrap]` contains more than packages. */
export function bootstrapWarnings(files: readonly ConfigFile[]): readonly string[] {
  return files.flatMap((file) => {
    const bootstrap = maybeTable(file.table, "bootstrap") ?? {};
    const found = MACHINE_TABLES.filter((key) => Object.hasOwn(bootstrap, key));
    if (found.length === 0) return [];
    const names = found.map((key) => `[bootstrap.${key}]`).join(", ");
    return [
      `${names} of ${JSON.stringify(file.path)} sets up a machine and is not put in the image`,
    ];
  });
}
