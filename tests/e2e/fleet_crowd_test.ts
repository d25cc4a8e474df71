/**
 * Many machines at one layer store at the same time.
 */
import { assert, assertEquals } from "@std/assert";
import { keepLayer, maybeStoredLayer, type StoreWant } from "../../src/fleet/layer_store.ts";
import { MediaType, parseDiffId, parseStoreReference } from "../../src/oci/mod.ts";
import { createRegistryClient } from "../../src/registry/mod.ts";
import { digestOf, randomBytes } from "../support/faultreg/mod.ts";
import { memoryBlobs } from "../support/pushable_image.ts";
import { program, run, startDockerRegistry, testWith } from "../support/testbed.ts";

const TOOLS = 20;
const PUSHERS = 50;

function wantOf(tool: number): StoreWant {
  const prefix = `/mise/installs/tool-${tool}/1.0.0`;
  return {
    tool: { short: `tool-${tool}`, version: "1.0.0" },
    directories: [prefix],
    input: {
      backend: `http:tool-${tool}`,
      version: "1.0.0",
      options: "{}",
      lock: "",
      platform: { os: "linux", architecture: "amd64" },
      libc: "gnu",
      prefix,
      owner: "0:0",
      excludes: [],
      compression: "none:0",
      layerFormat: "3",
      relocationFormat: "3",
      baseDirectories: [],
    },
  };
}

testWith(
  { needs: ["linux", "crane", "docker-registry"] },
  "layer store: 50 machines write 20 entries at once, and each is whole for every reader",
  async () => {
    await using registry = await startDockerRegistry();
    const reference = parseStoreReference(`${registry.host}/team/layers`);
    // A tar of nothing is two blocks of zeros; what differs makes them different blobs.
    const layers = Array.from({ length: TOOLS }, (_, i) => {
      const bytes = new Uint8Array(20_480);
      bytes.set(randomBytes(512, i + 1), 10_240);
      bytes.fill(0, 0, 1024);
      return bytes;
    });
    const clients = Array.from(
      { length: PUSHERS },
      () => createRegistryClient({ registry: registry.host, insecure: false }),
    );
    try {
      await Promise.all(clients.map(async (client, pusher) => {
        for (let i = 0; i < TOOLS; i++) {
          const tool = (pusher + i) % TOOLS;
          const bytes = layers[tool] ?? new Uint8Array();
          const digest = digestOf(bytes);
          await keepLayer({ client, reference }, wantOf(tool), {
            descriptor: { mediaType: MediaType.layer, digest, size: bytes.length },
            diffId: parseDiffId(digest),
            references: [],
            env: [],
            path: [],
            created: "1980-01-01T00:00:00Z",
            createdBy: "test",
            source: memoryBlobs(new Map([[digest, bytes]])),
          });
        }
      }));
      const [client] = clients;
      assert(client !== undefined);
      for (const [tool, bytes] of layers.entries()) {
        const stored = await maybeStoredLayer({ client, reference }, wantOf(tool));
        assertEquals(stored?.descriptor.digest, digestOf(bytes));
      }
      const { stdout } = await run([
        program("crane"),
        "ls",
        "--insecure",
        `${registry.host}/team/layers`,
      ]);
      assertEquals(stdout.trim().split("\n").length, TOOLS);
    } finally {
      for (const client of clients) client.close();
    }
  },
);
