import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startServer, startTokenServer } from "../../tests/support/faultreg/mod.ts";
import { failure, testClient } from "../../tests/support/registry_client.ts";
import { as, BASIC, challenging, pull, withTokens } from "../../tests/support/registry_login.ts";

Deno.test("A13: an identity token is exchanged by POST, and by GET where there is no POST", async () => {
  await using servers = withTokens({ identityToken: "refresh", anonymous: false });
  using test = testClient(servers.registry.host, as({ kind: "identity", token: "refresh" }));
  await test.client.read(pull(), 9999);
  assertEquals(servers.tokens.log.map(({ method }) => method), ["POST"]);
  assertEquals(servers.tokens.given[0]?.scopes, ["repository:app:pull"]);
  for (const status of [404, 405]) {
    servers.tokens.faults.clear();
    servers.tokens.faults.add({ method: "POST", fault: { kind: "status", status } });
    using again = testClient(servers.registry.host, as({ kind: "identity", token: "refresh" }));
    await again.client.read(pull(), 9999);
    assertEquals(servers.tokens.log.slice(-2).map(({ method }) => method), ["POST", "GET"]);
  }
  assertEquals(servers.tokens.log.some(({ target }) => target.includes("refresh")), false);
});

Deno.test("A03: token responses: any odd life is fine, anything but a printable token is not", async () => {
  const good: unknown[] = [
    { token: "good" },
    { access_token: "good" },
    { token: "good", access_token: "bad" },
    { token: "", access_token: "good" },
    { token: "good", expires_in: 0 },
    { token: "good", expires_in: -1 },
    { token: "good", expires_in: 1e12 },
    { token: "good", expires_in: "x", issued_at: 7 },
  ];
  const bad = [
    "",
    "<html>",
    "[]",
    "null",
    "{}",
    '{"token":""}',
    '{"token":7}',
    '{"token":"a\\r\\nX: y"}',
    '{"token":"a b"}',
    '{"token":"ä"}',
    `{"token":"${"x".repeat(2 << 20)}"}`,
  ];
  await using tokens = startTokenServer();
  await using registry = challenging(`Bearer realm="${tokens.realm}"`);
  for (const body of [...good.map((value) => JSON.stringify(value)), ...bad]) {
    tokens.faults.clear();
    tokens.faults.add({ fault: { kind: "status", status: 200, body } });
    using test = testClient(registry.host);
    if (!bad.includes(body)) {
      assertEquals((await test.client.read(pull(), 9999)).status, 200, body);
      continue;
    }
    const error = await failure(test.client.read(pull(), 9999));
    assertEquals(error.code, "auth", body.slice(0, 40));
    assert(error.message.length < 400);
  }
});

Deno.test("R14: an endless token response is cut off", async () => {
  await using tokens = startTokenServer();
  await using registry = challenging(`Bearer realm="${tokens.realm}"`);
  tokens.faults.add({ fault: { kind: "extraBytes", count: Infinity } });
  using test = testClient(registry.host);
  assertStringIncludes(
    (await failure(test.client.read(pull(), 9999))).message,
    "longer than 1048576 bytes",
  );
});

Deno.test("A token server in passing trouble is asked again", async () => {
  await using servers = withTokens();
  servers.tokens.faults.add({ fault: { kind: "status", status: 503 } });
  servers.tokens.faults.add({ fault: { kind: "closeAfter", bytes: 3 } });
  servers.tokens.faults.add({
    fault: { kind: "status", status: 429, headers: { "retry-after": "3" } },
  });
  using test = testClient(servers.registry.host);
  await test.client.read(pull(), 9999);
  assertEquals(test.clock.slept, [500, 1000, 3000]);
  servers.tokens.faults.add({ fault: { kind: "status", status: 503 }, times: Infinity });
  const before = servers.tokens.log.length;
  await failure(test.client.read(pull("other"), 9999));
  assertEquals(servers.tokens.log.length - before, 5);
});

Deno.test("A token server that refuses the credentials is named, they are not", async () => {
  await using servers = withTokens({ user: { username: "user", password: "other" } });
  using test = testClient(servers.registry.host, as(BASIC));
  const error = await failure(test.client.read(pull(), 9999));
  assertEquals(error.code, "auth");
  assertStringIncludes(error.message, "refuses the stored credentials");
  assertEquals((error.message + test.lines.join("\n")).includes("geheim"), false);
});

Deno.test("A02: a token endpoint that redirects is refused", async () => {
  await using elsewhere = startTokenServer();
  await using tokens = startTokenServer();
  await using registry = challenging(`Bearer realm="${tokens.realm}"`);
  for (const status of [301, 302, 303, 307, 308]) {
    tokens.faults.add({ fault: { kind: "redirect", status, url: elsewhere.realm } });
    using test = testClient(registry.host, as(BASIC));
    const error = await failure(test.client.read(pull(), 9999));
    assertStringIncludes(error.message, "Refusing a redirect");
  }
  assertEquals(elsewhere.log, []);
});

Deno.test("A22: what a token server or registry repeats of a login is masked, in every form", async () => {
  const password = "p@ss/wörd-sentinel";
  const utf8 = Array.from(
    new TextEncoder().encode(`user:${password}`),
    (byte) => String.fromCharCode(byte),
  ).join("");
  const forms = [password, encodeURIComponent(password), btoa(utf8)];
  await using tokens = startTokenServer();
  await using registry = challenging(`Bearer realm="${tokens.realm}"`);
  const login = as({ kind: "basic", username: "user", password });
  const bodies = [
    JSON.stringify({ details: `no user with ${forms.join(" ")}` }),
    // Cut in the middle of a secret, nothing of it may be left.
    `${"x".repeat(1015)}${password} ${forms.join(" ")}`,
    JSON.stringify({ errors: [{ code: "DENIED", message: `Authorization: Basic ${btoa(utf8)}` }] }),
  ];
  for (const body of bodies) {
    for (const status of [400, 401, 403, 429]) {
      tokens.faults.clear();
      tokens.faults.add({ fault: { kind: "status", status, body } });
      using test = testClient(registry.host, login);
      const { message, hint, stack, cause } = await failure(test.client.read(pull(), 9999));
      const all = [message, hint, stack, String(cause)].join("\n");
      for (const form of forms) assert(!all.includes(form), `${status} ${form}`);
      assert(!/p@ss|sentinel/.test(all), all);
      if (status !== 429) assertStringIncludes(message, body.startsWith("x") ? "xxx" : "***");
    }
  }
  const token = "access-token-sentinel";
  tokens.faults.clear();
  tokens.faults.add({ fault: { kind: "status", status: 200, body: JSON.stringify({ token }) } });
  await using echo = startServer({
    handle: ({ headers }) =>
      headers.get("authorization") === `Bearer ${token}`
        ? { status: 400, body: `no good: Bearer ${token}` }
        : { status: 401, headers: { "www-authenticate": `Bearer realm="${tokens.realm}"` } },
  });
  using test = testClient(echo.host, login);
  assertStringIncludes((await failure(test.client.read(pull(), 9999))).message, "Bearer ***");
});
