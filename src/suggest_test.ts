import { assertEquals } from "@std/assert";
import { nearest } from "./suggest.ts";

const KEYS = ["from", "tag", "workdir", "entrypoint", "cmd", "user", "user_id", "mount_point"];

Deno.test("nearest() finds a key with a letter missing, doubled, wrong or swapped", () => {
  assertEquals(nearest("entrypont", KEYS), "entrypoint");
  assertEquals(nearest("workdirr", KEYS), "workdir");
  assertEquals(nearest("form", KEYS), "from");
  assertEquals(nearest("usr", KEYS), "user");
});

Deno.test("nearest() sees through case, dashes and underscores", () => {
  assertEquals(nearest("mountPoint", KEYS), "mount_point");
  assertEquals(nearest("user-id", KEYS), "user_id");
});

Deno.test("nearest() completes a beginning", () => {
  assertEquals(nearest("entry", KEYS), "entrypoint");
  assertEquals(nearest("mount", KEYS), "mount_point");
});

Deno.test("nearest() suggests nothing for a word that is like none", () => {
  assertEquals(nearest("zebra", KEYS), undefined);
  assertEquals(nearest("", KEYS), undefined);
  assertEquals(nearest("--", KEYS), undefined);
  assertEquals(nearest("x".repeat(100_000), KEYS), undefined);
});
