/**
 * Typed stand-in for `jsr:@std/assert`, used through `links` where JSR cannot be reached.
 * @module
 */
import * as assertions from "npm:deno-std@1.4.0/assert/mod.js";

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;
type Assertions = {
  assert(expr: unknown, msg?: string): asserts expr;
  assertEquals<T>(actual: T, expected: T, msg?: string): void;
  assertNotEquals<T>(actual: T, expected: T, msg?: string): void;
  assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void;
  assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T;
  assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T>;
  assertMatch(actual: string, expected: RegExp, msg?: string): void;
  assertNotMatch(actual: string, expected: RegExp, msg?: string): void;
  assertStringIncludes(actual: string, expected: string, msg?: string): void;
  assertArrayIncludes<T>(actual: ArrayLike<T>, expected: ArrayLike<T>, msg?: string): void;
  assertObjectMatch(actual: object, expected: object, msg?: string): void;
  assertInstanceOf<E>(
    actual: unknown,
    type: abstract new (...args: never[]) => E,
    msg?: string,
  ): asserts actual is E;
  assertGreater<T>(actual: T, expected: T, msg?: string): void;
  assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void;
  assertLess<T>(actual: T, expected: T, msg?: string): void;
  assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void;
  assertThrows<E extends Error = Error>(
    fn: () => unknown,
    type: ErrorClass<E>,
    includes?: string,
    msg?: string,
  ): E;
  assertRejects<E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    type: ErrorClass<E>,
    includes?: string,
    msg?: string,
  ): Promise<E>;
  fail(msg?: string): never;
  unreachable(msg?: string): never;
};
const impl = assertions as unknown as Assertions;

/** See `@std/assert`. */
export const assert: Assertions["assert"] = impl.assert;
/** See `@std/assert`. */
export const assertEquals: Assertions["assertEquals"] = impl.assertEquals;
/** See `@std/assert`. */
export const assertNotEquals: Assertions["assertNotEquals"] = impl.assertNotEquals;
/** See `@std/assert`. */
export const assertAlmostEquals: Assertions["assertAlmostEquals"] = impl.assertAlmostEquals;
/** See `@std/assert`. */
export const assertStrictEquals: Assertions["assertStrictEquals"] = impl.assertStrictEquals;
/** See `@std/assert`. */
export const assertExists: Assertions["assertExists"] = impl.assertExists;
/** See `@std/assert`. */
export const assertMatch: Assertions["assertMatch"] = impl.assertMatch;
/** See `@std/assert`. */
export const assertNotMatch: Assertions["assertNotMatch"] = impl.assertNotMatch;
/** See `@std/assert`. */
export const assertStringIncludes: Assertions["assertStringIncludes"] = impl.assertStringIncludes;
/** See `@std/assert`. */
export const assertArrayIncludes: Assertions["assertArrayIncludes"] = impl.assertArrayIncludes;
/** See `@std/assert`. */
export const assertObjectMatch: Assertions["assertObjectMatch"] = impl.assertObjectMatch;
/** See `@std/assert`. */
export const assertInstanceOf: Assertions["assertInstanceOf"] = impl.assertInstanceOf;
/** See `@std/assert`. */
export const assertGreater: Assertions["assertGreater"] = impl.assertGreater;
/** See `@std/assert`. */
export const assertGreaterOrEqual: Assertions["assertGreaterOrEqual"] = impl.assertGreaterOrEqual;
/** See `@std/assert`. */
export const assertLess: Assertions["assertLess"] = impl.assertLess;
/** See `@std/assert`. */
export const assertLessOrEqual: Assertions["assertLessOrEqual"] = impl.assertLessOrEqual;
/** See `@std/assert`. */
export const assertThrows: Assertions["assertThrows"] = impl.assertThrows;
/** See `@std/assert`. */
export const assertRejects: Assertions["assertRejects"] = impl.assertRejects;
/** See `@std/assert`. */
export const fail: Assertions["fail"] = impl.fail;
/** See `@std/assert`. */
export const unreachable: Assertions["unreachable"] = impl.unreachable;
