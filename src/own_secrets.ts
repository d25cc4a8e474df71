/**
 * Secrets in environment variables that only this program needs. They are removed from the environment at
 * startup, so that child processes do not inherit them: `mise install` runs third-party scripts.
 * @module
 */

/** Used by jobs of GitHub Actions, and by some credential helpers, to request identity tokens. */
const IDENTITY = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
const NAMES = ["COSIGN_PASSWORD", "SIGSTORE_ID_TOKEN", IDENTITY] as const;

const taken = new Map<string, string>();

/** Removes the secrets from the environment. {@linkcode ownEnv} still returns them. */
export function takeOwnSecrets(): void {
  for (const name of NAMES) {
    try {
      const value = Deno.env.get(name);
      if (value === undefined) continue;
      taken.set(name, value);
      Deno.env.delete(name);
    } catch (error) {
      // Variables that may not be read are not needed.
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
    }
  }
}

/** The secrets that are passed to programs that log in to registries. */
export function identityEnv(): Readonly<Record<string, string>> {
  const token = taken.get(IDENTITY);
  return token === undefined ? {} : { [IDENTITY]: token };
}

/** An environment variable of this program, with its value at startup. */
export function ownEnv(name: string): string | undefined {
  return taken.get(name) ?? Deno.env.get(name);
}
