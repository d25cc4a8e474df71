/**
 * A layer store whose entries have to be signed (`[_.oci] verify`).
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { writeKeyPair } from "../support/attest/keys.ts";
import { runProgram, runProgramJson } from "../support/cli.ts";
import {
  createMiseProject,
  type DockerRegistry,
  type MiseProject,
  type RunResult,
  startDockerRegistry,
  testWith,
  TOOLS,
} from "../support/testbed.ts";

interface Pushed {
  readonly digest: string;
  readonly layers: readonly { readonly status: string }[];
}

const { key: TOOL, version: VERSION } = TOOLS.prettier;

/** A project of one tool that uses only what `cosign.pub` signed. */
async function createProject(
  registry: DockerRegistry,
  keys: string,
  { installed }: { readonly installed: boolean },
): Promise<MiseProject> {
  const project = await createMiseProject({ tools: installed ? ["prettier"] : [], trust: false });
  const rule = `{ from = "${registry.host}/layers/*", key = "${join(keys, "cosign.pub")}" }`;
  await Deno.writeTextFile(
    join(project.directory, "mise.toml"),
    `[tools]\n"${TOOL}" = "${VERSION}"\n[_.oci]\nverify = [${rule}]\n`,
  );
  await project.runMise("trust", "--all");
  return project;
}

function options(project: MiseProject): { cwd: string; env: Record<string, string> } {
  const env = {
    SOURCE_DATE_EPOCH: "1700000000",
    MISE_OCI_CACHE_DIR: join(project.root, "cache"),
    COSIGN_PASSWORD: "",
  };
  return { cwd: project.directory, env: { ...project.env, ...env } };
}

/** Tags of a store's entries, without those that signatures have. */
async function entriesOf({ url }: DockerRegistry, name: string): Promise<readonly string[]> {
  const list = await (await fetch(`${url}/v2/${name}/tags/list`)).json();
  return list.tags.filter((tag: string) => !tag.startsWith("sha256-"));
}

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "layer store: entries that are not signed as verify says are not used, and push --sign signs what it writes",
  async () => {
    await using registry = await startDockerRegistry();
    await using writer = await createMiseProject({ tools: [] });
    const keys = writer.root;
    const { key, pub } = await writeKeyPair(keys, { password: "" });
    const other = await writeKeyPair(keys, { name: "other", password: "" });
    await using full = await createProject(registry, keys, { installed: true });
    await using fresh = await createProject(registry, keys, { installed: false });
    const args = (to: string, store: string, ...more: string[]): string[] => [
      ...["push", "--from", "scratch", "--no-mise", "--store", `${registry.host}/layers/${store}`],
      ...[...more, `${registry.host}/app/${to}:1`],
    ];
    const push = (project: MiseProject, ...rest: Parameters<typeof args>): Promise<Pushed> =>
      runProgramJson<Pushed>(args(...rest), options(project));
    const tryPush = (project: MiseProject, ...rest: Parameters<typeof args>): Promise<RunResult> =>
      runProgram(args(...rest), options(project));

    // Written and signed by one machine, used by another that has not installed the tool.
    const first = await push(full, "a", "signed", "--store-push", "--sign", key);
    const [tag] = await entriesOf(registry, "layers/signed");
    const verified = await runProgram(
      ["verify", "--key", pub, `${registry.host}/layers/signed:${tag}`],
      options(full),
    );
    assertEquals(verified.code, 0, verified.stderr);
    const second = await push(fresh, "b", "signed");
    assertEquals([second.digest, second.layers[0]?.status], [first.digest, "reused"]);

    for (const [store, flags] of [["plain", []], ["theirs", ["--sign", other.key]]] as const) {
      await Deno.remove(join(fresh.root, "cache"), { recursive: true });
      await push(full, `${store}-1`, store, "--store-push", ...flags);
      // No blob of the store is fetched: the machine has not one afterwards.
      const refused = await tryPush(fresh, `${store}-2`, store);
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.stderr, "Not used of the layer store: Cannot trust image");
      assertStringIncludes(refused.stderr, "not installed");
      const blobs = await Array.fromAsync(Deno.readDir(join(fresh.root, "cache/blobs/sha256")))
        .catch(() => []);
      assertEquals(blobs, []);
      // A machine that has the tool builds it, and says that the store was not used.
      const built = await tryPush(full, `${store}-3`, store);
      assertEquals(built.code, 0, built.stderr);
      assertEquals(built.stderr.split("Not used of the layer store").length, 2, built.stderr);
      assertStringIncludes(built.stdout, first.digest);
      // Who has the key puts an entry of its own in place of one that cannot be used.
      await push(full, `${store}-4`, store, "--store-push", "--sign", key);
      const third = await push(fresh, `${store}-5`, store);
      assertEquals([third.digest, third.layers[0]?.status], [first.digest, "reused"]);
    }
  },
);
