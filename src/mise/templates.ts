/**
 * Renders `[dotfiles]` templates. mise renders them only while applying, so it applies each to a
 * temporary place, with a temporary config file that replaces the system's or global one.
 *
 * Templates see only the project's variables, not the environment of the build, which may contain
 * secrets (docs/decisions/template-environment.md).
 * @module
 */
import { stringify } from "@std/toml";
import { DELIMITER, dirname, join } from "@std/path";
import { describeError, MiseOciError } from "../errors.ts";
import type { Dotfile, EnvVariable } from "../plan/project.ts";
import { ask, type Session } from "./ask.ts";
import { type ConfigFile, describePlace, maybeTable } from "./config_file.ts";
import { makeTemporary } from "./temporary.ts";

/** The config files that mise reads besides the temporary one. */
export interface StandInScope {
  /** Config files in scope. */
  readonly files: readonly ConfigFile[];
  /** Config files out of scope, whose variables and hooks are ignored. */
  readonly outside: readonly string[];
}

/** Input of {@linkcode renderTemplates} besides the dotfiles. */
export interface TemplateScope extends StandInScope {
  /** The project's variables. */
  readonly env: readonly EnvVariable[];
}

/** Variables that mise itself needs, which templates can therefore see too. */
const PASSED =
  ("HOME USERPROFILE APPDATA LOCALAPPDATA PATH PATHEXT TMPDIR TEMP TMP LANG LC_ALL LC_CTYPE " +
    "XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR MISE_ENV MISE_DATA_DIR MISE_CACHE_DIR " +
    "MISE_CONFIG_DIR MISE_GLOBAL_CONFIG_FILE MISE_SYSTEM_DIR MISE_SYSTEM_CONFIG_DIR MISE_TMP_DIR " +
    "MISE_CEILING_PATHS MISE_EXPERIMENTAL MISE_OFFLINE MISE_OVERRIDE_CONFIG_FILENAMES " +
    "MISE_DEFAULT_CONFIG_FILENAME MISE_PARANOID").split(" ");

/** Hooks that mise would run on the host when it applies dotfiles, which a build must not. */
const HOOKS = ["pre-dotfiles", "post-dotfiles"];

function refuseHooks(files: readonly ConfigFile[]): void {
  for (const file of files) {
    const hooks = maybeTable(file.table, "bootstrap", "hooks") ?? {};
    const hook = HOOKS.find((name) => Object.hasOwn(hooks, name));
    if (hook === undefined) continue;
    const place = describePlace(file, ["bootstrap", "hooks", hook]);
    throw new MiseOciError(
      "unsupported",
      `Cannot render [dotfiles] templates: mise would run the hook ${
        JSON.stringify(hook)
      } (${place})`,
      { hint: 'Use mode "copy" for the template, or move the hook to the global config' },
    );
  }
}

/**
 * Links to everything in `base`, so that a template can read neighbouring files by relative names.
 */
export async function mirror(base: string, into: string): Promise<void> {
  for await (const { name } of Deno.readDir(base)) {
    await Deno.symlink(join(base, name), join(into, name));
  }
}

/** The variables visible to a dotfile template: the project's, and those mise needs. */
function cleanEnv(
  session: Session,
  { env }: Pick<TemplateScope, "env">,
): Readonly<Record<string, string>> {
  const passed = PASSED.flatMap((name) => {
    const value = session.context.env(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...Object.fromEntries(passed),
    ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
    // The variables above are already evaluated; evaluating them again could give other values.
    MISE_NO_ENV: "1",
    ...session.env,
  };
}

/** The environment in which mise reads the project's config and ours, and ignores the rest. */
export function standInEnv(
  session: Session,
  places: { readonly root: string; readonly config: string },
  { files, outside }: StandInScope,
): Readonly<Record<string, string>> {
  const { context } = session;
  const before = context.env("MISE_IGNORED_CONFIG_PATHS");
  return {
    MISE_TRUSTED_CONFIG_PATHS: [places.root, ...files.map((file) => file.path)].join(DELIMITER),
    MISE_IGNORED_CONFIG_PATHS: [...(before ? [before] : []), ...outside].join(DELIMITER),
    ...(outside.length === 0 ? { MISE_SYSTEM_CONFIG_FILE: places.config } : {
      // mise fails on a global config that is ignored, so ours must replace it.
      MISE_GLOBAL_CONFIG_FILE: places.config,
      MISE_SYSTEM_CONFIG_FILE: join(places.root, "none.toml"),
    }),
  };
}

async function renderGroup(
  session: Session,
  base: string,
  work: { readonly group: readonly Dotfile[]; readonly scope: TemplateScope },
): Promise<readonly string[]> {
  const root = await makeTemporary("mise-oci-dotfiles-");
  try {
    const [place, state] = [join(root, "config"), join(root, "state")];
    await Promise.all([place, state].map((directory) => Deno.mkdir(directory)));
    await mirror(base, place);
    const targets = work.group.map((_, i) => join(root, `rendered-${i}`));
    const config = join(place, ".mise-oci-dotfiles.toml");
    const entries = work.group.map(({ hostPath = "" }, i) =>
      [targets[i] ?? "", { source: hostPath, mode: "template" }] as const
    );
    await Deno.writeTextFile(config, stringify({ dotfiles: Object.fromEntries(entries) }));
    const env = {
      ...cleanEnv(session, work.scope),
      ...standInEnv(session, { root, config }, work.scope),
      // A separate state, because mise records what it applies. The real one also holds the trusted
      // paths, but these files are trusted: mise has just read them.
      MISE_STATE_DIR: state,
    };
    await ask({ ...session, env, clearEnv: true }, [
      "bootstrap",
      "dotfiles",
      "apply",
      "--yes",
      ...targets,
    ]);
    return await Promise.all(targets.map((target) => Deno.readTextFile(target)));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function withHint({ message, cause }: MiseOciError): MiseOciError {
  return new MiseOciError("config", message, {
    cause,
    hint:
      "Dotfile templates see the variables of [env] and none of the shell's: set there what the " +
      "template needs, or give get_env a default",
  });
}

/**
 * Sets the rendered text of each template as its `content`; other dotfiles are unchanged.
 *
 * @throws {MiseOciError} `config` for a template that mise cannot render, `io` if the directory of
 * a template cannot be listed.
 */
export async function renderTemplates(
  session: Session,
  dotfiles: readonly Dotfile[],
  scope: TemplateScope,
): Promise<readonly Dotfile[]> {
  const templates = dotfiles.filter(({ mode }) => mode === "template");
  if (templates.length === 0) return dotfiles;
  refuseHooks(scope.files);
  const rendered = new Map<Dotfile, string>();
  for (const [base, group] of Map.groupBy(templates, ({ source }) => dirname(source))) {
    try {
      const contents = await renderGroup(session, base, { group, scope });
      group.forEach((dotfile, i) => rendered.set(dotfile, contents[i] ?? ""));
    } catch (error) {
      if (error instanceof MiseOciError && error.code === "config") throw withHint(error);
      if (error instanceof MiseOciError) throw error;
      throw new MiseOciError(
        "io",
        `Cannot render the templates of ${JSON.stringify(base)}: ${describeError(error)}`,
        { cause: error },
      );
    }
  }
  return dotfiles.map((dotfile) => {
    const content = rendered.get(dotfile);
    return content === undefined ? dotfile : { ...dotfile, content };
  });
}
