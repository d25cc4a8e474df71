import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  startFaultRegistry,
  startServer,
  startTokenServer,
} from "../../tests/support/faultreg/mod.ts";
import { failure, namedHosts, testClient } from "../../tests/support/registry_client.ts";
import { as, BASIC, pull, USER } from "../../tests/support/registry_login.ts";
import { checkRealm } from "./url_policy.ts";

const ALLOWED: [string, string][] = [
  ["registry.example.com", "https://registry.example.com/token"],
  ["registry.example.com", "https://auth.example.com/token"],
  ["registry.example.co.uk", "https://auth.example.co.uk/token"],
  ["docker.io", "https://auth.docker.io/token"],
  ["rg.fr-par.scw.cloud", "https://api.scaleway.com/token"],
  ["trusting.example.org", "https://tokens.trusted.net/token"],
  ["10.0.0.1:5000", "https://10.0.0.1:5000/token"],
];
const REFUSED: [string, string][] = [
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

Deno.test("A01: the realm is where credentials may go, or it is refused", async () => {
  await using tokens = startTokenServer({ user: USER });
  await using registry = startServer({
    handle: ({ headers, query }) =>
      (headers.get("authorization") ?? "").startsWith("Bearer ")
        ? { status: 200 }
        : { status: 401, headers: { "www-authenticate": `Bearer realm="${query.get("realm")}"` } },
  });
  for (const [host, realm] of [...ALLOWED, ...REFUSED]) {
    const name = host === "docker.io" ? "registry-1.docker.io" : host;
    const realmHost = URL.canParse(realm) ? new URL(realm).host : "";
    const good = ALLOWED.some(([h, r]) => h === host && r === realm);
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
