/**
 * Reads a project from mise (spec, sections 2 and 3).
 * @module
 */
import { tracelessEnv } from "./install_env.ts";
import { MiseOciError } from "../errors.ts";
import { rememberSecret } from "../masking.ts";
import { isTrivial } from "../secrets.ts";
import { homeDirectory } from "../home.ts";
import type { Platform } from "../oci/mod.ts";
import type { OciSection, Project } from "../plan/project.ts";
import { type ListedConfig, type ListedTool, parseConfigs } from "./answers.ts";
import { type Answers, type Asker, SharedAnswers } from "./answers_of_project.ts";
import {
  askJson,
  askTools,
  askVersion,
  disableTools,
  listTools,
  readConfigFile,
  type Session,
} from "./ask.ts";
import { bootstrapWarnings, parsePackages } from "./bootstrap.ts";
import type { ConfigFile } from "./config_file.ts";
import type { MiseContext } from "./context.ts";
import { readDotfiles } from "./dotfiles.ts";
import { pathWarnings, readEnvironment } from "./environment.ts";
import { explainFailure } from "./failure.ts";
import {
  checkConditions,
  leftOut,
  refuseUnsupported,
  strayTools,
  withoutExcluded,
} from "./conditions.ts";
import { foreignEnv, foreignLockPath, type ForeignPlatform } from "./foreign/foreign_platform.ts";
import { runInstall } from "./install_lock.ts";
import { locateMise } from "./locate.ts";
import { mergeOci, parseOciTables } from "./oci/oci_section.ts";
import { renderOci } from "./oci/oci_templates.ts";
import {
  configRoot,
  dataDirectories,
  findOutsidePlaces,
  isConfigFile,
  isOutside,
  maybeMonorepoRoot,
  withoutOverrides,
} from "./scope.ts";
import { isWithin } from "../paths.ts";
import { readTaskTools, taskToolWarnings } from "./task_tools.ts";
import { renderTemplates } from "./templates.ts";
import { readTools } from "./tools.ts";
import {
  describeUnknownFields,
  parseUnresolved,
  refuseUnresolved,
  WARNINGS_ENV,
  withoutVersion,
} from "./unresolved.ts";

/** Imported on demand: most images are for the host platform. */
const installModule = () => import("./foreign/foreign_install.ts");

/** Options of {@linkcode readProject}. */
export interface ProjectOptions {
  /** Absolute directory of the project. */
  readonly directory: string;
  /** mise executable; default `MISE_OCI_MISE`, then `mise` on PATH. */
  readonly misePath?: string;
  /** mise environment, as `-E`: `dev`, or several with commas. */
  readonly miseEnv?: string;
  /** Whether to include global and system config and `MISE_<TOOL>_VERSION`. */
  readonly includeGlobal: boolean;
  /** Whether to run `mise install` first. */
  readonly install: boolean;
  /** Install only these tools, `NAME@VERSION`. */
  readonly installOnly?: readonly string[];
  /** Whether to answer the prompts of `mise install` with yes. */
  readonly yes?: boolean;
  /**
   * The target platform, if it is not the host platform: it has its own data directory, in which
   * tools are found and, with `install`, installed. The host's installs are not changed.
   */
  readonly foreign?: ForeignPlatform;
  /**
   * Output of mise shared with other platforms of the same build; platform-independent queries run
   * once.
   */
  readonly shared?: SharedAnswers;
  /** Names of tools to leave out, in addition to those of the config. */
  readonly without?: readonly string[];
  /** Whether to install only what the lock file contains (`mise install --locked`). */
  readonly locked?: boolean;
  /** Target platform, for the `os` conditions of tools whose version cannot be resolved. */
  readonly platform: Platform;
}

/** Options with the source of mise's output. */
type Reading = ProjectOptions & { readonly asker: Asker };

/** How often mise is queried again because the environment overrides a tool's version. */
const MAX_OVERRIDES = 3;

function checkDirectory(directory: string): void {
  const fail = (why: string, cause?: unknown): never => {
    throw new MiseOciError(
      "not-found",
      `Cannot read the project in ${JSON.stringify(directory)}: ${why}`,
      { hint: "Name an existing directory with -C", cause },
    );
  };
  try {
    if (!Deno.statSync(directory).isDirectory) fail("not a directory");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) fail("no such directory", error);
    throw error;
  }
}

async function runHostInstall(
  session: Session,
  { yes = false, locked = false, installOnly = [] }: Pick<
    ProjectOptions,
    "yes" | "locked" | "installOnly"
  >,
): Promise<void> {
  const { misePath, directory, context } = session;
  const flags = [...(yes ? ["--yes"] : []), ...(locked ? ["--locked"] : [])];
  const args = ["install", ...flags, ...installOnly];
  const answer = await runInstall({
    misePath,
    home: homeDirectory(context.env),
    directory,
    args,
    env: { ...tracelessEnv(context), ...session.env },
    timeoutMs: 0,
    onLine: (line) => context.onInstallLine?.(line),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  }, { path: context.locks?.host ?? "", locks: context.locks });
  if (answer.code !== 0 || answer.killedBy !== undefined) throw explainFailure(args, answer);
}

