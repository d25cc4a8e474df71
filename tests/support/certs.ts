/**
 * Certificates for tests, made by openssl.
 * @module
 */
import { join } from "@std/path";

/** A certificate with its key, PEM. */
export interface Certificate {
  /** The certificate. */
  readonly cert: string;
  /** Its private key. */
  readonly key: string;
}

/** Whether openssl is there. */
export function hasOpenssl(): boolean {
  try {
    return new Deno.Command("openssl", { args: ["version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** An authority that signs certificates in a temporary directory. */
export class CertificateAuthority implements AsyncDisposable {
  readonly #dir: string;
  /** The authority's own certificate, PEM. */
  readonly cert: string;

  private constructor(dir: string, cert: string) {
    this.#dir = dir;
    this.cert = cert;
  }

  /** Makes an authority. */
  static async create(): Promise<CertificateAuthority> {
    const dir = await Deno.makeTempDir({ prefix: "mise-oci-certs-" });
    await openssl(dir, [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-days",
      "30",
      "-subj",
      "/CN=mise-oci test CA",
      "-addext",
      "basicConstraints=critical,CA:TRUE",
      "-addext",
      "keyUsage=critical,keyCertSign,cRLSign",
    ]);
    return new CertificateAuthority(dir, await Deno.readTextFile(join(dir, "ca.crt")));
  }

  /** Signs a certificate for `subjectAltName`s such as `IP:127.0.0.1` or `DNS:registry.example`. */
  async issue(name: string, options: { readonly days?: number } = {}): Promise<Certificate> {
    const id = crypto.randomUUID();
    const extensions =
      `subjectAltName=${name}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`;
    await Deno.writeTextFile(join(this.#dir, `${id}.ext`), extensions);
    await openssl(this.#dir, [
      "req",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      `${id}.key`,
      "-out",
      `${id}.csr`,
      "-subj",
      "/CN=mise-oci test",
    ]);
    await openssl(this.#dir, [
      "x509",
      "-req",
      "-in",
      `${id}.csr`,
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-out",
      `${id}.crt`,
      "-days",
      String(options.days ?? 10),
      "-extfile",
      `${id}.ext`,
    ]);
    return {
      cert: await Deno.readTextFile(join(this.#dir, `${id}.crt`)),
      key: await Deno.readTextFile(join(this.#dir, `${id}.key`)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#dir, { recursive: true });
  }
}

async function openssl(cwd: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd, stdout: "null" })
    .output();
  if (!success) throw new Error(`openssl ${args[0]} failed: ${new TextDecoder().decode(stderr)}`);
}
