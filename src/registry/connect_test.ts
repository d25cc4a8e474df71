import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Server, type ServerRequest, startServer } from "../../tests/support/faultreg/mod.ts";
import { failure, request, testClient } from "../../tests/support/registry_client.ts";
import { proxyFor, showProxy } from "./connect.ts";

const proxyOf = (url: string, env: Record<string, string>): string | undefined =>
  proxyFor(new URL(url), (name) => env[name])?.host;

Deno.test("R43: the proxy is chosen by scheme, lower case first, ALL_PROXY last", () => {
  const env = { HTTP_PROXY: "http://a:1", HTTPS_PROXY: "http://b:2", ALL_PROXY: "c:3" };
  assertEquals(proxyOf("http://x.example/", env), "a:1");
  assertEquals(proxyOf("https://x.example/", env), "b:2");
  assertEquals(proxyOf("https://x.example/", { ALL_PROXY: "c:3" }), "c:3");
  assertEquals(proxyOf("https://x.example/", { ...env, https_proxy: "http://d:4" }), "d:4");
  assertEquals(proxyOf("https://x.example/", { HTTPS_PROXY: " " }), undefined);
  assertEquals(proxyOf("https://x.example/", {}), undefined);
});

Deno.test("R43: loopback and what NO_PROXY names go without a proxy", () => {
  const direct = (url: string, no: string): boolean =>
    proxyOf(url, { ALL_PROXY: "http://p:1", NO_PROXY: no }) === undefined;
  for (const url of ["http://localhost:5000/", "http://127.0.0.2/", "http://[::1]:5000/"]) {
    assertEquals(direct(url, ""), true);
  }
  const table: [string, string, boolean][] = [
    ["https://a.example.com/", "example.com", true],
    ["https://a.example.com/", ".example.com", true],
    ["https://a.example.com/", "*.example.com", true],
    ["https://example.com/", "example.com", true],
    ["https://badexample.com/", "example.com", false],
    ["https://a.example.com/", "*", true],
    ["https://a.example.com/", "x, A.EXAMPLE.COM", true],
    ["https://a.example.com/", "a.example.com:443", true],
    ["https://a.example.com:5000/", "a.example.com:443", false],
    ["https://a.example.com/", "", false],
    ["https://10.1.2.3/", "10.0.0.0/8", true],
    ["https://11.1.2.3/", "10.0.0.0/8", false],
    ["https://[fd00::5]/", "fd00::5", true],
    ["https://[fd00::5]/", "[fd00::5]", true],
  ];
  for (const [url, no, expected] of table) assertEquals(direct(url, no), expected, `${url} ${no}`);
});

Deno.test("A19: user and password of a proxy are not shown", () => {
  assertEquals(showProxy(new URL("http://user:geheim@proxy:3128")), '"http://***@proxy:3128/"');
  assertEquals(showProxy("user:ge@heim@proxy:3128"), '"***@proxy:3128"');
});

/** A forward proxy: absolute-form requests for http, CONNECT for https. */
function startProxy(target: Server): Server {
  return startServer({
    handle: async ({ method, target: url, headers }) => {
      const path = new URL(url).pathname;
      const response = await fetch(target.url + path, {
        method,
        headers: { accept: headers.get("accept") ?? "*/*" },
      });
      return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) };
    },
    upgrade: async (asked: ServerRequest, conn) => {
      if (asked.method !== "CONNECT") return false;
      await conn.write(new TextEncoder().encode("HTTP/1.1 403 Forbidden\r\n\r\n"));
      return true;
    },
  });
}

Deno.test("R43: a registry on another machine is reached through the proxy, with the proxy's own login", async () => {
  await using registry = startServer({ handle: () => ({ status: 200, body: "ok" }) });
  await using proxy = startProxy(registry);
  const env = (name: string): string | undefined =>
    ({
      HTTP_PROXY: `http://user:ge%40heim@${proxy.host}`,
      HTTPS_PROXY: `http://user:ge%40heim@${proxy.host}`,
    })[name];
  using plain = testClient("registry.example:5000", { insecure: true, env });
  await plain.client.read(request(), 100);
  assertEquals(proxy.log[0]?.target, "http://registry.example:5000/v2/app/manifests/1");
  assertEquals(proxy.log[0]?.headers.get("proxy-authorization"), `Basic ${btoa("user:ge@heim")}`);
  assertEquals(registry.log[0]?.headers.has("proxy-authorization"), false);
  using tls = testClient("registry.example", { env });
  const error = await failure(tls.client.read(request(), 100));
  assertEquals(proxy.log[1]?.method, "CONNECT");
  assertEquals(proxy.log[1]?.target, "registry.example:443");
  assertStringIncludes(error.message, `cannot use proxy "http://***@${proxy.host}/"`);
  assertStringIncludes(error.message, "it refuses to connect to the registry");
  assertStringIncludes(error.hint ?? "", "list registry.example in NO_PROXY");
  assertEquals((error.message + tls.lines.join("\n") + error.hint).includes("heim"), false);
});

Deno.test("R43: a proxy that does not listen, or does not exist, is named in the error", async () => {
  const gone = startServer({ handle: () => ({ status: 200 }) });
  const { host } = gone;
  await gone[Symbol.asyncDispose]();
  for (
    const [proxy, registry, insecure, text] of [
      [host, "registry.example", false, "connection refused"],
      [host, "registry.example:5000", true, "connection refused"],
      ["proxy.invalid:3128", "registry.example", false, "unknown host name"],
    ] as const
  ) {
    const env = (name: string) => /^HTTPS?_PROXY$/.test(name) ? `http://${proxy}` : undefined;
    using tried = testClient(registry, { env, insecure });
    const error = await failure(tried.client.read(request(), 100));
    assertStringIncludes(error.message, `cannot use proxy "http://${proxy}/": ${text}`);
    assertStringIncludes(error.hint ?? "", insecure ? "Check HTTP_PROXY" : "Check HTTPS_PROXY");
  }
});

Deno.test("R43: a loopback registry is reached directly although the process has a proxy", async () => {
  await using registry = startServer({ handle: () => ({ status: 200, body: "ok" }) });
  await using proxy = startProxy(registry);
  const code = `
    import { createRegistryClient } from ${JSON.stringify(import.meta.resolve("./transport.ts"))};
    const client = createRegistryClient({ registry: Deno.args[0], insecure: false, env: (name) => Deno.env.get(name) });
    const { status } = await client.read(
      { action: "test", method: "GET", url: "/v2/", scopes: [], accept: [200] }, 100);
    client.close();
    console.log(status, Deno.env.get("NO_PROXY"), Deno.env.get("no_proxy"));`;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, code);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--config",
      config,
      "--allow-net",
      "--allow-env",
      "--allow-read",
      file,
      registry.host,
    ],
    env: { HTTP_PROXY: proxy.url, http_proxy: proxy.url, NO_PROXY: "kept.example" },
  }).output();
  await Deno.remove(file);
  assertEquals(
    new TextDecoder().decode(stdout).trim(),
    "200 kept.example undefined",
    new TextDecoder().decode(stderr),
  );
  assertEquals(proxy.log, []);
});

Deno.test("A proxy variable that is no URL is an error without the password", () => {
  const env = { HTTPS_PROXY: "http://user:geheim@:x" };
  try {
    proxyOf("https://x.example/", env);
    throw new Error("not refused");
  } catch (error) {
    assertStringIncludes(String(error), "Cannot use proxy");
    assertEquals(String(error).includes("geheim"), false);
  }
});