/** Installs the versions that the project, not the environment, requests. */
async function install(session: Session, options: ProjectOptions): Promise<void> {
  const { includeGlobal } = options;
  await askVersion(session);
  let current = session;
  for (let round = 0; !includeGlobal && round < MAX_OVERRIDES; round++) {
    const loud = { ...current, env: { ...current.env, ...WARNINGS_ENV } };
    const { tools, stderr } = await listTools(loud);
    const next = withoutOverrides(current, [...tools, ...parseUnresolved(stderr)]);
    if (next === undefined) break;
    current = next;
  }
  const configs = await askJson(current, { args: ["config", "ls", "--json"], parse: parseConfigs });
  const { files } = await partConfigs(current, configs, includeGlobal);
  const without = new Set(leftOut(files, options));
  const installing = disableTools(current, [...without]);
  await runHostInstall(installing, options);
  if (options.installOnly !== undefined) return;
  // `mise install` skips a tool with lazy = true unless it is named.
  const paths = new Set(files.map(({ path }) => path));
  const lazy = (await askTools(current)).filter(({ short, source, installed, version }) =>
    !installed && version !== "" && version !== "system" && !without.has(short) &&
    source !== undefined && paths.has(source)
  );
  if (lazy.length === 0) return;
  const named = lazy.map(({ short, version }) => `${short}@${version}`);
  await runHostInstall(installing, { ...options, installOnly: named });
}

async function askProject(
  session: Session,
  { includeGlobal, foreign: platform, asker }: Reading,
): Promise<{ readonly session: Session; readonly answers: Answers }> {
  const foreign = platform === undefined ? {} : foreignEnv(platform, session.context);
  const options = { includeGlobal, foreign };
  let current = session;
  let answers = await asker.ask(current, options);
  for (let round = 0; !includeGlobal && round < MAX_OVERRIDES; round++) {
    const next = withoutOverrides(current, [...answers.tools, ...answers.unresolved]);
    if (next === undefined) break;
    current = next;
    answers = await asker.ask(current, options);
  }
  return { session: current, answers };
}

/** Reads the config files, most specific first, and separates the project's from the others. */
async function partConfigs(
  session: Session,
  configs: readonly ListedConfig[],
  includeGlobal: boolean,
): Promise<{ readonly files: readonly ConfigFile[]; readonly outside: readonly string[] }> {
  const rows = configs.filter((row) => isConfigFile(row, session.context));
  if (includeGlobal) {
    return {
      files: await Promise.all(rows.map((row) => readConfigFile(session, row.path))),
      outside: [],
    };
  }
  const places = await findOutsidePlaces(session.context);
  const mine = rows.filter((row) => !isOutside(row.path, places));
  const files = await Promise.all(mine.map((row) => readConfigFile(session, row.path)));
  const root = maybeMonorepoRoot(files);
  const inside = files.filter((file) =>
    root === undefined || isWithin(configRoot(file.path), root)
  );
  const paths = new Set(inside.map((file) => file.path));
  return { files: inside, outside: rows.map((row) => row.path).filter((path) => !paths.has(path)) };
}

function refuseNoProject(directory: string, outside: readonly string[]): never {
  const own = outside.find((path) => configRoot(path) === directory);
  throw new MiseOciError(
    "config",
    `No project mise config in ${JSON.stringify(directory)} or above` +
      (own === undefined ? "" : `: ${JSON.stringify(own)} is the user's own`),
    {
      hint: own === undefined
        ? "Add a mise.toml to the project, or pass --include-global to take the global config's tools"
        : "Put the project below the home directory, or pass --include-global to take the user's config",
    },
  );
}

/** A project's data before its tools and variables are assembled. */
interface Known {
  readonly session: Session;
  readonly answers: Answers;
  readonly files: readonly ConfigFile[];
  readonly outside: readonly string[];
  readonly tools: readonly ListedTool[];
}

async function know(session: Session, options: Reading): Promise<Known> {
  const { directory, includeGlobal, foreign } = options;
  const { locks } = session.context;
  const lock = foreign === undefined ? locks?.host : foreignLockPath(foreign);
  await using _quiet = lock === undefined ? undefined : await locks?.take(lock, "shared");
  const asked = await askProject(session, options);
  const { answers } = asked;
  const { files, outside } = await partConfigs(asked.session, answers.configs, includeGlobal);
  if (files.length === 0 && !includeGlobal) refuseNoProject(directory, outside);
  const others = new Set(outside);
  const { settings } = answers;
  refuseUnsupported(files, { settings, foreign: foreign?.platform });
  const without = new Set(leftOut(files, options));
  const isOwn = (tool: { readonly short: string; readonly source?: string }): boolean =>
    (tool.source === undefined || !others.has(tool.source)) && !without.has(tool.short);
  const own = answers.tools.filter(isOwn);
  const unresolved = answers.unresolved.filter(isOwn);
  refuseUnresolved([
    ...withoutExcluded(unresolved, files, options.platform),
    ...withoutVersion(own),
  ]);
  const tools = foreign === undefined ? own : checkConditions(own, files, foreign.platform);
  return { ...asked, files, outside, tools };
}

