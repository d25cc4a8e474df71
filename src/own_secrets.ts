/**
 * Secrets in environment variables that are for this program alone. They are taken out of its environment when
 * it starts, so that no program that it runs inherits them: `mise install` runs scripts of strangers.
 * @module
 */

/** With it a job of GitHub Actions asks for identity tokens; some credential helpers do so. */
const IDENTITY = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
const NAMES = ["COSIGN_PASSWORD", "SIGSTORE_ID_TOKEN", IDENTITY] as const;

const taken = new Map<string, string>();

/** Takes the secrets out of the environment. {@linkcode ownEnv} still has them. */
export function takeOwnSecrets(): void {
  for (const name of NAMES) {
    try {
      const value = Deno.env.get(name);
      if (value === undefined) continue;
      taken.set(name, value);
      Deno.env.delete(name);
    } catch (error) {
      // What may not be read is not needed either.
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
    }
  }
}

/** What a program that logs in to registries gets back of them. */
export function identityEnv(): Readonly<Record<string, string>> {
  const token = taken.get(IDENTITY);
  return token === undefined ? {} : { [IDENTITY]: token };
}

/** An environment variable of this program, as it was set when it started. */
export function ownEnv(name: string): string | undefined {
  return taken.get(name) ?? Deno.env.get(name);
}
