import { assertEquals } from "@std/assert";
import { pushBase, run, startDockerRegistry, testWith } from "./support/testbed.ts";

testWith(
  { needs: ["linux", "docker-registry", "skopeo", "base"] },
  "startDockerRegistry() runs a registry that skopeo can push to and that ends with its scope",
  async () => {
    let url: string;
    {
      await using registry = await startDockerRegistry();
      url = registry.url;
      const reference = await pushBase(registry.host);
      const digest = await run([
        ...["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}"] as const,
        `docker://${reference}`,
      ]);
      assertEquals(/^sha256:[0-9a-f]{64}\n$/.test(digest.stdout), true);
    }
    assertEquals(await fetch(`${url}/v2/`).then(() => "up", () => "down"), "down");
  },
);

testWith(
  { needs: ["linux", "docker-registry", "htpasswd", "openssl"] },
  "startDockerRegistry() speaks HTTPS by a CA of its own and wants a password",
  async () => {
    const htpasswd = { user: "me", password: "secret" };
    await using registry = await startDockerRegistry({ htpasswd, tls: true });
    using client = Deno.createHttpClient({
      caCerts: [await Deno.readTextFile(registry.caFile ?? "")],
    });
    const status = async (headers: HeadersInit): Promise<number> => {
      const response = await fetch(`${registry.url}/v2/`, { client, headers });
      await response.body?.cancel();
      return response.status;
    };
    assertEquals(await status({}), 401);
    assertEquals(await status({ authorization: `Basic ${btoa("me:secret")}` }), 200);
  },
);
