import { assert, assertEquals } from "@std/assert";
import { MiseOciError } from "./errors.ts";
import { maskSecrets, rememberSecret } from "./masking.ts";

Deno.test("A22: maskSecrets() masks a secret in every form in which a server may repeat it", () => {
  const secret = 'pä$$ "wörd"/+&1';
  rememberSecret(secret);
  const bytes = (text: string): string =>
    Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
  for (
    const text of [
      secret,
      encodeURIComponent(secret),
      encodeURIComponent(secret).toLowerCase().replace("p%c3", "p%c3"),
      new URLSearchParams({ p: secret }).toString(),
      JSON.stringify({ secret }),
      `Basic ${btoa(bytes(`me:${secret}`))}`,
      btoa(bytes(`user:${secret}`)).replaceAll("+", "-").replaceAll("/", "_"),
    ]
  ) {
    const masked = maskSecrets(`refused ${text}`);
    assert(masked.includes("***"), text);
    assert(!/w%C3%B6rd|wörd|d8O2cmQ|%22w/i.test(masked), masked);
  }
});

Deno.test("A22: an error masks what is remembered, in message and hint, and nothing short", () => {
  rememberSecret("s3cret-of-masking");
  rememberSecret("pw");
  const error = new MiseOciError("auth", "said s3cret-of-masking, pw", {
    hint: "s3cret-of-masking",
  });
  assertEquals(error.message, "said ***, pw");
  assertEquals(error.hint, "***");
  assert(!(error.stack ?? "").includes("s3cret"));
});
