import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  startFaultRegistry,
  startServer,
  startTokenServer,
} from "../../tests/support/faultreg/mod.ts";
import { failure, testClient } from "../../tests/support/registry_client.ts";
import {
  as,
  BASIC,
  challenging,
  pull,
  USER,
  withTokens,
} from "../../tests/support/registry_login.ts";

Deno.test("An anonymous token is fetched when the registry asks for one, and used again", async () => {
  await using servers = withTokens();
  using test = testClient(servers.registry.host);
  for (let i = 0; i < 3; i++) await test.client.read(pull(), 9999);
  assertEquals(servers.tokens.log.map(({ authorization }) => authorization), [undefined]);
  assertEquals(servers.registry.log.map(({ status }) => status), [401, 200, 200, 200]);
});

Deno.test("A18: only pull of the one repository is asked for, with the service of the challenge", async () => {
  await using servers = withTokens({ user: USER });
  using test = testClient(servers.registry.host, as(BASIC));
  await test.client.read(pull(), 9999);
  assertEquals(servers.tokens.given.map(({ scopes }) => scopes), [["repository:app:pull"]]);
  const query = new URL(servers.tokens.log[0]?.target ?? "", "http://x").searchParams;
  assertEquals(query.get("service"), "faultreg");
  assertEquals(query.get("account"), "user");
  assertEquals(query.get("client_id"), "mise-oci");
});

Deno.test("A20: each repository has its own token, and each goes to its own host", async () => {
  await using one = withTokens({ user: USER });
  await using two = withTokens({ user: USER });
  using first = testClient(one.registry.host, as(BASIC));
  using second = testClient(two.registry.host, as(BASIC));
  for (const { client } of [first, second]) {
    for (const repository of ["app", "other", "app", "other"]) {
      await client.read(pull(repository), 9999);
    }
  }
  for (const { tokens, registry } of [one, two]) {
    assertEquals(tokens.given.map(({ scopes }) => scopes), [["repository:app:pull"], [
      "repository:other:pull",
    ]]);
    const own = new Set(tokens.given.map(({ token }) => `Bearer ${token}`));
    for (const { authorization } of registry.log) {
      assert(authorization === undefined || own.has(authorization));
    }
  }
});

Deno.test("Requests that need the same token at once fetch it once", async () => {
  await using servers = withTokens();
  using test = testClient(servers.registry.host);
  await Promise.all(Array.from({ length: 8 }, () => test.client.read(pull(), 9999)));
  assertEquals(servers.tokens.given.length, 1);
});

Deno.test("R28: an expired or revoked token is renewed once, and the request repeated", async () => {
  await using servers = withTokens({ expiresIn: 120 });
  using test = testClient(servers.registry.host);
  await test.client.read(pull(), 9999);
  servers.tokens.revoke();
  await test.client.read(pull(), 9999);
  assertEquals(servers.tokens.given.length, 2);
  // Known to have run out: no request is wasted on it.
  test.clock.advance(115_000);
  const before = servers.registry.log.length;
  await test.client.read(pull(), 9999);
  assertEquals(servers.tokens.given.length, 3);
  assertEquals(servers.registry.log.length - before, 1);
});

Deno.test("R29: a registry that refuses every token gets two at most for one operation", async () => {
  await using tokens = startTokenServer();
  for (const scope of ["", ',scope="repository:app:pull"', ',scope="repository:mirror/app:pull"']) {
    await using registry = challenging(`Bearer realm="${tokens.realm}",service="s"${scope}`);
    using test = testClient(registry.host);
    const before = tokens.given.length;
    const error = await failure(test.client.read(pull(), 9999));
    assertEquals(error.code, "auth");
    assertStringIncludes(error.hint ?? "", `docker login ${registry.host}`);
    assert(tokens.given.length - before <= 2);
    assertEquals(registry.log.length, tokens.given.length - before + 1);
  }
});

