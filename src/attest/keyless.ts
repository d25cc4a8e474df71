/**
 * Keyless signing: exchanges a CI job's identity token for a short-lived certificate (Fulcio, API v2), and
 * records the signature in a public log (Rekor, API v1), which attests its time.
 * @module
 */
import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { concat } from "../bytes.ts";
import { MiseOciError } from "../errors.ts";
import {
  asArray,
  asObject,
  asSize,
  asString,
  asStrings,
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
    const { host } = new URL(url);
    // A redirect would send the token to another server.
    const options = { ...init, redirect: "error", ...(signal === undefined ? {} : { signal }) };
    let response: Response;
    let bytes: Uint8Array | undefined;
    try {
      response = await fetch(url, options as RequestInit);
      bytes = await maybeReadAll(response, MAX_ANSWER);
    } catch (cause) {
      signal?.throwIfAborted();
      throw new MiseOciError("network", `Cannot ${what}: no answer from ${host}`, {
        hint: "Check the network connection and try again",
        cause,
      });
    }
    const { status, ok } = response;
    if (!ok) {
      const denied = status === 401 || status === 403;
      throw new MiseOciError(
        denied ? "auth" : "network",
        `Cannot ${what}: ${host} answered ${status}`,
        {
          hint: denied || status === 400
            ? "Check that the job may ask for identity tokens, and that it has run for minutes at most"
            : "Try again later",
        },
      );
    }
    if (bytes === undefined) refuseAnswer(what, host, `it has more than ${MAX_ANSWER} bytes`);
    try {
      return asObject(parseJson(bytes, { what: "the answer", maxBytes: MAX_ANSWER }), "the answer");
    } catch (cause) {
      return refuseAnswer(what, host, "it is no JSON object", cause);
    }
  }

  async #token(): Promise<string> {
    const { env } = this.#options;
    const token = env("SIGSTORE_ID_TOKEN");
    if (token !== undefined) return token;
    const url = serviceUrl(
      "ACTIONS_ID_TOKEN_REQUEST_URL",
      env("ACTIONS_ID_TOKEN_REQUEST_URL") ?? "",
    );
    url.searchParams.set("audience", AUDIENCE);
    const what = "get an identity token";
    const answer = await this.#request(what, url.href, {
      headers: { Authorization: `Bearer ${env("ACTIONS_ID_TOKEN_REQUEST_TOKEN")}` },
    });
    const { value } = answer;
    if (typeof value === "string" && value !== "") return value;
    return refuseAnswer(what, url.host, "it has no token");
  }

  /** The URL of a service's endpoint. */
  #url(name: string, usual: string, path: string): string {
    const base = serviceUrl(name, this.#options.env(name) ?? usual);
    return `${base.origin}${base.pathname.replace(/\/+$/, "")}${path}`;
  }

  /** Creates a key and obtains the certificate that binds it to the job's identity. */
  async #certify(): Promise<{ readonly key: KeyObject; readonly chain: readonly string[] }> {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const token = await this.#token();
    const proof = sign("sha256", Buffer.from(tokenSubject(token)), privateKey);
    const what = "get a certificate";
    const url = this.#url("MISE_OCI_FULCIO_URL", FULCIO, "/api/v2/signingCert");
    const body = await this.#request(
      what,
      url,
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
    const refuse = (why: string): never => refuseAnswer(what, new URL(url).host, why);
    const chain = certificatesOf(body);
    if (chain.length === 0) return refuse("it has no certificate");
    const own = publicKey.export({ type: "spki", format: "der" });
    // A certificate contains the key in the exported encoding.
    if (!pemBytes(chain[0] ?? "").includes(own)) return refuse("its certificate has another key");
    return { key: privateKey, chain };
  }

  /** Records an envelope in the log and returns the log entry in the format of a bundle. */
  async #log(envelope: Envelope, certificate: string): Promise<JsonObject> {
    const what = "add the signature to the log";
    const url = this.#url("MISE_OCI_REKOR_URL", REKOR, "/api/v1/log/entries");
    const answer = await this.#request(
      what,
      url,
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
    try {
      return logEntry(answer);
    } catch (cause) {
      return refuseAnswer(what, new URL(url).host, "it has no entry of the log", cause);
    }
  }
}

function refuseAnswer(what: string, host: string, why: string, cause?: unknown): never {
  throw new MiseOciError("invalid", `Cannot ${what}: the answer of ${host} is not usable: ${why}`, {
    hint: "Check that the address is that of the service, and try again",
    cause,
  });
}

/** Parses the URL in a variable. @throws {MiseOciError} `usage` if it is not one. */
function serviceUrl(name: string, text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new MiseOciError("usage", `Cannot sign: ${name} is not the URL of a service`, {
    hint: "Write it as https://HOST",
  });
}

/** The body of a response; `undefined` if it is longer than `limit` bytes. */
async function maybeReadAll(response: Response, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return concat(chunks);
}

/** The certificates in a response, in PEM, beginning with that of the key. */
function certificatesOf(body: JsonObject): readonly string[] {
  const signed = body["signedCertificateEmbeddedSct"] ?? body["signedCertificateDetachedSct"];
  try {
    const chain = asObject(asObject(signed, "certificate")["chain"], "chain");
    return asStrings(chain["certificates"], "certificates");
  } catch {
    return [];
  }
}

/** The log entry in a response. @throws {MiseOciError} `invalid` if there is none. */
function logEntry(answer: JsonObject): JsonObject {
  const what = "log entry";
  const entry = asObject(Object.values(answer)[0], what);
  const verification = asObject(entry["verification"], `${what}: verification`);
  return {
    logIndex: String(asSize(entry["logIndex"], `${what}: logIndex`)),
    logId: { keyId: hexToBase64(asString(entry["logID"], `${what}: logID`)) },
    kindVersion: { kind: "dsse", version: "0.0.1" },
    integratedTime: String(asSize(entry["integratedTime"], `${what}: integratedTime`)),
    inclusionPromise: {
      signedEntryTimestamp: asString(verification["signedEntryTimestamp"], `${what}: timestamp`),
    },
    ...inclusionProof(verification["inclusionProof"]),
    canonicalizedBody: asString(entry["body"], `${what}: body`),
  };
}

function inclusionProof(value: unknown): JsonObject {
  if (value === undefined) return {};
  const what = "inclusion proof";
  const proof = asObject(value, what);
  return {
    inclusionProof: {
      logIndex: String(asSize(proof["logIndex"], `${what}.logIndex`)),
      rootHash: hexToBase64(asString(proof["rootHash"], `${what}.rootHash`)),
      treeSize: String(asSize(proof["treeSize"], `${what}.treeSize`)),
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

function pemBytes(pem: string): Buffer {
  return Buffer.from(pemBody(pem), "base64");
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
