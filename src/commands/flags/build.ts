/**
 * The flags of the commands that build: `build`, `run` and `push`.
 * @module
 */
import { COMPRESSION_LEVELS, COMPRESSIONS, parseCompression } from "../../oci/compression.ts";
import { DEFAULT_FROM, LOCAL_FORMS, parseBase } from "../../oci/image_source.ts";
import { parseStoreReference } from "../../oci/reference.ts";
import { DEFAULT_MOUNT_POINT, parseMountPoint } from "../../oci/image_path.ts";
import { parsePlatform } from "../../oci/platform.ts";
import { MiseOciError } from "../../errors.ts";
import type { CheckMode } from "../../check/report/report_problems.ts";
import type { TransientBuild } from "../../build/types.ts";
import type { CommandContext, CommandInput } from "../command.ts";
import {
  choiceFlag,
  type FlagTable,
  type FlagValues,
  inGroup,
  listFlag,
  switchFlag,
  valueFlag,
} from "../flag.ts";
import { COMMON_PLATFORMS, PLATFORMS_FLAGS, platformsRequest } from "./platforms.ts";
import { parseCopy, parseOwner, parseToolName, parseVariableName } from "../values/build.ts";

/** `--platform` for commands on one image: chooses among the images of an index. */
export const PLATFORM_FLAG = {
  platform: valueFlag({
    valueName: "OS/ARCH",
    suggestions: COMMON_PLATFORMS,
    defaultText: "linux on this machine's architecture",
    help: "Target platform, such as linux/arm64",
    parse: parsePlatform,
  }),
} as const satisfies FlagTable;

/** Flags for the project. */
const PROJECT_FLAGS = inGroup("Project flags", {
  "include-global": switchFlag({
    help: "Include tools and variables of the global and system config",
  }),
  install: switchFlag({
    help: "Run mise install first; push installs only tools without a layer in the registry",
  }),
  locked: switchFlag({
    help: "With --install: install only what mise.lock contains, and fail if something is missing",
  }),
  without: listFlag({
    valueName: "TOOL",
    help: "Leave TOOL and its variables out of the image",
    parse: parseToolName,
  }),
  store: valueFlag({
    valueName: "REF",
    env: "MISE_OCI_STORE",
    defaultText: "[_.oci] store",
    help: "Repository of tool layers shared by many projects",
    parse: parseStoreReference,
  }),
  "store-push": switchFlag({ help: "Add missing layers to the store after a push" }),
  "allow-env": listFlag({
    valueName: "NAME",
    help: "Accept the variable, label or file NAME in the image although it looks like a secret",
    parse: parseVariableName,
  }),
  "drop-env": listFlag({
    valueName: "NAME",
    help: "Leave the variable NAME out of the image",
    parse: parseVariableName,
  }),
  "strict-env": switchFlag({
    help: "Treat warnings about variables, texts and files as errors",
  }),
});

/** Flags for checking whether commands start, including those of an existing image. */
export const CHECK_FLAGS = inGroup("Check flags", {
  strict: switchFlag({ help: "Fail if a command of the image would not start" }),
  "no-check": switchFlag({ help: "Don't check whether the commands of the image would start" }),
});

/**
 * The mode of the check from its flags.
 *
 * @throws {MiseOciError} `usage` for contradictory flags.
 */
export function checkMode(
  flags: FlagValues<typeof CHECK_FLAGS> & { readonly fix?: boolean },
): CheckMode {
  const about = flags.strict ? "--strict" : flags.fix === true ? "--fix" : undefined;
  if (about !== undefined && flags["no-check"]) {
    throw new MiseOciError("usage", `Cannot use ${about} together with --no-check`, {
      hint: "Leave one of the two out",
    });
  }
  return flags.strict ? "strict" : flags["no-check"] ? "off" : "warn";
}

const LEVELS = COMPRESSIONS.flatMap((kind) => {
  const range = COMPRESSION_LEVELS[kind];
  return range === undefined ? [] : `${kind} ${range.min}-${range.max}`;
});

/** `--all`, of commands that work on several projects; the command line looks for the projects. */
export const ALL_FLAG = {
  all: switchFlag({
    help:
      "Every project in or below the directory: those whose own mise config has an [oci] section",
  }),
};

