/**
 * Keyless signing: exchanges a CI job's identity token for a short-lived certificate (Fulcio, API v2), and
 * records the signature in a public log (Rekor, API v1), which attests its time.
 * @module
 */
import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { MiseOciError } from "../errors.ts";
import {
  asArray,
  asObject,
  asString,
  encodeJson,
  type JsonObject,
  parseJson,
} from "../oci/json.ts";
import { BUNDLE_TYPE, type Envelope, sealStatement, toBase64 } from "./envelope.ts";
import type { BundleSigner } from "./sign.ts";

/** Dependencies of {@linkcode openKeyless}. */
export interface KeylessOptions {
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** Sends a request. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Cancels the operation. */
  readonly signal?: AbortSignal | undefined;
}

const FULCIO = "https://fulcio.sigstore.dev";
const REKOR = "https://rekor.sigstore.dev";
/** Audience of the identity token. */
const AUDIENCE = "sigstore";
const MAX_ANSWER = 4 * 1024 * 1024;

class Keyless implements BundleSigner {
  readonly #options: KeylessOptions;
  #identity: Promise<{ readonly key: KeyObject; readonly chain: readonly string[] }> | undefined;

  constructor(options: KeylessOptions) {
    this.#options = options;
  }

  async bundle(statement: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    this.#identity ??= this.#certify();
    const { key, chain } = await this.#identity;
    const [leaf = ""] = chain;
    const envelope = sealStatement(statement, { sign: (message) => sign("sha256", message, key) });
    const entry = await this.#log(envelope, leaf);
    return encodeJson({
      mediaType: BUNDLE_TYPE,
      verificationMaterial: {
        certificate: { rawBytes: pemBody(leaf) },
        tlogEntries: [entry],
      },
      dsseEnvelope: envelope,
    });
  }

  /** Sends a request and parses the JSON response. Errors do not contain what was sent. */
  async #request(what: string, url: string, init: RequestInit): Promise<JsonObject> {
    const { fetch, signal } = this.#options;
    const response = await fetch(url, { ...init, ...(signal === undefined ? {} : { signal }) })
      .catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw new MiseOciError("network", `Cannot ${what}: no answer from ${new URL(url).host}`, {
          hint: "Check the network connection and try again",
          cause,
        });
      });
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (!response.ok || bytes.length > MAX_ANSWER) {
      throw new MiseOciError(
        response.status === 401 || response.status === 403 ? "auth" : "network",
        `Cannot ${what}: ${new URL(url).host} answered ${response.status}`,
        { hint: "Check that the job may ask for identity tokens, and try again" },
      );
    }
    return asObject(parseJson(bytes, { what, maxBytes: MAX_ANSWER }), what);
  }

  async #token(): Promise<string> {
    const { env } = this.#options;
    const given = env("SIGSTORE_ID_TOKEN");
    if (given !== undefined) return given;
    const url = new URL(env("ACTIONS_ID_TOKEN_REQUEST_URL") ?? "");
    url.searchParams.set("audience", AUDIENCE);
    const what = "get an identity token";
    const answer = await this.#request(what, url.href, {
      headers: { Authorization: `Bearer ${env("ACTIONS_ID_TOKEN_REQUEST_TOKEN")}` },
    });
    return asString(answer["value"], `${what}: value`);
  }

  /** Creates a key and obtains the certificate that binds it to the job's identity. */
  async #certify(): Promise<{ readonly key: KeyObject; readonly chain: readonly string[] }> {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const token = await this.#token();
    const proof = sign("sha256", Buffer.from(tokenSubject(token)), privateKey);
    const what = "get a certificate";
    const body = await this.#request(
      what,
      `${this.#options.env("MISE_OCI_FULCIO_URL") ?? FULCIO}/api/v2/signingCert`,
      {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          credentials: { oidcIdentityToken: token },
          publicKeyRequest: {
            publicKey: {
              algorithm: "ECDSA",
              content: String(publicKey.export({ type: "spki", format: "pem" })),
            },
            proofOfPossession: toBase64(proof),
          },
        }),
      },
    );
    const signed = body["signedCertificateEmbeddedSct"] ?? body["signedCertificateDetachedSct"];
    const chain = asObject(asObject(signed, what)["chain"], `${what}: chain`);
    const certificates = asArray(chain["certificates"], `${what}: certificates`)
      .map((one) => asString(one, `${what}: certificate`));
    return { key: privateKey, chain: certificates };
  }

  /** Records an envelope in the log and returns the log entry in the format of a bundle. */
  async #log(envelope: Envelope, certificate: string): Promise<JsonObject> {
    const what = "add the signature to the log";
    const answer = await this.#request(
      what,
      `${this.#options.env("MISE_OCI_REKOR_URL") ?? REKOR}/api/v1/log/entries`,
      {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify({
          apiVersion: "0.0.1",
          kind: "dsse",
          spec: {
            proposedContent: {
              envelope: JSON.stringify(envelope),
              verifiers: [toBase64(Buffer.from(certificate))],
            },
          },
        }),
      },
    );
    const entry = asObject(Object.values(answer)[0], what);
    const verification = asObject(entry["verification"], `${what}: verification`);
    return {
      logIndex: String(entry["logIndex"]),
      logId: { keyId: hexToBase64(asString(entry["logID"], `${what}: logID`)) },
      kindVersion: { kind: "dsse", version: "0.0.1" },
      integratedTime: String(entry["integratedTime"]),
      inclusionPromise: {
        signedEntryTimestamp: asString(verification["signedEntryTimestamp"], `${what}: timestamp`),
      },
      ...inclusionProof(verification["inclusionProof"]),
      canonicalizedBody: asString(entry["body"], `${what}: body`),
    };
  }
}

