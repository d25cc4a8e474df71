import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { ReferrerRegistry } from "../../tests/support/referrer_registry.ts";
import { MiseOciError } from "../errors.ts";
import { MediaType } from "../oci/mod.ts";
import { fromBase64, preAuthEncoding } from "./envelope.ts";
import { openKeyless } from "./keyless.ts";
import { signSubject } from "./sign.ts";

const SUBJECT = "https://github.com/a/b/.github/workflows/c.yml@refs/heads/main";
const TOKEN = `x.${btoa(JSON.stringify({ sub: SUBJECT }))}.sentinel-token`;

/** What stands for the certificate of a key: all that is read of it is that it has the key. */
function certificateOf(publicKey: string): { readonly pem: string; readonly body: string } {
  const der = createPublicKey(publicKey).export({ type: "spki", format: "der" });
  const body = Buffer.concat([Buffer.from("certificate"), der]).toString("base64");
  return { pem: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`, body };
}

/** Test servers for Fulcio, Rekor, and the token endpoint of GitHub Actions. */
class Services {
  readonly requests: { readonly url: string; readonly body: Record<string, unknown> }[] = [];
  publicKey = "";
  status = 200;

  readonly fetch = (url: string, init: RequestInit): Promise<Response> => {
    const body = JSON.parse(String(init.body ?? "{}"));
    this.requests.push({ url, body });
    if (this.status !== 200) return Promise.resolve(new Response("no", { status: this.status }));
    if (url.includes("audience=sigstore")) {
      const allowed = new Headers(init.headers).get("authorization") === "Bearer request-token";
      return Promise.resolve(Response.json({ value: allowed ? TOKEN : "" }));
    }
    if (url.endsWith("/api/v2/signingCert")) {
      const { publicKey, proofOfPossession } = body.publicKeyRequest;
      this.publicKey = publicKey.content;
      const proof = fromBase64(proofOfPossession, "proof");
      const message = new TextEncoder().encode(SUBJECT);
      assert(verify("sha256", message, createPublicKey(this.publicKey), proof));
      const { pem } = certificateOf(this.publicKey);
      const chain = { certificates: [pem, pem] };
      return Promise.resolve(Response.json({ signedCertificateEmbeddedSct: { chain } }));
    }
    return Promise.resolve(Response.json({
      abc: {
        body: btoa("body"),
        integratedTime: 1,
        logID: "00ff",
        logIndex: 7,
        verification: { signedEntryTimestamp: btoa("set") },
      },
    }));
  };
}

const GITHUB: Readonly<Record<string, string>> = {
  ACTIONS_ID_TOKEN_REQUEST_URL: "https://token.example.com/?api-version=2.0",
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: "request-token",
};

Deno.test("without a key the identity of a CI signs: certificate, log entry and statement are in the bundle", async () => {
  const services = new Services();
  const registry = new ReferrerRegistry({ api: true });
  const image = { schemaVersion: 2, config: {}, layers: [] };
  const subject = { mediaType: MediaType.manifest, ...registry.put(MediaType.manifest, image) };
  const client = registry.client();
  const signer = openKeyless({ env: (name) => GITHUB[name], fetch: services.fetch });
  const options = { name: "registry.test/app", repository: "app", subject, statements: [] };
  const [attached] = await signSubject(client, signer, options);
  client.close();
  const stored = registry.manifests.get(attached?.digest ?? "");
  const [layer] = JSON.parse(new TextDecoder().decode(stored?.bytes)).layers;
  const text = new TextDecoder().decode(registry.blobs.get(layer.digest));
  const { verificationMaterial, dsseEnvelope } = JSON.parse(text);
  assertEquals(verificationMaterial.certificate, {
    rawBytes: certificateOf(services.publicKey).body,
  });
  assertEquals(verificationMaterial.tlogEntries[0].logId, { keyId: "AP8=" });
  const payload = fromBase64(dsseEnvelope.payload, "payload");
  const signature = fromBase64(dsseEnvelope.signatures[0].sig, "signature");
  const message = preAuthEncoding(dsseEnvelope.payloadType, payload);
  assert(verify("sha256", message, createPublicKey(services.publicKey), signature));
  assertEquals(services.requests.map(({ url }) => new URL(url).host), [
    "token.example.com",
    "fulcio.sigstore.dev",
    "rekor.sigstore.dev",
  ]);
  assert(
    ![...registry.blobs.values()].some((bytes) =>
      new TextDecoder().decode(bytes).includes("sentinel-token")
    ),
  );
});

Deno.test("without an identity, or where a service refuses, the error says so and holds no token", async () => {
  const services = new Services();
  const nobody = assertThrows(
    () => openKeyless({ env: () => undefined, fetch: services.fetch }),
    MiseOciError,
    "no identity token",
  );
  assertEquals(nobody.code, "usage");
  services.status = 403;
  const env = (name: string): string | undefined =>
    name === "SIGSTORE_ID_TOKEN" ? TOKEN : undefined;
  const error = await assertRejects(
    () => openKeyless({ env, fetch: services.fetch }).bundle(new Uint8Array()),
    MiseOciError,
    "answered 403",
  );
  assertEquals(error.code, "auth");
  assert(!`${error.message} ${error.hint}`.includes("sentinel-token"));
});

const ENTRY = {
  body: btoa("body"),
  integratedTime: 1,
  logID: "00ff",
  logIndex: 7,
  verification: { signedEntryTimestamp: btoa("set") },
};

Deno.test("an answer of a service that is broken, endless or another's is refused with the service and the reason", async () => {
  const services = new Services();
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey
    .export({ type: "spki", format: "pem" });
  const endless = (): Response =>
    new Response(
      new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)) }),
    );
  const broken = (): Response =>
    new Response(
      new ReadableStream({ pull: (controller) => controller.error(new TypeError("reset")) }),
    );
  const chain = (...certificates: unknown[]) => () =>
    Response.json({ signedCertificateEmbeddedSct: { chain: { certificates } } });
  const log = (entry: unknown) => () => Response.json({ abc: entry });
  const [token, fulcio, rekor] = ["audience=sigstore", "signingCert", "log/entries"];
  const cases: readonly (readonly [string, () => Response, string])[] = [
    [token, () => Response.json({}), "token.example.com is not usable: it has no token"],
    [token, () => new Response("<html>"), "token.example.com is not usable: it is no JSON object"],
    [token, () => new Response("", { status: 500 }), "token.example.com answered 500"],
    [fulcio, chain(), "fulcio.sigstore.dev is not usable: it has no certificate"],
    [fulcio, chain(7), "it has no certificate"],
    [fulcio, chain(certificateOf(String(other)).pem), "its certificate has another key"],
    [fulcio, chain("no PEM"), "its certificate has another key"],
    [fulcio, endless, "it has more than 4194304 bytes"],
    [fulcio, broken, "no answer from fulcio.sigstore.dev"],
    [
      rekor,
      () => Response.json({}),
      "rekor.sigstore.dev is not usable: it has no entry of the log",
    ],
    [rekor, log({ ...ENTRY, logIndex: undefined }), "it has no entry of the log"],
    [rekor, log({ ...ENTRY, integratedTime: "now" }), "it has no entry of the log"],
    [rekor, log({ ...ENTRY, verification: { inclusionProof: {} } }), "it has no entry of the log"],
  ];
  for (const [place, answer, reason] of cases) {
    const fetch = (url: string, init: RequestInit): Promise<Response> => {
      assertEquals(init.redirect, "error");
      return url.includes(place) ? Promise.resolve(answer()) : services.fetch(url, init);
    };
    const signer = openKeyless({ env: (name) => GITHUB[name], fetch });
    const error = await assertRejects(
      () => signer.bundle(new Uint8Array()),
      MiseOciError,
      reason,
      reason,
    );
    assert(!`${error.message} ${error.hint}`.includes("sentinel-token"));
  }
});

Deno.test("addresses of services of one's own may end with a slash, and are refused by the variable's name", async () => {
  const services = new Services();
  const own: Readonly<Record<string, string>> = {
    ...GITHUB,
    MISE_OCI_FULCIO_URL: "https://f.test/base/",
  };
  await openKeyless({ env: (name) => own[name], fetch: services.fetch }).bundle(new Uint8Array());
  assertEquals(services.requests[1]?.url, "https://f.test/base/api/v2/signingCert");
  for (
    const name of ["ACTIONS_ID_TOKEN_REQUEST_URL", "MISE_OCI_FULCIO_URL", "MISE_OCI_REKOR_URL"]
  ) {
    const env: Readonly<Record<string, string>> = { ...GITHUB, [name]: "fulcio.example.com" };
    const error = await assertRejects(
      () => openKeyless({ env: (key) => env[key], fetch: services.fetch }).bundle(new Uint8Array()),
      MiseOciError,
      name,
    );
    assertEquals(error.code, "usage");
  }
});
