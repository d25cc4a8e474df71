import { assertEquals } from "@std/assert";
import { createFakeMise, projectAnswers, writeConfig } from "../../../tests/support/fake_mise.ts";
import { readProject } from "../../mise/mod.ts";
import { miseContext } from "./read_projects.ts";

Deno.test("what mise install prints is shown in whole lines and characters", async () => {
  // One chunk ends in the middle of a line, another in the middle of "ü" while stderr has output.
  const shell = "printf 'downlo'; sleep 0.05; printf 'ading\\n\\303'; sleep 0.05; " +
    "printf 'mise warning\\n' >&2; sleep 0.05; printf '\\274nzip\\n'";
  await using fake = await createFakeMise((place) => ({
    ...projectAnswers(place.directory),
    "install": { shell },
  }));
  await writeConfig(fake, "[tools]\n");
  const lines: string[] = [];
  const context = miseContext({
    signal: new AbortController().signal,
    reporter: {
      emit: (event) => void (event.type === "step" && lines.push(event.text)),
    },
  });
  await readProject({
    directory: fake.directory,
    misePath: fake.path,
    includeGlobal: false,
    install: true,
    platform: { os: "linux", architecture: "amd64" },
  }, context);
  assertEquals(lines.sort(), ["downloading", "mise warning", "ünzip"]);
});
