/**
 * Renders templates (`{{ … }}`) in `[oci]` and `[_.oci]`. mise ignores these tables, so the
 * templates become variables in a temporary config file, which mise reads in place of the system's
 * or global one.
 * @module
 */
import { stringify } from "@std/toml";
import { join } from "@std/path";
import { MiseOciError } from "../../errors.ts";
import { askVariables, type Session } from "../ask.ts";
import type { ConfigFile } from "../config_file.ts";
import { failField } from "./oci_values.ts";
import { mapOciStrings, type Template, templatesOf } from "./oci_section.ts";
import { configRoot } from "../scope.ts";
import { mirror, standInEnv, type StandInScope } from "../templates.ts";
import { makeTemporary } from "../temporary.ts";

/**
 * Restores the variables for the file that contains the templates, instead of the temporary one.
 */
const PREFIX = "{% set config_root = env.MISE_OCI_TEMPLATE_ROOT %}" +
  "{% set config_source = env.MISE_OCI_TEMPLATE_SOURCE %}";
/**
 * mise runs the commands of templates in the directory of the temporary file; this changes to the
 * real one.
 */
const SHELL = `sh -c 'cd "$MISE_OCI_TEMPLATE_ROOT" && set -e && eval "$1"' sh`;
/** Placeholder for a dollar sign, which mise would expand in a variable. */
const DOLLAR = "\u{E0D0}";

/** Replaces `{{ env.PATH }}` by the image's PATH, because the host's has no meaning in an image. */
function ownPath(text: string, path: readonly string[]): string {
  return path.at(-2) === "env" && path.at(-1) === "PATH"
    ? text.replace(/\{\{-?\s*env\.PATH\s*-?\}\}/g, "${PATH}")
    : text;
}

function variableName(index: number): string {
  return `_MISE_OCI_TEMPLATE_${index}`;
}

/** Hides dollar signs outside of template tags. */
function hideDollars(text: string): string {
  return text.replace(
    /\{\{[^]*?\}\}|\{%[^]*?%\}|\{#[^]*?#\}|\$/g,
    (part) => part === "$" ? DOLLAR : part,
  );
}

async function renderAll(
  session: Session,
  file: ConfigFile,
  work: { readonly templates: readonly Template[]; readonly scope: StandInScope },
): Promise<readonly string[]> {
  const root = await makeTemporary("mise-oci-values-");
  try {
    const base = configRoot(file.path);
    await mirror(base, root);
    const config = join(root, ".mise-oci-values.toml");
    const entries = work.templates.map(({ text }, i) =>
      // With `tools`, evaluated after the rest of the environment, so that a template can use all
      // of it.
      [variableName(i), { value: PREFIX + hideDollars(text), tools: true }] as const
    );
    await Deno.writeTextFile(config, stringify({ env: Object.fromEntries(entries) }));
    const variables = await askVariables({
      ...session,
      env: {
        ...session.env,
        ...standInEnv(session, { root, config }, work.scope),
        MISE_OCI_TEMPLATE_ROOT: base,
        MISE_OCI_TEMPLATE_SOURCE: file.path,
        MISE_UNIX_DEFAULT_INLINE_SHELL_ARGS: SHELL,
      },
    });
    const values = new Map(variables.map(({ name, value }) => [name, value]));
    return work.templates.map((_, i) =>
      (values.get(variableName(i)) ?? "").replaceAll(DOLLAR, "$")
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Renders a file's templates; after a failure, one by one to find the invalid one. */
async function render(
  session: Session,
  file: ConfigFile,
  work: { readonly templates: readonly Template[]; readonly scope: StandInScope },
): Promise<readonly string[]> {
  try {
    return await renderAll(session, file, work);
  } catch (error) {
    if (!(error instanceof MiseOciError) || error.code !== "config") throw error;
    for (const template of work.templates) {
      try {
        await renderAll(session, file, { ...work, templates: [template] });
      } catch (cause) {
        if (!(cause instanceof MiseOciError) || cause.code !== "config") throw cause;
        failField(
          { file, path: template.path },
          cause.message.replaceAll(PREFIX, "").replaceAll(DOLLAR, "$"),
          "Correct it; around text that is no template write {% raw %}…{% endraw %}",
        );
      }
    }
    throw error;
  }
}

/**
 * Renders the templates of `[oci]` and `[_.oci]` in config files as mise renders variables. mise is
 * not called if there are none.
 *
 * @throws {MiseOciError} `config` naming file and key of a template that cannot be rendered.
 */
export async function renderOci(
  session: Session,
  scope: StandInScope,
): Promise<readonly ConfigFile[]> {
  return await Promise.all(scope.files.map(async (file) => {
    const plain = mapOciStrings(file, ownPath);
    const templates = templatesOf(plain);
    if (templates.length === 0) return plain;
    const values = await render(session, plain, { templates, scope });
    const rendered = new Map(templates.map(({ path }, i) => [JSON.stringify(path), values[i]]));
    return mapOciStrings(plain, (text, path) => rendered.get(JSON.stringify(path)) ?? text);
  }));
}
