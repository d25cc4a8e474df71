/**
 * Flags as data: parsing, help, completions and docs/cli.md are all made of these tables.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** Where relative paths of the command line start: the working directory, or `--cd`. */
export interface Place {
  /** The absolute path of a path that a user wrote. */
  resolve(path: string): string;
}

/** What a shell offers for a value; for an image files, and the tags of a layout after `oci:DIR:`. */
export type Completes = "directory" | "file" | "image" | "nothing";

/** How often a flag may be given and whether it takes a value. */
export type FlagKind = "switch" | "count" | "value" | "list";

/** One flag, without its name, which is its key in a {@linkcode FlagTable}. */
export interface Flag<T> {
  /** `switch` and `count` take no value; `value` keeps the last one given, `list` all. */
  readonly kind: FlagKind;
  /** One letter. */
  readonly short?: string;
  /** The value's name in help: `DIR`. */
  readonly valueName?: string;
  /** One sentence without a final period. */
  readonly help: string;
  /** The default as help shows it. */
  readonly defaultText?: string;
  /** The only values there are. */
  readonly choices?: readonly string[];
  /** Values that a shell offers, of many that there are. */
  readonly suggestions?: readonly string[];
  /** What a shell offers for the value, if there are neither choices nor suggestions. */
  readonly completes: Completes;
  /** Whether the value is an argument of another program, which may look like a flag of this one. */
  readonly foreign?: boolean;
  /** Environment variable that stands in when the flag is not given. */
  readonly env?: string;
  /** Heading in help under which the flag is listed; default "Flags". */
  readonly group?: string;
  /**
   * The value of the flag from what was given, in order; empty if it was not.
   * @throws {MiseOciError} `usage`.
   */
  convert(given: readonly string[], place: Place): T;
}

/** Flags by long name. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** What the flags of a table give. */
export type FlagValues<F extends FlagTable> = {
  readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never;
};

/** What all kinds of flags share. */
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
  /** Text to value. @throws {MiseOciError} `usage`. */
  readonly parse: (text: string, place: Place) => T;
}

/** `--name`: off unless given; `--name=false` takes it back. */
export function switchFlag(spec: FlagSpec): Flag<boolean> {
  return {
    ...spec,
    kind: "switch",
    completes: "nothing",
    convert: (given) => given.at(-1) === "true",
  };
}

/** `-v`, `-vv`: the number of times it is given. */
export function countFlag(spec: FlagSpec): Flag<number> {
  return {
    ...spec,
    kind: "count",
    completes: "nothing",
    convert: (given) => given.length - (given.lastIndexOf("false") + 1),
  };
}

/** `--name VALUE`; the last one given counts. */
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

/** `--name VALUE`, as often as wanted. */
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

/** The choice that a text names. @throws {MiseOciError} `usage` listing the choices. */
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

/** The flags of a table, all listed under one heading in help. */
export function inGroup<const F extends FlagTable>(group: string, flags: F): F {
  const entries = Object.entries(flags).map(([name, flag]) => [name, { group, ...flag }]);
  return Object.fromEntries(entries) as F;
}

/** Whether a flag takes a value. */
export function takesValue(flag: Flag<unknown>): boolean {
  return flag.kind === "value" || flag.kind === "list";
}