Deno.test("A registry whose scope is named otherwise than its URL gets its own scope in the second try", async () => {
  await using tokens = startTokenServer();
  await using registry = startServer({
    handle: ({ headers }) =>
      tokens.allows((headers.get("authorization") ?? "").slice(7), "virtual/app", "pull")
        ? { status: 200 }
        : {
          status: 401,
          headers: {
            "www-authenticate":
              `Bearer realm="${tokens.realm}",scope="repository:virtual/app:pull"`,
          },
        },
  });
  using test = testClient(registry.host);
  await test.client.read(pull(), 9999);
  assertEquals(tokens.given.map(({ scopes }) => scopes), [
    ["repository:app:pull"],
    ["repository:app:pull", "repository:virtual/app:pull"],
  ]);
});

Deno.test("Basic: credentials are sent when asked for, as UTF-8, and not offered again when refused", async () => {
  await using registry = startServer({
    handle: ({ headers }) =>
      headers.get("authorization") === "Basic dXNlcjpnZWhlaW06w7w="
        ? { status: 200 }
        : { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } },
  });
  using test = testClient(registry.host, as(BASIC));
  await test.client.read(pull(), 9999);
  await test.client.read(pull(), 9999);
  assertEquals(registry.log.map(({ status }) => status), [401, 200, 200]);
  using wrong = testClient(
    registry.host,
    as({ kind: "basic", username: "user", password: "falsch" }),
  );
  const error = await failure(wrong.client.read(pull(), 9999));
  assertStringIncludes(error.message, "refuses the stored credentials");
  assertEquals(error.message.includes("falsch"), false);
  assertEquals(registry.log.length, 5);
});

Deno.test("Without credentials a Basic registry is an error that says how to log in", async () => {
  await using registry = startFaultRegistry({ auth: { kind: "basic", ...USER } });
  using test = testClient(registry.host);
  const error = await failure(test.client.read(pull(), 9999));
  assertEquals(error.code, "auth");
  assertStringIncludes(error.hint ?? "", `podman login ${registry.host}`);
  assertEquals(registry.log.length, 1);
});

Deno.test("A registry token is sent as it is", async () => {
  await using registry = challenging('Bearer realm="https://nowhere.example/token"');
  using test = testClient(registry.host, as({ kind: "registry-token", token: "good" }));
  await test.client.read(pull(), 9999);
  using bad = testClient(registry.host, as({ kind: "registry-token", token: "bad" }));
  assertEquals((await failure(bad.client.read(pull(), 9999))).code, "auth");
});

Deno.test("A06: 200 on /v2/ and 401 on the repository, or on HEAD only, are negotiated on demand", async () => {
  await using tokens = startTokenServer();
  const challenge = { "www-authenticate": `Bearer realm="${tokens.realm}",service="s"` };
  await using registry = startServer({
    handle: ({ path, method, headers }) =>
      path === "/v2/" || method === "GET" || headers.has("authorization")
        ? { status: 200 }
        : { status: 401, headers: challenge },
  });
  using test = testClient(registry.host);
  await test.client.read({ ...pull(), url: "/v2/", scopes: [] }, 100);
  await test.client.read(pull(), 100);
  assertEquals(tokens.given.length, 0);
  await test.client.read({ ...pull(), method: "HEAD" }, 100);
  assertEquals(tokens.given.length, 1);
});

Deno.test("A06: 403 is final", async () => {
  await using registry = startServer({
    handle: () => ({
      status: 403,
      body: '{"errors":[{"code":"DENIED","message":"requested access is denied"}]}',
    }),
  });
  using test = testClient(registry.host, as(BASIC));
  const error = await failure(test.client.read(pull(), 9999));
  assertEquals(error.code, "auth");
  assertStringIncludes(error.message, "answered 403: DENIED: requested access is denied");
  assertEquals(registry.log.length, 1);
});

Deno.test("Several challenges: Bearer is answered before Basic, unknown ones are named", async () => {
  await using tokens = startTokenServer({ user: USER });
  await using both = startServer({
    handle: ({ headers }) =>
      headers.get("authorization")?.startsWith("Bearer ") ? { status: 200 } : {
        status: 401,
        headers: { "www-authenticate": `Basic realm="x", Bearer realm="${tokens.realm}"` },
      },
  });
  using test = testClient(both.host, as(BASIC));
  await test.client.read(pull(), 99);
  await using negotiate = challenging("Negotiate");
  using other = testClient(negotiate.host, as(BASIC));
  assertStringIncludes((await failure(other.client.read(pull(), 99))).message, "(negotiate)");
});
