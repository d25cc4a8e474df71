/**
 * Parsers for the values of `[oci]` keys; errors name the place of the value (spec: mise.toml).
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { expandHome } from "../../home.ts";
import { type NamedBase, parseBase, parseStoreReference } from "../../oci/mod.ts";
import { isImageUser } from "../../oci/image_config.ts";
import { parseImagePath } from "../../oci/image_path.ts";
import type { Copy, Healthcheck, StoreSetting, VerifyRule } from "../../plan/project.ts";
import { dirname, resolve } from "@std/path";
import { type ConfigFile, describePlace, isTable } from "../config_file.ts";

/** The place of a value, for messages. */
export interface FieldPlace {
  /** The file. */
  readonly file: ConfigFile;
  /** Keys from the root of the file: `["oci", "user_id"]`. */
  readonly path: readonly string[];
  /** The home directory, for `~/` in paths. */
  readonly home?: string | undefined;
  /** An example of the key, for hints. */
  readonly example?: string;
}

function describeType(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return "a date";
  if (isTable(value)) return "a table";
  if (typeof value === "number" && !Number.isInteger(value)) return "a number with a fraction";
  if (typeof value === "number" || typeof value === "bigint") return `the number ${value}`;
  return `a ${typeof value}`;
}

/**
 * Throws an error with the file, the line if known, and the key; the default hint is an example of
 * the key.
 */
export function failField(
  place: FieldPlace,
  why: string,
  hint: string | undefined = place.example,
): never {
  const key = place.path.join(".");
  throw new MiseOciError(
    "config",
    `Cannot use ${JSON.stringify(key)} in ${describePlace(place.file, place.path)}: ${why}`,
    hint === undefined ? {} : { hint },
  );
}

/** Parses a text with `parse`, and adds the place to its errors. */
export function parsed<T>(value: unknown, place: FieldPlace, parse: (text: string) => T): T {
  const source = text(value, place);
  try {
    return parse(source);
  } catch (error) {
    if (!(error instanceof MiseOciError)) throw error;
    const { message, hint } = error;
    return failField(place, message.charAt(0).toLowerCase() + message.slice(1), hint);
  }
}

/** Narrows to a string that is not empty. */
export function text(value: unknown, place: FieldPlace): string {
  if (typeof value !== "string") {
    return failField(place, `a string expected, not ${describeType(value)}`);
  }
  return value === "" ? failField(place, "it is empty") : plain(value, place);
}

/** Arguments and variables cannot contain NUL. */
function plain(value: string, place: FieldPlace): string {
  return value.includes("\0") ? failField(place, "it contains a NUL character") : value;
}

/** Narrows to an array of strings. */
export function texts(value: unknown, place: FieldPlace): readonly string[] {
  if (!Array.isArray(value)) {
    return failField(place, `an array of strings expected, not ${describeType(value)}`);
  }
  return value.map((item) =>
    typeof item === "string"
      ? plain(item, place)
      : failField(place, `an array of strings expected, but it holds ${describeType(item)}`)
  );
}

export function id(value: unknown, place: FieldPlace): number {
  const valid = typeof value === "number" && Number.isInteger(value) && value >= 0 &&
    value <= 0xffff_ffff;
  return valid
    ? value
    : failField(place, `a whole number from 0 to 4294967295 expected, not ${describeType(value)}`);
}

/** Narrows to a positive integer. */
export function count(value: unknown, place: FieldPlace): number {
  return typeof value === "number" && Number.isInteger(value) && value > 0
    ? value
    : failField(place, `a whole number from 1 on expected, not ${describeType(value)}`);
}

export function stringMap(value: unknown, place: FieldPlace): Readonly<Record<string, string>> {
  if (!isTable(value)) {
    return failField(place, `a table of strings expected, not ${describeType(value)}`);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const at = { ...place, path: [...place.path, key] };
      if (key === "" || key.includes("\0")) failField(at, "the name is empty or not text");
      if (place.path.at(-1) === "env" && key.includes("=")) failField(at, 'a name has no "="');
      if (typeof item === "string") return [key, plain(item, at)];
      const quotable = typeof item === "number" || typeof item === "boolean";
      const quotes = quotable ? "; put it in quotes" : "";
      return failField(at, `a string expected, not ${describeType(item)}${quotes}`);
    }),
  );
}

