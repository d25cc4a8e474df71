import { assert, assertEquals, assertRejects } from "@std/assert";
import { fakeProject, noTools } from "../../tests/support/fake_project.ts";
import type { FakeMise } from "../../tests/support/fake_mise.ts";
import { MiseOciError } from "../errors.ts";
import type { ReportEvent } from "../ui/reporter.ts";
import { type AheadRequest, askAhead } from "./ask_ahead.ts";
import { defaultPlatform, isHostPlatform } from "./environment.ts";
import type { WorkflowContext } from "./types.ts";

/** On other systems everything is for another platform, and mise is asked in its time. */
const ignore = !isHostPlatform(defaultPlatform());

function requestTo({ path, directory }: FakeMise, more: Partial<AheadRequest> = {}): AheadRequest {
  return { directory, misePath: path, includeGlobal: false, install: false, ...more };
}

function listener(): { readonly context: WorkflowContext; readonly events: ReportEvent[] } {
  const events: ReportEvent[] = [];
  const reporter = { emit: (event: ReportEvent): void => void events.push(event) };
  return { context: { reporter, signal: new AbortController().signal }, events };
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
    const project = await asked.take({ ...request, platform: defaultPlatform() }, later.context);
    assertEquals(project?.directory, fake.directory);
    assertEquals(first.events, []);
    const texts = later.events.map((event) => "text" in event ? event.text : "");
    assert(texts.includes("mise: something is odd"), texts.join("\n"));
    assertEquals(asked.take(request, later.context), undefined);
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
      assertEquals(asked.take({ ...request, ...other }, context), undefined, JSON.stringify(other));
    }
    assert(await asked.take(request, context) !== undefined);
  },
});

Deno.test("mise is not asked ahead of an install, or about another platform", async () => {
  await using fake = await fakeProject(noTools);
  const { context } = listener();
  const foreign = { os: "linux", architecture: "s390x" } as const;
  const later: Partial<AheadRequest>[] = [
    { install: true },
    { platform: foreign },
    { platforms: [defaultPlatform(), foreign] },
  ];
  for (const one of later) {
    await using asked = askAhead(requestTo(fake, one), context);
    assertEquals(asked.take(requestTo(fake, one), context), undefined);
  }
  assertEquals(await fake.calls(), []);
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
    await assertRejects(async () => await asked.take(request, context), MiseOciError, "broken");
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
