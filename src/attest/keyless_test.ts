import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createPublicKey, verify } from "node:crypto";
import { ReferrerRegistry } from "../../tests/support/referrer_registry.ts";
import { MiseOciError } from "../errors.ts";
import { MediaType } from "../oci/mod.ts";
import { fromBase64, preAuthEncoding } from "./envelope.ts";
import { openKeyless } from "./keyless.ts";
import { signSubject } from "./sign.ts";

const SUBJECT = "https://github.com/a/b/.github/workflows/c.yml@refs/heads/main";
const TOKEN = `x.${btoa(JSON.stringify({ sub: SUBJECT }))}.sentinel-token`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${
  btoa("certificate")
}\n-----END CERTIFICATE-----\n`;

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
      const chain = { certificates: [CERTIFICATE, CERTIFICATE] };
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
  assertEquals(verificationMaterial.certificate, { rawBytes: btoa("certificate") });
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
