import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type FaultRegistryOptions,
  startFaultRegistry,
  startServer,
  startTokenServer,
} from "../../tests/support/faultreg/mod.ts";
import { failure, namedHosts, testClient } from "../../tests/support/registry_client.ts";
import type { Credentials } from "./credentials_type.ts";
import { checkRealm } from "./realm.ts";
import type { RegistryClientOptions, RegistryRequest } from "./transport.ts";

const USER = { username: "user", password: "geheim:ü" };
const BASIC: Credentials = { kind: "basic", ...USER };

function pull(repository = "app"): RegistryRequest {
  return {
    action: `fetch manifest "${repository}:1"`,
    method: "GET",
    url: `/v2/${repository}/manifests/1`,
    scopes: [{ repository, actions: ["pull"] }],
    accept: [200],
  };
}

const as = (credentials: Credentials): Partial<RegistryClientOptions> => ({
  credentials: () => Promise.resolve(credentials),
});

/** A challenge with parameters as given, from a registry that is never content. */
function challenging(header: string): ReturnType<typeof startServer> {
  return startServer({
    handle: ({ headers }) =>
      headers.get("authorization") === "Bearer good"
        ? { status: 200 }
        : { status: 401, headers: { "www-authenticate": header } },
  });
}

function withTokens(options: Parameters<typeof startTokenServer>[0] = {}): {
  tokens: ReturnType<typeof startTokenServer>;
  registry: ReturnType<typeof startFaultRegistry>;
} & AsyncDisposable {
  const tokens = startTokenServer(options);
  const auth: FaultRegistryOptions["auth"] = { kind: "bearer", tokens };
  const registry = startFaultRegistry({ auth });
  registry.content.addImage("app", { tag: "1" });
  registry.content.addImage("other", { tag: "1" });
  return {
    tokens,
    registry,
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await tokens[Symbol.asyncDispose]();
    },
  };
}

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

Deno.test("A01: the realm is where credentials may go, or it is refused", async () => {
  await using tokens = startTokenServer({ user: USER });
  await using registry = startServer({
    handle: ({ headers, query }) =>
      (headers.get("authorization") ?? "").startsWith("Bearer ")
        ? { status: 200 }
        : { status: 401, headers: { "www-authenticate": `Bearer realm="${query.get("realm")}"` } },
  });
  const allowed: [string, string][] = [
    ["registry.example.com", "https://registry.example.com/token"],
    ["registry.example.com", "https://auth.example.com/token"],
    ["registry.example.co.uk", "https://auth.example.co.uk/token"],
    ["docker.io", "https://auth.docker.io/token"],
    ["rg.fr-par.scw.cloud", "https://api.scaleway.com/token"],
    ["trusting.example.org", "https://tokens.trusted.net/token"],
    ["10.0.0.1:5000", "https://10.0.0.1:5000/token"],
  ];
  const refused: [string, string][] = [
    ["registry.example.com", "https://evil.net/token"],
    ["one.github.io", "https://two.github.io/token"],
    ["one.co.uk", "https://two.co.uk/token"],
    ["registry.example.com", "http://registry.example.com/token"],
    ["registry.example.com", "https://10.0.0.1/token"],
    ["registry.example.com", "https://169.254.169.254/token"],
    ["registry.example.com", "https://0.0.0.0/token"],
    ["registry.example.com", "https://127.0.0.1/token"],
    ["registry.example.com", "https://u:p@registry.example.com/token"],
    ["registry.example.com", "file:///etc/passwd"],
    ["registry.example.com", "/token"],
    ["registry.example.com", ""],
  ];
  for (const [host, realm] of [...allowed, ...refused]) {
    const name = host === "docker.io" ? "registry-1.docker.io" : host;
    const realmHost = URL.canParse(realm) ? new URL(realm).host : "";
    const good = allowed.some(([h, r]) => h === host && r === realm);
    using test = testClient(host, {
      ...as(BASIC),
      env: (variable) =>
        variable === "MISE_OCI_TRUSTED_REALMS" ? "x.net, tokens.trusted.net" : undefined,
      fetch: namedHosts({ ...(good ? { [realmHost]: tokens.url } : {}), [name]: registry.url }),
    });
    if (good && realmHost === name) {
      // One server cannot play both: the rule alone.
      const context = { registry: new URL(`https://${name}`), withCredentials: true, trusted: [] };
      assertEquals((await checkRealm(realm, context)).href, realm);
      continue;
    }
    const asked = test.client.read(
      { ...pull(), url: `/v2/x?realm=${encodeURIComponent(realm)}` },
      99,
    );
    if (good) assertEquals((await asked).status, 200, realm);
    else {
      const error = await failure(asked);
      assertStringIncludes(error.message, "Refusing", realm);
      assertEquals(error.message.includes("geheim"), false);
    }
  }
  assert(registry.log.every(({ authorization }) => !(authorization ?? "").startsWith("Basic")));
});

Deno.test("A01: anonymous tokens may come from another domain", async () => {
  await using tokens = startTokenServer();
  await using registry = startServer({
    handle: ({ headers }) =>
      headers.has("authorization") ? { status: 200 } : {
        status: 401,
        headers: { "www-authenticate": 'Bearer realm="https://tokens.example.net/token"' },
      },
  });
  using test = testClient("registry.example.com", {
    fetch: namedHosts({ "registry.example.com": registry.url, "tokens.example.net": tokens.url }),
  });
  assertEquals((await test.client.read(pull(), 99)).status, 200);
});

Deno.test("A21: credentials over plain http to another machine need a listed host, and are warned about", async () => {
  await using registry = startFaultRegistry({
    auth: { kind: "basic", username: "u", password: "p" },
  });
  registry.content.addImage("app", { tag: "1" });
  const credentials = as({ kind: "basic", username: "u", password: "p" });
  using listed = testClient("registry.lan:5000", {
    ...credentials,
    insecure: true,
    fetch: namedHosts({ "registry.lan:5000": registry.url }),
  });
  await listed.client.read(pull(), 9999);
  await listed.client.read(pull(), 9999);
  assertEquals(listed.warnings.length, 1);
  assertStringIncludes(listed.warnings[0] ?? "", '"registry.lan:5000" are sent over plain http');
  using loopback = testClient(registry.host, credentials);
  await loopback.client.read(pull(), 9999);
  assertEquals(loopback.warnings, []);
  // Not listed: https, whatever happens.
  using unlisted = testClient("registry.lan:5000", {
    ...credentials,
    fetch: (url) => Promise.reject(new TypeError(`asked for ${url.split(":")[0]}`)),
  });
  assertStringIncludes(
    (await failure(unlisted.client.read(pull(), 9999))).message,
    "asked for https",
  );
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