/** Installs what is missing for another platform, and queries again. */
async function knowForeign(
  session: Session,
  options: Reading,
  { foreign, host }: { readonly foreign: ForeignPlatform; readonly host: Session },
): Promise<Known> {
  let known = await know(session, options);
  if (options.install && known.tools.some(({ installed }) => installed)) {
    const { removeEmptyInstalls } = await installModule();
    if (await removeEmptyInstalls(known.tools, foreign)) {
      using asker = new SharedAnswers().enter();
      known = await know(session, { ...options, asker });
    }
  }
  const missing = known.tools.filter(({ installed, version }) =>
    !installed && version !== "system"
  );
  if (!options.install || missing.length === 0) return known;
  const own = new Set(known.tools.map(({ short }) => short));
  const { installForeign } = await installModule();
  await installForeign(known.session, {
    foreign,
    tools: missing,
    outside: known.answers.tools.map(({ short }) => short).filter((short) => !own.has(short)),
    host,
    yes: options.yes ?? false,
    locked: options.locked ?? false,
  });
  // An install may run hooks that change anything, so earlier output is not reused.
  using asker = new SharedAnswers().enter();
  return await know(session, { ...options, asker });
}

/**
 * Reads the project in a directory by calling mise; config files are read only for what mise does
 * not print. Nothing is installed unless requested. A tool that is not installed is not an error:
 * see `Tool.installed`.
 *
 * @throws {MiseOciError} `mise` if mise is missing, too old, hangs, does not trust a config or does
 * not print JSON; `config` for an invalid or missing config file; `tool` for tools that cannot be
 * layers; `not-found` if the directory does not exist.
 */
export async function readProject(
  options: ProjectOptions,
  context: MiseContext,
): Promise<Project> {
  const { directory, foreign, shared = new SharedAnswers() } = options;
  using asker = shared.enter();
  const reading = { ...options, asker };
  checkDirectory(directory);
  const misePath = locateMise(options, context);
  const env = {
    ...(options.miseEnv === undefined ? {} : { MISE_ENV: options.miseEnv }),
    ...dataDirectories(directory, context),
  };
  const host: Session = { misePath, directory, env, context };
  if (foreign === undefined) {
    if (options.install) await install(host, options);
    return await assemble(await know(host, reading), options);
  }
  const session = { ...host, env: { ...env, ...foreignEnv(foreign, context) } };
  return await assemble(await knowForeign(session, reading, { foreign, host }), options);
}

/** Warnings about settings in config files that have no effect on the image. */
function projectWarnings(
  { unknownFields }: Answers,
  files: readonly ConfigFile[],
  oci: OciSection,
): readonly string[] {
  return [
    ...describeUnknownFields(unknownFields, files),
    ...bootstrapWarnings(files),
    ...(oci.taskTools === undefined ? taskToolWarnings(files) : []),
    ...pathWarnings(files, oci),
  ];
}

/** Assembles the project from mise's output. */
async function assemble(
  known: Known,
  options: ProjectOptions,
): Promise<Project> {
  const { directory, install, foreign, yes = false, locked = false } = options;
  const { session, answers, files, outside } = known;
  const leastFirst = files.toReversed();
  const rendered = await renderOci(session, { files: leastFirst, outside });
  const oci = mergeOci(parseOciTables(rendered, homeDirectory(session.context.env)));
  const packages = parsePackages(leastFirst);
  const ofTasks = oci.taskTools !== true ? [] : await readTaskTools(session, {
    files,
    outside,
    own: new Set(known.tools.map(({ installPath }) => installPath)),
    install: install && foreign === undefined
      ? (apart) => runHostInstall(apart, { yes, locked })
      : undefined,
  });
  const tools = await readTools(session, {
    tools: [...known.tools, ...ofTasks],
    configs: answers.configs,
    binPaths: answers.binPaths,
    details: answers.details,
    variables: answers.variables,
    allowPlugins: oci.allowPlugins,
  });
  const dotfiles = await readDotfiles(session, {
    files: leastFirst,
    miseVersion: answers.version,
  });
  const env = await readEnvironment(session, {
    variables: answers.variables,
    redacted: answers.redacted,
    tools,
    files,
    outside,
  });
  const own = new Set(env.map(({ name }) => name));
  const hidden = answers.variables.filter(({ name }) => answers.redacted.has(name));
  // mise may quote a secret in an error about a template.
  for (const { value } of hidden) if (!isTrivial(value)) rememberSecret(value);
  return {
    directory,
    misePath: session.misePath,
    miseVersion: answers.version,
    configFiles: leastFirst.map((file) => file.path),
    tools,
    env,
    secrets: hidden.filter(({ name }) => !own.has(name)),
    oci,
    settings: answers.settings,
    packages,
    dotfiles: await renderTemplates(session, dotfiles, { files: leastFirst, outside, env }),
    warnings: [
      ...projectWarnings(answers, leastFirst, oci),
      ...strayTools(answers, files, options),
    ],
  };
}
