/**
 * Flags of `build` and `push` that override `[oci]` for one build. `run` does not have them: its `--env`,
 * `--user`, `--workdir` and `--entrypoint` apply to the container.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { isImageUser } from "../../oci/image_config.ts";
import type { OciOverrides } from "../../plan/project.ts";
import type { CommandInput } from "../command.ts";
import { type FlagTable, inGroup, listFlag, valueFlag } from "../flag.ts";
import { given } from "./build.ts";

type Pair = readonly [name: string, value: string];

/** `NAME=VALUE`. Errors do not repeat the value, which may be a secret. */
function parseVariable(text: string): Pair {
  const at = text.indexOf("=");
  if (at > 0 && !text.includes("\0")) return [text.slice(0, at), text.slice(at + 1)];
  const name = at < 0 ? text : "";
  throw new MiseOciError(
    "usage",
    name === ""
      ? "Cannot set a variable without a name"
      : `Cannot set the variable ${JSON.stringify(name)}: no value is given`,
    {
      hint: `Write --env ${name || "NAME"}=VALUE; the environment of mise is chosen with -E` +
        (name === "" ? "" : ` ${name}`),
    },
  );
}

/** `NAME=VALUE`; as in docker, a name alone has an empty value. */
function parseLabel(text: string): Pair {
  const [name = "", ...rest] = text.split("=");
  if (name !== "" && !text.includes("\0")) return [name, rest.join("=")];
  throw new MiseOciError("usage", "Cannot set a label without a name", {
    hint: "Write --label NAME=VALUE, such as --label org.opencontainers.image.revision=abc123",
  });
}

/**
 * `NAME=VALUE`; refuses docker's prefixes (`index:`, `manifest[linux/amd64]:`), which would end up in the
 * name.
 */
function parseAnnotation(text: string): Pair {
  const fail = (why: string, hint: string): never => {
    throw new MiseOciError("usage", `Cannot set the annotation: ${why}`, { hint });
  };
  const at = text.indexOf("=");
  if (at <= 0 || text.includes("\0")) {
    return fail(
      "a name and a value are needed",
      "Write --annotation NAME=VALUE, such as --annotation org.opencontainers.image.title=app",
    );
  }
  const name = text.slice(0, at);
  const prefix = /^(?:manifest|index)[^.:]*:/.exec(name)?.[0];
  if (prefix !== undefined) {
    return fail(
      `its name begins with ${JSON.stringify(prefix)}`,
      `Write --annotation ${
        name.slice(prefix.length)
      }=VALUE: the manifest gets it, and the index of ` +
        "several platforms too",
    );
  }
  return [name, text.slice(at + 1)];
}

/** The words of a command: a JSON array, or a text without characters that are special to shells. */
function parseWords(text: string): readonly string[] {
  const fail = (why: string): never => {
    throw new MiseOciError("usage", `Cannot parse the command: ${why}`, {
      hint:
        'Write a JSON array of words, such as \'["sh", "-c", "exec app \\"$@\\""]\', or words without ' +
        "quotes and $",
    });
  };
  if (text.includes("\0")) return fail("it contains a NUL character");
  if (!text.trimStart().startsWith("[")) {
    if (/["'`$\\;|&<>*?(){}\n]/.test(text)) {
      return fail("it has characters that only a shell reads");
    }
    return text.split(" ").filter((word) => word !== "");
  }
  let words: unknown;
  try {
    words = JSON.parse(text);
  } catch {
    return fail("it begins like a JSON array and is none");
  }
  const isWords = Array.isArray(words) && words.every((word) => typeof word === "string");
  return isWords ? words as readonly string[] : fail("an array of strings expected");
}

function parseUser(text: string): string {
  if (isImageUser(text)) return text;
  throw new MiseOciError("usage", `Cannot use ${JSON.stringify(text)} as the image's user`, {
    hint: "Write a name or number, maybe with a group: app, 1000, 1000:1000",
  });
}

function parseWorkdir(text: string): string {
  if (text.startsWith("/") && !text.includes("\0")) return text;
  throw new MiseOciError("usage", `Cannot use working directory ${JSON.stringify(text)}`, {
    hint: "Write an absolute directory of the image, such as /workspace",
  });
}

/** The flags. */
export const CONFIG_FLAGS = inGroup("Image config flags", {
  env: listFlag({
    valueName: "NAME=VALUE",
    help: "Set a variable of the image, over [oci.env]",
    parse: parseVariable,
  }),
  label: listFlag({
    valueName: "NAME=VALUE",
    help: "Set a label, over [oci.labels]",
    parse: parseLabel,
  }),
  annotation: listFlag({
    valueName: "NAME=VALUE",
    help: "Annotate the manifest, and the index if there are several platforms",
    parse: parseAnnotation,
  }),
  entrypoint: valueFlag({
    valueName: "COMMAND",
    help: "Set the entrypoint: words, or a JSON array of words; empty for none",
    parse: parseWords,
  }),
  cmd: valueFlag({
    valueName: "COMMAND",
    help: "Set the default command, as --entrypoint",
    parse: parseWords,
  }),
  user: valueFlag({
    valueName: "USER[:GROUP]",
    help: "Set the user that runs commands: a user of the image, or an id",
    parse: parseUser,
  }),
  workdir: valueFlag({
    valueName: "DIR",
    help: "Set the working directory",
    parse: parseWorkdir,
  }),
}) satisfies FlagTable;

/** The overrides, if any of the flags is given. */
export function overridesRequest(
  { flags, given: names }: CommandInput<typeof CONFIG_FLAGS>,
): { readonly overrides?: OciOverrides } {
  if (!Object.keys(CONFIG_FLAGS).some((name) => names.has(name))) return {};
  const { entrypoint, cmd, user, workdir } = flags;
  const table = (pairs: readonly Pair[]): Record<string, string> | undefined =>
    pairs.length === 0 ? undefined : Object.fromEntries(pairs);
  return {
    overrides: {
      ...given("env", table(flags.env)),
      ...given("labels", table(flags.label)),
      ...given("annotations", table(flags.annotation)),
      ...given("entrypoint", entrypoint),
      ...given("cmd", cmd),
      ...given("user", user),
      ...given("workdir", workdir),
    },
  };
}
