/**
 * Rendering `[dotfiles]` templates. mise renders templates only while it applies them, so it is asked to
 * apply each to a temporary place: a config file made for that stands in for the system's or global one.
 * @module
 */
import { stringify } from "@std/toml";
import { DELIMITER, dirname, join } from "@std/path";
import { describeError, MiseOciError } from "../errors.ts";
import type { Dotfile } from "../plan/project.ts";
import { ask, type Session } from "./ask.ts";
import { type ConfigFile, describePlace, maybeTable } from "./config_file.ts";
import { makeTemporary } from "./temporary.ts";

/** What {@linkcode renderTemplates} needs to know besides the dotfiles. */
export interface TemplateScope {
  /** Config files in scope. */
  readonly files: readonly ConfigFile[];
  /** Config files out of scope: their variables and hooks do not count. */
  readonly outside: readonly string[];
}

/** Applying dotfiles runs these hooks of the project on the host: not what a build may do. */
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

/** Links to everything in `base`, so that a template reads its neighbours by relative names. */
export async function mirror(base: string, into: string): Promise<void> {
  for await (const { name } of Deno.readDir(base)) {
    await Deno.symlink(join(base, name), join(into, name));
  }
}

/** The environment in which mise sees the project, our config, and nothing else out of scope. */
export function standInEnv(
  session: Session,
  places: { readonly root: string; readonly config: string },
  { files, outside }: TemplateScope,
): Readonly<Record<string, string>> {
  const before = session.context.env("MISE_IGNORED_CONFIG_PATHS");
  return {
    MISE_TRUSTED_CONFIG_PATHS: [places.root, ...files.map((file) => file.path)].join(DELIMITER),
    MISE_IGNORED_CONFIG_PATHS: [...(before ? [before] : []), ...outside].join(DELIMITER),
    ...(outside.length === 0 ? { MISE_SYSTEM_CONFIG_FILE: places.config } : {
      // mise reads a global config that is ignored all the same, and fails: ours must replace it.
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
      ...session.env,
      ...standInEnv(session, { root, config }, work.scope),
      // A state of its own: mise keeps a history of what it applied. The real one also holds what is
      // trusted, and mise has just read these files, so they are.
      MISE_STATE_DIR: state,
    };
    await ask({ ...session, env }, ["bootstrap", "dotfiles", "apply", "--yes", ...targets]);
    return await Promise.all(targets.map((target) => Deno.readTextFile(target)));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/**
 * Gives each template its rendered text as `content`; other dotfiles stay as they are.
 *
 * @throws {MiseOciError} `config` for a template that mise cannot render, `io` if its neighbours
 * cannot be listed.
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