/** A host path; `~/` is the home, relative paths start at the directory of the config file. */
export function hostPath(path: string, { file, home }: FieldPlace): string {
  return resolve(dirname(file.path), expandHome(path, home));
}

export function copies(value: unknown, place: FieldPlace): readonly Copy[] {
  if (!Array.isArray(value)) {
    return failField(place, "tables expected: [[oci.copy]] with host and image");
  }
  return value.map((item, i) => {
    const fail = (why: string): never => failField(place, `entry ${i + 1}: ${why}`);
    if (!isTable(item)) return fail("a table with host and image expected");
    const unknown = Object.keys(item).find((key) => key !== "host" && key !== "image");
    if (unknown !== undefined) return fail(`unknown key ${JSON.stringify(unknown)}`);
    const { host, image } = item;
    if (typeof host !== "string" || host === "") return fail("host must be a path");
    if (typeof image !== "string") return fail("image must be a path");
    return {
      host: hostPath(host, place),
      image: parseImagePath(image, fail),
      ...(image.endsWith("/") ? { directory: true } : {}),
    };
  });
}

/** A base; a relative path starts at the directory of the config file. */
export function from(value: unknown, place: FieldPlace): NamedBase {
  return parsed(value, place, (text) => parseBase(text, (path) => hostPath(path, place)));
}

