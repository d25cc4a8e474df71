import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { type Certificate, CertificateAuthority, hasOpenssl } from "../../tests/support/certs.ts";
import { type Server, startServer } from "../../tests/support/faultreg/mod.ts";
import { failure, request, testClient } from "../../tests/support/registry_client.ts";
import { loadCaCerts } from "./connect.ts";
import type { RegistryClientOptions } from "./transport.ts";

const ignore = !hasOpenssl();
const why = ignore ? " (skipped: openssl is missing)" : "";

/** A registry that speaks TLS; its loopback address is used over https because a test says so. */
function tlsServer(tls: Certificate): Server {
  return startServer({ tls, handle: () => ({ status: 200, body: "ok" }) });
}

/** What a request over https to the server ends in. */
async function attempt(
  server: Pick<Server, "host">,
  caCerts: readonly string[] = [],
): Promise<string> {
  using test = testClient(server.host, { caCerts } satisfies Partial<RegistryClientOptions>);
  const asked = test.client.read(request({ url: new URL(`https://${server.host}/v2/`) }), 100);
  const outcome = await asked.then(({ status }) => String(status), () => undefined);
  if (outcome !== undefined) return outcome;
  const error = await failure(asked);
  assertEquals(error.code, "network");
  assertEquals(test.clock.slept, [], "a certificate does not get better by waiting");
  return `${error.message} | ${error.hint}`;
}

Deno.test({
  name: `R41: a private CA is trusted when it is given, and only then${why}`,
  ignore,
  fn: async () => {
    await using ca = await CertificateAuthority.create();
    await using server = tlsServer(await ca.issue("IP:127.0.0.1"));
    assertEquals(await attempt(server, [ca.cert]), "200");
    const unknown = await attempt(server);
    assertStringIncludes(unknown, "its TLS certificate is signed by an unknown authority");
    assertStringIncludes(unknown, `/etc/docker/certs.d/${server.host}/ca.crt`);
    assertStringIncludes(unknown, "SSL_CERT_FILE");
  },
});

Deno.test({
  name: `R41: expired, wrong name and self-signed certificates are told apart${why}`,
  ignore,
  fn: async () => {
    await using ca = await CertificateAuthority.create();
    await using expired = tlsServer(await ca.issue("IP:127.0.0.1", { days: -1 }));
    assertStringIncludes(await attempt(expired, [ca.cert]), "its TLS certificate has expired");
    await using wrong = tlsServer(await ca.issue("DNS:registry.example"));
    assertStringIncludes(
      await attempt(wrong, [ca.cert]),
      "its TLS certificate is for another name",
    );
    await using other = await CertificateAuthority.create();
    await using stranger = tlsServer(await other.issue("IP:127.0.0.1"));
    assertStringIncludes(await attempt(stranger, [ca.cert]), "unknown authority");
  },
});

Deno.test("R41: TLS to a plain http port names the way out, and nothing is sent in the clear", async () => {
  // What every http server does with a TLS handshake.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const received: number[] = [];
  const serving = (async () => {
    for await (const conn of listener) {
      const buffer = new Uint8Array(4096);
      await conn.read(buffer);
      received.push(buffer[0] ?? 0);
      await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
      conn.close();
    }
  })();
  const host = `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  const outcome = await attempt({ host });
  listener.close();
  await serving;
  assertStringIncludes(outcome, `cannot use ${host}: it does not speak TLS`);
  assertStringIncludes(outcome, `list "${host}" in oci.insecure_registries`);
  assertEquals(received, [0x16], "one TLS handshake and nothing else");
});

Deno.test("R41: plain http to a TLS port shows what the registry says about it", async () => {
  await using server = startServer({
    handle: () => ({ status: 400, body: "Client sent an HTTP request to an HTTPS server.\n" }),
  });
  using test = testClient(server.host);
  const error = await failure(test.client.read(request(), 100));
  assertStringIncludes(error.message, "Client sent an HTTP request to an HTTPS server.");
  assertStringIncludes(error.hint ?? "", "speaks TLS");
});

Deno.test("loadCaCerts() reads the registry's own directory and SSL_CERT_FILE", async () => {
  const dir = await Deno.makeTempDir();
  const pem = (name: string): string =>
    `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;
  try {
    const certsDirs = [join(dir, "docker"), join(dir, "containers")];
    await Deno.mkdir(join(dir, "docker", "registry.lan:5000"), { recursive: true });
    await Deno.writeTextFile(join(dir, "docker", "registry.lan:5000", "ca.crt"), pem("one"));
    const bundle = join(dir, "bundle.pem");
    await Deno.writeTextFile(bundle, pem("two"));
    const env = (name: string): string | undefined => name === "SSL_CERT_FILE" ? bundle : undefined;
    const none = (): undefined => undefined;
    assertEquals(await loadCaCerts("registry.lan:5000", { env, certsDirs }), [
      pem("one"),
      pem("two"),
    ]);
    assertEquals(await loadCaCerts("other.lan", { env: none, certsDirs, systemBundles: [] }), []);
    const systemBundles = [join(dir, "missing"), bundle, join(dir, "docker")];
    const system = await loadCaCerts("other.lan", { env: none, certsDirs, systemBundles });
    assertEquals(system, [pem("two")]);
    await Deno.writeTextFile(bundle, "junk");
    assertStringIncludes(
      (await failure(loadCaCerts("x", { env, certsDirs }))).message,
      "no PEM certificate in it",
    );
    await Deno.remove(bundle);
    assertStringIncludes(
      (await failure(loadCaCerts("x", { env, certsDirs }))).message,
      "Cannot find CA certificates",
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
