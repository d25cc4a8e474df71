/**
 * A token server whose tokens a real docker-registry accepts: JSON Web Tokens signed with a key whose
 * certificate the registry trusts (distribution, "Token Authentication Implementation").
 * @module
 */
import { join } from "@std/path";
import { makeTempDir, run } from "./testbed/command.ts";

/** Options of {@linkcode startJwtTokenServer}. */
export interface JwtTokenServerOptions {
  /** Who may log in; anybody else gets `pull` of public repositories only. */
  readonly user: { readonly username: string; readonly password: string };
  /** Who may log in and pull everything, and push nothing. */
  readonly reader?: { readonly username: string; readonly password: string };
  /** Repositories that anybody may pull. */
  readonly publicRepositories?: readonly string[];
}

/** A running token server. */
export interface JwtTokenServer extends AsyncDisposable {
  /** What `startDockerRegistry` wants to know about it. */
  readonly token: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly certificateFile: string;
  };
  /** The scopes asked for, in order. */
  readonly asked: string[];
  /** A token for a scope that was good until an hour ago. */
  expired(scope: string): Promise<string>;
}

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

function pemBody(pem: string): string {
  return pem.replace(/-----[^-]+-----/g, "").replace(/\s/g, "");
}

interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: string[];
}

function granted(scope: string, allowed: (name: string) => readonly string[]): Access {
  const [type = "", name = "", actions = ""] = scope.split(":");
  return {
    type,
    name,
    actions: actions.split(",").filter((action) => allowed(name).includes(action)),
  };
}

/** Signs tokens for the given access; issued now, or a number of seconds ago. */
type Sign = (access: readonly Access[], age?: number) => Promise<string>;

const encode = (value: unknown): string =>
  base64url(new TextEncoder().encode(JSON.stringify(value)));

/** Makes a key and its certificate in a directory. */
async function makeSigner(
  dir: string,
): Promise<{ readonly sign: Sign; readonly certificateFile: string }> {
  const keyFile = join(dir, "key.pem");
  const certificateFile = join(dir, "cert.pem");
  await run([
    ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"] as const,
    ...["-subj", "/CN=tokens", "-keyout", keyFile, "-out", certificateFile],
  ]);
  const der = Uint8Array.from(
    atob(pemBody(await Deno.readTextFile(keyFile))),
    (c) => c.charCodeAt(0),
  );
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
  const x5c = [pemBody(await Deno.readTextFile(certificateFile))];
  const sign: Sign = async (access, age = 0) => {
    const now = Math.floor(Date.now() / 1000) - age;
    const times = { exp: now + 300, nbf: now - 10, iat: now };
    const claims = {
      iss: "test",
      sub: "",
      aud: "registry",
      ...times,
      jti: crypto.randomUUID(),
      access,
    };
    const input = `${encode({ typ: "JWT", alg: "RS256", x5c })}.${encode(claims)}`;
    const signature = await crypto.subtle.sign(
      algorithm.name,
      key,
      new TextEncoder().encode(input),
    );
    return `${input}.${base64url(new Uint8Array(signature))}`;
  };
  return { sign, certificateFile };
}

/** Starts a token server on loopback. */
export async function startJwtTokenServer(options: JwtTokenServerOptions): Promise<JwtTokenServer> {
  const { user, reader, publicRepositories = [] } = options;
  const temp = await makeTempDir();
  const { sign, certificateFile } = await makeSigner(temp.path);
  const asked: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const authorization = request.headers.get("authorization");
      const is = (who: typeof reader): boolean =>
        who !== undefined && authorization === `Basic ${btoa(`${who.username}:${who.password}`)}`;
      const known = is(user);
      const reads = is(reader);
      if (authorization !== null && !known && !reads) return new Response("no", { status: 401 });
      const scopes = new URL(request.url).searchParams.getAll("scope");
      asked.push(...scopes);
      const allowed = (name: string): readonly string[] =>
        known ? ["pull", "push"] : reads || publicRepositories.includes(name) ? ["pull"] : [];
      return Response.json({ token: await sign(scopes.map((scope) => granted(scope, allowed))) });
    },
  );
  const realm = `http://127.0.0.1:${server.addr.port}/token`;
  return {
    token: { realm, service: "registry", issuer: "test", certificateFile },
    asked,
    expired: (scope) => sign([granted(scope, () => ["pull", "push"])], 3900),
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      await temp[Symbol.asyncDispose]();
    },
  };
}