const PORT = /^([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?(?:\/(tcp|udp|sctp))?$/;

/** Ports in the syntax of a Dockerfile's `EXPOSE`, returned with protocol as docker does. */
export function ports(value: unknown, place: FieldPlace): readonly string[] {
  const list = Array.isArray(value)
    ? value.map((item) => typeof item === "number" ? String(item) : item)
    : value;
  return texts(list, place).flatMap((port) => {
    const [, first, last = first, protocol = "tcp"] = PORT.exec(port) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from <= to && to <= 65535)) {
      failField(
        place,
        `${JSON.stringify(port)} is not a port`,
        'Write "8080", "53/udp" or "8000-8010"',
      );
    }
    return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}/${protocol}`);
  });
}

export function stopSignal(value: unknown, place: FieldPlace): string {
  const signal = typeof value === "number" ? String(value) : text(value, place);
  return /^(?:SIG[A-Z0-9]+(?:[+-][0-9]+)?|[1-9][0-9]?)$/.test(signal) ? signal : failField(
    place,
    `${JSON.stringify(signal)} is not a signal`,
    'Write "SIGINT", or its number',
  );
}

const UNITS: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Parses a duration such as `1m30s` to nanoseconds, docker's unit. */
function duration(value: unknown, place: FieldPlace): number {
  const source = text(value, place);
  const parts = [...source.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)];
  const sum = parts.reduce((total, [, n, unit = ""]) => total + Number(n) * (UNITS[unit] ?? 0), 0);
  const isWhole = parts.map(([part]) => part).join("") === source;
  return isWhole && sum >= 1e6 && Number.isSafeInteger(sum) ? sum : failField(
    place,
    `${JSON.stringify(source)} is not a duration`,
    'Write "30s", "1m30s" or "500ms"',
  );
}

/**
 * The `test` of a health check: a text for the image's shell, the words of a command, or `none`.
 */
function healthTest(value: unknown, place: FieldPlace): readonly string[] {
  if (typeof value !== "string") return ["CMD", ...texts(value, place)];
  return value.toLowerCase() === "none" ? ["NONE"] : ["CMD-SHELL", text(value, place)];
}

/** A Dockerfile's `HEALTHCHECK` as a table. */
export function healthcheck(value: unknown, place: FieldPlace): Healthcheck {
  if (!isTable(value)) {
    return failField(
      place,
      `a table expected, not ${describeType(value)}`,
      'Write { cmd = "curl -f localhost" }',
    );
  }
  const known = ["cmd", "interval", "timeout", "start_period", "retries"];
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    failField(
      place,
      `unknown key ${JSON.stringify(unknown)}`,
      `Known keys are ${known.join(", ")}`,
    );
  }
  const at = (key: string): FieldPlace => ({ ...place, path: [...place.path, key] });
  const maybe = (key: string): number | undefined =>
    value[key] === undefined ? undefined : duration(value[key], at(key));
  const [interval, timeout, startPeriod] = ["interval", "timeout", "start_period"].map(maybe);
  const { cmd, retries } = value;
  if (cmd === undefined) failField(place, "cmd is missing");
  return {
    test: healthTest(cmd, at("cmd")),
    ...(interval === undefined ? {} : { interval }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(startPeriod === undefined ? {} : { startPeriod }),
    ...(retries === undefined ? {} : { retries: id(retries, at("retries")) }),
  };
}

export function volumePaths(value: unknown, place: FieldPlace): readonly string[] {
  return texts(value, place).map((path) =>
    parseImagePath(path, (why) => failField(place, `${JSON.stringify(path)}: ${why}`))
  );
}

export function workdir(value: unknown, place: FieldPlace): string {
  const path = text(value, place);
  return path.startsWith("/")
    ? path
    : failField(place, "an absolute path of the image expected, such as /workspace");
}

/** A user in the syntax of container runtimes: a name or number, with an optional `:GROUP`. */
export function user(value: unknown, place: FieldPlace): string {
  const name = text(value, place);
  return isImageUser(name)
    ? name
    : failField(place, 'a name or number expected, maybe with ":GROUP"');
}

/**
 * Globs of excluded paths. Refuses those that can never match or that git interprets differently.
 */
export function globs(value: unknown, place: FieldPlace): readonly string[] {
  const list = texts(value, place);
  for (const glob of list) {
    const shown = JSON.stringify(glob);
    if (glob.replace(/\/+$/, "") === "") failField(place, `${shown} names nothing`);
    if (glob.startsWith("!")) failField(place, `${shown}: a glob cannot be negated`);
    if (glob.split("/").includes("..")) failField(place, `${shown} leads out of the tool or copy`);
  }
  return list;
}

export function flag(value: unknown, place: FieldPlace): boolean {
  return typeof value === "boolean"
    ? value
    : failField(place, `true or false expected, not ${describeType(value)}`);
}

/** A key file, relative to the directory of the config file, or `keyless`. */
export function keyFile(value: unknown, place: FieldPlace): string {
  if (value === "keyless") return value;
  return hostPath(text(value, place), place);
}

/** A format, or a boolean; `true` means CycloneDX. */
export function sbomFormat(value: unknown, place: FieldPlace): "cyclonedx" | "spdx" | false {
  if (value === true) return "cyclonedx";
  if (value === false || value === "cyclonedx" || value === "spdx") return value;
  return failField(place, 'true, false, "cyclonedx" or "spdx" expected');
}

export function verifyRules(value: unknown, place: FieldPlace): readonly VerifyRule[] {
  if (!Array.isArray(value)) return failField(place, "an array of tables expected");
  return value.map((item, i) => {
    const fail = (why: string): never => failField(place, `entry ${i + 1}: ${why}`);
    if (!isTable(item)) return fail("a table with from and key expected");
    const unknown = Object.keys(item).find((key) => key !== "from" && key !== "key");
    if (unknown !== undefined) return fail(`unknown key ${JSON.stringify(unknown)}`);
    const { from, key } = item;
    if (typeof from !== "string" || from === "") return fail("from must name a repository");
    if (/[@:][^/]*$/.test(from.replace(/^[^/]*:\d+(?=\/)/, ""))) {
      return fail("from names a repository, without a tag or digest");
    }
    if (/\s|:\/\//.test(from)) return fail("from names a repository, such as ghcr.io/acme/*");
    if (typeof key !== "string" || key === "") return fail("key must be a file");
    if (key === "keyless") return fail("key must be a file: only keys are verified");
    return { from, key: keyFile(key, place) };
  });
}

/** A repository, or a table with `ref` and `push`. */
export function store(value: unknown, place: FieldPlace): StoreSetting {
  const { ref, push = false, ...others } = isTable(value) ? value : { ref: value };
  const at = isTable(value) ? { ...place, path: [...place.path, "ref"] } : place;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return failField(place, `unknown key ${JSON.stringify(unknown)}`);
  if (typeof push !== "boolean") return failField(place, "push is true or false");
  parsed(ref, at, parseStoreReference);
  return { ref: text(ref, at), push };
}
