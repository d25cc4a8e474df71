/**
 * Reading projects through a fake mise.
 * @module
 */
import { assertRejects } from "@std/assert";
import { MiseOciError } from "../../src/errors.ts";
import { type MiseContext, type ProjectOptions, readProject } from "../../src/mise/mod.ts";
import type { Project } from "../../src/plan/project.ts";
import {
  createFakeMise,
  type FakeAnswers,
  type FakeMise,
  type FakeTool,
  projectAnswers,
  writeConfig,
} from "./fake_mise.ts";

/** A project and what was said while it was read. */
export interface FakeRead {
  /** The project. */
  readonly project: Project;
  /** Warnings. */
  readonly warnings: readonly string[];
  /** Lines of `-v` and `-vv`. */
  readonly details: readonly string[];
}

/** Reads the project of a fake mise, in an environment with `HOME` and what is given. */
export async function readFake(
  fake: FakeMise,
  options: Partial<ProjectOptions> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<FakeRead> {
  const [warnings, details]: [string[], string[]] = [[], []];
  const context: MiseContext = {
    env: (name) => ({ HOME: fake.home, ...env })[name],
    warn: (text) => void warnings.push(text),
    detail: (_level, text) => void details.push(text),
  };
  const project = await readProject({
    directory: fake.directory,
    misePath: fake.path,
    includeGlobal: false,
    install: false,
    platform: { os: "linux", architecture: "amd64" },
    ...options,
  }, context);
  return { project, warnings, details };
}

/** The error that reading fails with. */
export async function failsToRead(
  fake: FakeMise,
  options?: Partial<ProjectOptions>,
): Promise<MiseOciError> {
  return await assertRejects(() => readFake(fake, options), MiseOciError);
}

/** A project without tools. */
export const noTools = (): readonly FakeTool[] => [];

/** An installed tool. */
export function fakeTool(
  short: string,
  version = "1.0.0",
  more: Partial<FakeTool> = {},
): FakeTool {
  return {
    short,
    version,
    installPath: `/data/installs/${short.replaceAll(":", "-")}/${version}`,
    ...more,
  };
}

/** A fake mise with the answers of a project, some replaced. */
export async function fakeProject(
  tools: (directory: string) => readonly FakeTool[],
  replaced: (place: { directory: string; home: string }) => FakeAnswers = () => ({}),
): Promise<FakeMise> {
  const fake = await createFakeMise((place) => ({
    ...projectAnswers(place.directory, tools(place.directory)),
    ...replaced(place),
  }));
  await writeConfig(fake, "[tools]\n");
  return fake;
}
