import { assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import type { Engine } from "../engine/mod.ts";
import { makeTempDir } from "../../tests/support/testbed/command.ts";
import { CONTAINER_PREFIX, removeDeadRuns, RUN_REPOSITORY, takeRunLease } from "./run_lease.ts";
import type { WorkflowContext } from "../context.ts";

/** An engine with the given contents, which records what is removed. */
function fakeEngine(has: { readonly containers: string[]; readonly images: string[] }): {
  readonly engine: Engine;
  readonly removed: string[];
} {
  const removed: string[] = [];
  const part: Partial<Engine> = {
    name: "podman",
    listContainers: () =>
      Promise.resolve(has.containers.map((text) => {
        const [name = "", label = name.slice(CONTAINER_PREFIX.length)] = text.split(" labelled ");
        return { id: `id of ${name}`, name, label };
      })),
    listTags: () =>
      Promise.resolve(has.images.map((name) => {
        const colon = name.lastIndexOf(":");
        return { name, repository: name.slice(0, colon), tag: name.slice(colon + 1) };
      })),
    removeContainer: (id) => Promise.resolve(void removed.push(id)),
    untag: (name) => Promise.resolve(void removed.push(name)),
  };
  return { engine: part as Engine, removed };
}

interface Setting extends AsyncDisposable {
  readonly directory: string;
  readonly details: string[];
  readonly context: WorkflowContext;
}

async function makeSetting(): Promise<Setting> {
  const temp = await makeTempDir();
  const before = Deno.env.get("MISE_OCI_CACHE_DIR");
  Deno.env.set("MISE_OCI_CACHE_DIR", temp.path);
  const details: string[] = [];
  return {
    directory: join(temp.path, "runs"),
    details,
    context: {
      signal: new AbortController().signal,
      reporter: { emit: (event) => event.type === "detail" && details.push(event.text) },
    },
    [Symbol.asyncDispose]: async () => {
      if (before === undefined) Deno.env.delete("MISE_OCI_CACHE_DIR");
      else Deno.env.set("MISE_OCI_CACHE_DIR", before);
      await temp[Symbol.asyncDispose]();
    },
  };
}

const LOOPBACK = `127.0.0.1:4000/mise-oci-${"a".repeat(32)}`;

Deno.test("what a dead run left goes: its container first, then both names of its image", async () => {
  await using setting = await makeSetting();
  const dead = await takeRunLease(setting.directory);
  await dead[Symbol.asyncDispose]();
  const { engine, removed } = fakeEngine({
    containers: [`${CONTAINER_PREFIX}${dead.id}`],
    images: [`${RUN_REPOSITORY}:${dead.id}`, `${LOOPBACK}:${dead.id}`],
  });
  await removeDeadRuns(engine, setting.directory, setting.context);
  assertEquals(removed, [
    `id of ${CONTAINER_PREFIX}${dead.id}`,
    `${RUN_REPOSITORY}:${dead.id}`,
    `${LOOPBACK}:${dead.id}`,
  ]);
  assertEquals(setting.details.length, 3);
});

Deno.test("a container of a dead run goes also if a user gave it a name", async () => {
  await using setting = await makeSetting();
  const dead = await takeRunLease(setting.directory);
  await dead[Symbol.asyncDispose]();
  const { engine, removed } = fakeEngine({
    containers: [`web labelled ${dead.id}`, "db labelled <no value>"],
    images: [],
  });
  await removeDeadRuns(engine, setting.directory, setting.context);
  assertEquals(removed, ["id of web"]);
});

Deno.test("what a run that lives has is left alone", async () => {
  await using setting = await makeSetting();
  await using alive = await takeRunLease(setting.directory);
  const { engine, removed } = fakeEngine({
    containers: [`${CONTAINER_PREFIX}${alive.id}`],
    images: [`${RUN_REPOSITORY}:${alive.id}`],
  });
  await removeDeadRuns(engine, setting.directory, setting.context);
  assertEquals(removed, []);
});

Deno.test("runs of another cache directory, and whatever else there is, are left alone", async () => {
  await using setting = await makeSetting();
  const elsewhere = await takeRunLease(join(setting.directory, "elsewhere"));
  await elsewhere[Symbol.asyncDispose]();
  const own = await takeRunLease(setting.directory);
  await own[Symbol.asyncDispose]();
  assertNotEquals(own.id.split("-")[0], elsewhere.id.split("-")[0]);
  const { engine, removed } = fakeEngine({
    containers: [`${CONTAINER_PREFIX}${elsewhere.id}`, "web labelled x", "web"],
    images: [
      `${RUN_REPOSITORY}:${elsewhere.id}`,
      `${RUN_REPOSITORY}:${own.id.split("-")[0]}-../../x`,
      `registry.example/app:${own.id}`,
      "debian:latest",
      "<none>:<none>",
    ],
  });
  await removeDeadRuns(engine, setting.directory, setting.context);
  assertEquals(removed, []);
});

Deno.test("an engine that cannot list or remove does not stop a run", async () => {
  await using setting = await makeSetting();
  const dead = await takeRunLease(setting.directory);
  await dead[Symbol.asyncDispose]();
  const failing = (text: string) => (): Promise<never> =>
    Promise.reject(new MiseOciError("engine", text));
  const { engine } = fakeEngine({ containers: [`${CONTAINER_PREFIX}${dead.id}`], images: [] });
  await removeDeadRuns(
    { ...engine, removeContainer: failing("Cannot remove") },
    setting.directory,
    setting.context,
  );
  await removeDeadRuns(
    { ...engine, listTags: failing("Cannot list") },
    setting.directory,
    setting.context,
  );
  assertEquals(setting.details, ["Cannot remove", "Cannot list"]);
});

Deno.test("ids are unique, and fit for a tag and the name of a container", async () => {
  await using setting = await makeSetting();
  const leases = await Promise.all(
    Array.from({ length: 20 }, () => takeRunLease(setting.directory)),
  );
  assertEquals(new Set(leases.map(({ id }) => id)).size, 20);
  for (const { id } of leases) assertEquals(/^[0-9a-f]{12}-[0-9a-f]{16}$/.test(id), true, id);
  for (const lease of leases) await lease[Symbol.asyncDispose]();
});
