import { assert, assertEquals, assertRejects } from "@std/assert";
import { fakeProject, fakeTool, noTools } from "../../../tests/support/fake_project.ts";
import type { FakeMise } from "../../../tests/support/fake_mise.ts";
import { MiseOciError } from "../../errors.ts";
import type { ReportEvent } from "../../ui/reporter.ts";
import { askAhead, miseContext } from "./read_projects.ts";
import type { AheadRequest, Taker } from "../types.ts";
import { defaultPlatform, isHostPlatform } from "./environment.ts";
import type { WorkflowContext } from "../../context.ts";

/** On other systems everything is for another platform, and mise runs later. */
const ignore = !isHostPlatform(defaultPlatform());

const FOREIGN = { os: "linux", architecture: "s390x" } as const;

function requestTo({ path, directory }: FakeMise, more: Partial<AheadRequest> = {}): AheadRequest {
  return { directory, misePath: path, includeGlobal: false, install: false, ...more };
}

function listener(): { readonly context: WorkflowContext; readonly events: ReportEvent[] } {
  const events: ReportEvent[] = [];
  const reporter = { emit: (event: ReportEvent): void => void events.push(event) };
  return { context: { reporter, signal: new AbortController().signal }, events };
}

function taker(context: WorkflowContext, whole = false): Taker {
  return { context: miseContext(context), whole };
}

Deno.test({
  name: "a project that mise was asked about is taken once, and what mise said is told then",
  ignore,
  fn: async () => {
    await using fake = await fakeProject(noTools, () => ({
      "ls --current --json": { stdout: {}, stderr: "mise WARN  something is odd\n" },
    }));
    const [first, later] = [listener(), listener()];
    const request = requestTo(fake);
    await using asked = askAhead(request, first.context);
    const project = await asked.take(
      { ...request, platform: defaultPlatform() },
      taker(later.context),
    );
    assertEquals(project?.directory, fake.directory);
    assertEquals(first.events, []);
    const texts = later.events.map((event) => "text" in event ? event.text : "");
    assert(texts.includes("mise: something is odd"), texts.join("\n"));
    assertEquals(await asked.take(request, taker(later.context)), undefined);
    assertEquals((await fake.calls()).filter((call) => call === "version --json").length, 1);
  },
});

Deno.test({
  name: "another project than the one asked about is not taken for it",
  ignore,
  fn: async () => {
    await using fake = await fakeProject(noTools);
    const { context } = listener();
    const request = requestTo(fake);
    await using asked = askAhead(request, context);
    const others: Partial<AheadRequest>[] = [
      { directory: "/elsewhere" },
      { misePath: "/other/mise" },
      { miseEnv: "dev" },
      { includeGlobal: true },
      { install: true },
      { platform: { os: "linux", architecture: "s390x" } },
    ];
    for (const other of others) {
      assertEquals(
        await asked.take({ ...request, ...other }, taker(context)),
        undefined,
        JSON.stringify(other),
      );
    }
    assert(await asked.take(request, taker(context)) !== undefined);
  },
});

Deno.test("mise is not asked ahead of an install", async () => {
  await using fake = await fakeProject(noTools);
  const { context } = listener();
  const request = requestTo(fake, { install: true });
  await using asked = askAhead(request, context);
  assertEquals(await asked.take(request, taker(context)), undefined);
  assertEquals(await fake.calls(), []);
});

Deno.test("mise is asked about all platforms at once, and what they share is asked once", async () => {
  await using fake = await fakeProject(noTools);
  const { context } = listener();
  const request = requestTo(fake, { platforms: [FOREIGN, defaultPlatform()] });
  await using asked = askAhead(request, context);
  for (const platform of request.platforms ?? []) {
    assert(await asked.take({ ...request, platform }, taker(context)) !== undefined);
  }
  const calls = await fake.calls();
  const count = (call: string): number => calls.filter((one) => one === call).length;
  assertEquals([count("version --json"), count("ls --current --json")], [1, 2]);
});

Deno.test("a project of another platform is taken if all its tools are there, or nothing is installed", async () => {
  await using fake = await fakeProject((directory) => [
    fakeTool("npm:there", "1.0.0", { installPath: `${directory}/there` }),
    fakeTool("npm:pruned", "1.0.0", { installPath: `${directory}/none` }),
  ]);
  await Deno.mkdir(`${fake.directory}/there`);
  const { context } = listener();
  const request = requestTo(fake, { platform: FOREIGN });
  for (const whole of [true, false]) {
    await using asked = askAhead(request, context);
    const project = await asked.take(request, taker(context, whole));
    assertEquals(project?.tools.length, whole ? undefined : 2);
  }
  await Deno.mkdir(`${fake.directory}/none`);
  await using asked = askAhead(request, context);
  assertEquals((await asked.take(request, taker(context, true)))?.tools.length, 2);
});

Deno.test({
  name: "a failure of mise is that of who takes the project, and of nobody else",
  ignore,
  fn: async () => {
    await using fake = await fakeProject(noTools, () => ({
      "config ls --json": { stderr: "mise ERROR it is broken\n", code: 1 },
    }));
    const { context } = listener();
    const request = requestTo(fake);
    {
      await using _asked = askAhead(request, context);
    }
    await using asked = askAhead(request, context);
    await assertRejects(
      async () => await asked.take(request, taker(context)),
      MiseOciError,
      "broken",
    );
  },
});

Deno.test({
  name: "nothing of mise runs on when a project is not wanted after all",
  ignore,
  fn: async () => {
    await using fake = await fakeProject(noTools, () => ({
      "env --json-extended": { shell: "exec sleep 60" },
    }));
    const { context } = listener();
    const started = performance.now();
    {
      await using _asked = askAhead(requestTo(fake), context);
      while ((await fake.calls()).length < 3) await new Promise((done) => setTimeout(done, 10));
    }
    assert(performance.now() - started < 20_000);
  },
});