/** All flags of a build except those for its output. */
export const BUILD_FLAGS = {
  ...inGroup("Build flags", {
    from: valueFlag({
      valueName: "REF",
      completes: "image",
      defaultText: DEFAULT_FROM,
      help: `Base image: a reference, scratch, ${LOCAL_FORMS.join(", ")}`,
      parse: (text, place) => parseBase(text, (path) => place.resolve(path)),
    }),
    pull: choiceFlag(["missing", "always", "never"], {
      help: "When to check the registry for the base image",
    }),
    "mount-point": valueFlag({
      valueName: "PATH",
      defaultText: DEFAULT_MOUNT_POINT,
      help: "Directory of the tools in the image",
      parse: parseMountPoint,
    }),
    copy: listFlag({
      valueName: "HOST:IMAGE",
      completes: "file",
      help: "Copy a file or directory into the image as a layer of its own",
      parse: parseCopy,
    }),
    owner: valueFlag({
      valueName: "UID[:GID]",
      defaultText: "0:0",
      help: "Owner of the files in the new layers",
      parse: parseOwner,
    }),
    "no-mise": switchFlag({ help: "Leave the mise executable out of the image" }),
    "embed-self": switchFlag({
      help: "Put the compiled mise-oci into the image too, at /usr/local/bin/mise-oci",
    }),
    "no-cache": switchFlag({
      help: "Rebuild every layer: no local cache, no layers from the registry",
    }),
    compression: valueFlag({
      valueName: `${COMPRESSIONS.join("|")}[:LEVEL]`,
      suggestions: COMPRESSIONS,
      defaultText: COMPRESSIONS[0],
      help: `Compression of the new layers (${LEVELS.join(", ")})`,
      parse: parseCompression,
    }),
  }),
  ...PLATFORMS_FLAGS,
  ...PROJECT_FLAGS,
  ...CHECK_FLAGS,
  ...inGroup("Check flags", {
    fix: switchFlag({
      help: "Add packages that commands need to [bootstrap.packages] and build with them",
    }),
  }),
} as const satisfies FlagTable;

/** @throws {MiseOciError} `usage` for `--locked` without `--install`. */
function lockedInstall({ locked, install }: FlagValues<typeof PROJECT_FLAGS>): boolean {
  if (!locked || install) return locked;
  throw new MiseOciError("usage", "Cannot use --locked without --install: nothing is installed", {
    hint: "Add --install, or leave --locked out",
  });
}

/** Splits lists with commas. */
function names(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => value.split(",")).filter((name) => name !== "");
}

/** The part of a build request set by these flags and the global ones. */
export function buildRequest(
  { flags, globals }: CommandInput<typeof BUILD_FLAGS>,
  { place }: Pick<CommandContext, "place">,
): TransientBuild {
  return {
    directory: place.resolve("."),
    includeGlobal: flags["include-global"],
    install: flags.install,
    ...given("locked", lockedInstall(flags) || undefined),
    ...(flags.without.length === 0 ? {} : { without: names(flags.without) }),
    yes: globals.yes,
    copies: flags.copy,
    embedMise: !flags["no-mise"],
    useCache: !flags["no-cache"],
    pull: flags.pull,
    allowEnv: names(flags["allow-env"]),
    dropEnv: names(flags["drop-env"]),
    strictEnv: flags["strict-env"],
    check: checkMode(flags),
    fix: flags.fix,
    ...given("embedSelf", flags["embed-self"] || undefined),
    ...given("miseEnv", globals.env),
    ...given("misePath", globals.mise),
    ...given("jobs", globals.jobs),
    ...given("store", flags.store),
    ...given("storePush", flags["store-push"] || undefined),
    ...given("from", flags.from),
    ...given("mountPoint", flags["mount-point"]),
    ...given("owner", flags.owner),
    ...given("compression", flags.compression),
    ...platformsRequest(flags.platform),
    ...(flags["mise-binary"].length === 0 ? {} : { miseBinaries: flags["mise-binary"] }),
  };
}

/** An object with the property, or without it if the value is `undefined`. */
export function given<K extends string, T>(
  name: K,
  value: T | undefined,
): { readonly [P in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: T };
}
