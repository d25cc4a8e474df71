import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createFakeMise } from "../../tests/support/fake_mise.ts";
import { MiseOciError } from "../errors.ts";
import { dirname, join } from "@std/path";
import { locateMise } from "./locate.ts";

function locate(
  misePath: string | undefined,
  env: Readonly<Record<string, string>>,
  directory = "/",
): string {
  const options = { directory, ...(misePath === undefined ? {} : { misePath }) };
  return locateMise(options, { env: (name) => env[name] });
}

Deno.test("locateMise() takes --mise, then MISE_OCI_MISE, then PATH", async () => {
  await using fake = await createFakeMise(() => ({}));
  await using other = await createFakeMise(() => ({}));
  const PATH = `/nowhere:${dirname(other.path)}`;
  assertEquals(locate(fake.path, { PATH, MISE_OCI_MISE: other.path }), fake.path);
  assertEquals(locate(undefined, { PATH, MISE_OCI_MISE: fake.path }), fake.path);
  assertEquals(locate(undefined, { PATH, MISE_OCI_MISE: "" }), other.path);
  assertEquals(locate("mise", { PATH }), other.path);
  assertEquals(locate("./bin/mise", {}, join(fake.path, "../..")), fake.path);
});

Deno.test("C07: a missing mise is an error that says how to install it", () => {
  const error = assertThrows(() => locate(undefined, { PATH: "/nowhere" }), MiseOciError);
  assertEquals(error.code, "mise");
  assertEquals(error.message, "Cannot find mise: no such program on PATH");
  assertStringIncludes(error.hint ?? "", "mise.run");
});

Deno.test("locateMise() names where it was told to look", () => {
  const flag = assertThrows(() => locate("/no/mise", {}), MiseOciError);
  assertStringIncludes(flag.message, '"/no/mise" (--mise)');
  const variable = assertThrows(
    () => locate(undefined, { MISE_OCI_MISE: "/no/mise" }),
    MiseOciError,
  );
  assertStringIncludes(variable.message, "(MISE_OCI_MISE)");
});

Deno.test("locateMise() takes no mise from a relative directory on PATH, nor a file without x", async () => {
  await using fake = await createFakeMise(() => ({}));
  await Deno.chmod(fake.path, 0o644);
  assertThrows(() => locate(undefined, { PATH: dirname(fake.path) }), MiseOciError);
  assertThrows(() => locate(undefined, { PATH: "bin:." }, dirname(fake.path)), MiseOciError);
});
