import { assertEquals } from "@std/assert";
import { fakeWorkflows, runFake } from "../../tests/support/cli_fixture.ts";
import { outdated } from "./outdated.ts";

Deno.test("outdated shows what is behind with the commands that take it over", async () => {
  const base = {
    kind: "base",
    name: "debian:12",
    current: "sha256:1",
    latest: "sha256:2",
  } as const;
  const tool = { kind: "tool", name: "node", current: "22", latest: "24" } as const;
  const run = (...args: string[]) =>
    runFake(["outdated", ...args], {
      commands: [outdated],
      workflows: fakeWorkflows({
        findOutdated: () => Promise.resolve({ outdated: [base, tool] }),
      }),
    });
  const table = "KIND  NAME       CURRENT   LATEST\nbase  debian:12  sha256:1  sha256:2\n" +
    "tool  node       22        24\n";
  assertEquals((await run()).stdout, `${table}\nNext: mise-oci pin --update; mise upgrade\n`);
  const image = "r.io/app:v1";
  const steps = `mise-oci rebase ${image} --onto BASE; mise-oci push ${image}`;
  assertEquals((await run(image)).stdout, `${table}\nNext: ${steps}\n`);
  assertEquals((await run("-q")).stdout, table);
});
