/**
 * Flags as data, from which the parser, help, completions and docs/cli.md are derived.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** Base of relative paths on the command line: the working directory, or `--cd`. */
export interface Place {
  /** Makes a path absolute. */
  resolve(path: string): string;
}

/** What shells complete for a value; for an image, files, and tags of a layout after `oci:DIR:`. */
export type Completes = "directory" | "file" | "image" | "nothing";

/** Whether a flag takes a value and can be repeated. */
export type FlagKind = "switch" | "count" | "value" | "list";

/** One flag; its name is its key in a {@linkcode FlagTable}. */
export interface Flag<T> {
  /** `switch` and `count` take no value; `value` keeps the last one, `list` all. */
  readonly kind: FlagKind;
  /** Short name: one letter. */
  readonly short?: string;
  /** The value's name in help: `DIR`. */
  readonly valueName?: string;
  /** One sentence without a final period. */
  readonly help: string;
  /** The default, as text for help. */
  readonly defaultText?: string;
  /** The allowed values, if limited. */
  readonly choices?: readonly string[];
  /** Common values for completion, if many are allowed. */
  readonly suggestions?: readonly string[];
  /** What shells complete, without choices and suggestions. */
  readonly completes: Completes;
  /** Whether the value is an argument for another program, so that it may look like a flag. */
  readonly foreign?: boolean;
  /** Environment variable that provides the value if the flag is not given. */
  readonly env?: string;
  /** Heading in help; default "Flags". */
  readonly group?: string;
  /**
   * Converts the values given, in order; empty if the flag was not given.
   * @throws {MiseOciError} `usage`.
   */
  convert(given: readonly string[], place: Place): T;
}

/** Flags by long name. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** The converted values of a table's flags. */
export type FlagValues<F extends FlagTable> = {
  readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never;
};

/** Properties of every flag. */
interface FlagSpec {
  readonly short?: string;
  readonly help: string;
}

/** A flag that takes a value. */
interface ValueSpec<T> extends FlagSpec {
  readonly valueName: string;
  readonly completes?: Completes;
  readonly suggestions?: readonly string[];
  readonly foreign?: boolean;
  readonly defaultText?: string;
  readonly env?: string;
  /** Parses the value. @throws {MiseOciError} `usage`. */
  readonly parse: (text: string, place: Place) => T;
}

/** `--name`: off by default; `--name=false` turns it off again. */
export function switchFlag(spec: FlagSpec): Flag<boolean> {
  return {
    ...spec,
    kind: "switch",
    completes: "nothing",
    convert: (given) => given.at(-1) === "true",
  };
}

/** `-v`, `-vv`: counts how often it is given. */
export function countFlag(spec: FlagSpec): Flag<number> {
  return {
    ...spec,
    kind: "count",
    completes: "nothing",
    convert: (given) => given.length - (given.lastIndexOf("false") + 1),
  };
}

/** `--name VALUE`; the last one wins. */
export function valueFlag<T>(spec: ValueSpec<T>): Flag<T | undefined> {
  const { parse, ...rest } = spec;
  return {
    completes: "nothing",
    ...rest,
    kind: "value",
    convert: (given, place) => {
      const text = given.at(-1);
      return text === undefined ? undefined : parse(text, place);
    },
  };
}

/** `--name VALUE`, which can be repeated. */
export function listFlag<T>(spec: ValueSpec<T>): Flag<readonly T[]> {
  const { parse, ...rest } = spec;
  return {
    completes: "nothing",
    ...rest,
    kind: "list",
    convert: (given, place) => given.map((text) => parse(text, place)),
  };
}

/** `--name a|b|c`; the first choice is the default. */
export function choiceFlag<const C extends readonly [string, ...string[]]>(
  choices: C,
  spec: FlagSpec & { readonly valueName?: string },
): Flag<C[number]> {
  const { valueName = choices.join("|"), ...rest } = spec;
  return {
    ...rest,
    kind: "value",
    valueName,
    choices,
    completes: "nothing",
    defaultText: choices[0],
    convert: (given) => parseChoice(given.at(-1) ?? choices[0], choices),
  };
}

/** Parses one of several choices. @throws {MiseOciError} `usage` listing the choices. */
export function parseChoice<const C extends readonly string[]>(
  text: string,
  choices: C,
): C[number] {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new MiseOciError("usage", `${JSON.stringify(text)} is not one of the values it can have`, {
    hint: `Choose one of ${choices.join(", ")}`,
  });
}

/** Puts the flags of a table under one heading in help. */
export function inGroup<const F extends FlagTable>(group: string, flags: F): F {
  const entries = Object.entries(flags).map(([name, flag]) => [name, { group, ...flag }]);
  return Object.fromEntries(entries) as F;
}

/** Whether a flag takes a value. */
export function takesValue(flag: Flag<unknown>): boolean {
  return flag.kind === "value" || flag.kind === "list";
}