function inclusionProof(value: unknown): JsonObject {
  if (value === undefined) return {};
  const what = "inclusion proof";
  const proof = asObject(value, what);
  return {
    inclusionProof: {
      logIndex: String(proof["logIndex"]),
      rootHash: hexToBase64(asString(proof["rootHash"], `${what}.rootHash`)),
      treeSize: String(proof["treeSize"]),
      hashes: asArray(proof["hashes"], `${what}.hashes`)
        .map((hash) => hexToBase64(asString(hash, `${what}.hash`))),
      checkpoint: { envelope: asString(proof["checkpoint"], `${what}.checkpoint`) },
    },
  };
}

function hexToBase64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}

function pemBody(pem: string): string {
  return pem.replace(/-----[^-]+-----|\s/g, "");
}

/** The subject of a token (JWT), which is signed to prove possession of the key. */
function tokenSubject(token: string): string {
  const what = "identity token";
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url");
  const claims = asObject(parseJson(payload, { what }), what);
  const { email, email_verified: verified, sub } = claims;
  return verified === true ? asString(email, `${what}: email`) : asString(sub, `${what}: sub`);
}

/**
 * A signer with the identity of the CI job. The token is requested when something is signed, because it is
 * valid only for minutes.
 *
 * @throws {MiseOciError} `usage` if there is no identity token.
 */
export function openKeyless(options: KeylessOptions): BundleSigner {
  const { env } = options;
  const github = env("ACTIONS_ID_TOKEN_REQUEST_URL") !== undefined &&
    env("ACTIONS_ID_TOKEN_REQUEST_TOKEN") !== undefined;
  if (env("SIGSTORE_ID_TOKEN") === undefined && !github) {
    throw new MiseOciError("usage", "Cannot sign without a key: there is no identity token", {
      hint: "In GitHub Actions give the job the permission id-token: write; in GitLab CI set " +
        "SIGSTORE_ID_TOKEN in id_tokens with the audience sigstore",
    });
  }
  return new Keyless(options);
}
