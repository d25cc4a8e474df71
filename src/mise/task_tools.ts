/**
 * Tools of tasks (`[tasks.x] tools`), which mise installs when the task runs and lists nowhere
 * else.
 * @module
 */
import { stringify } from "@std/toml";
import { join } from "@std/path";
import { asArray, asObject, asString, maybe } from "../oci/mod.ts";
import { absolutePath, type AnswerPlace, type ListedTool } from "./answers.ts";
import { askJson, listTools, type Session } from "./ask.ts";
import { type ConfigFile, isTable, maybeTable } from "./config_file.ts";
import { makeTemporary } from "./temporary.ts";
import { parseUnresolved, refuseUnresolved, WARNINGS_ENV } from "./unresolved.ts";

/** The tools of one task. */
interface TaskTools {
  readonly task: string;
  readonly source: string;
  /** Tools by name, as in `[tools]`. */
  readonly tools: Readonly<Record<string, unknown>>;
}

function parseTasks(value: unknown, what: string, place: AnswerPlace): readonly TaskTools[] {
  return asArray(value, what).map((item, i) => {
    const row = asObject(item, `${what}[${i}]`);
    return {
      task: asString(row["name"], `${what}[${i}].name`),
      source: absolutePath(asString(row["source"], `${what}[${i}].source`), place),
      tools: maybe(row["tools"], `${what}[${i}].tools`, asObject) ?? {},
    };
  });
}

/** Input of {@linkcode readTaskTools}. */
export interface TaskToolsInput {
  /** Config files in scope. */
  readonly files: readonly ConfigFile[];
  /** Config files out of scope, whose tasks are ignored. */
  readonly outside: readonly string[];
  /** Install paths of the project's own tools. */
  readonly own: ReadonlySet<string>;
  /** Installs missing tools in the given session. */
  readonly install: ((session: Session) => Promise<void>) | undefined;
}

/**
 * Merges the tools of several tasks into one `[tools]` table: a tool of two tasks gets a list of
 * versions.
 */
function joinTools(tasks: readonly TaskTools[]): Readonly<Record<string, unknown>> {
  const joined = new Map<string, Map<string, unknown>>();
  for (const [name, value] of tasks.flatMap(({ tools }) => Object.entries(tools))) {
    const values = joined.get(name) ?? new Map<string, unknown>();
    joined.set(name, values.set(JSON.stringify(value), value));
  }
  return Object.fromEntries(
    [...joined].map(([name, values]) => [
      name,
      values.size === 1 ? [...values.values()][0] : [
        ...values.values(),
      ],
    ]),
  );
}

/**
 * The tools of tasks that are not among the project's own. mise resolves them in a separate
 * directory, where the project's versions do not replace a task's.
 *
 * @throws {MiseOciError} `tool` for a tool whose version mise cannot resolve.
 */
export async function readTaskTools(
  session: Session,
  input: TaskToolsInput,
): Promise<readonly ListedTool[]> {
  const outside = new Set(input.outside);
  const all = await askJson(session, { args: ["tasks", "ls", "--json"], parse: parseTasks });
  const tasks = all.filter(({ source, tools }) =>
    !outside.has(source) && Object.keys(tools).length > 0
  );
  if (tasks.length === 0) return [];
  const aliases = Object.assign(
    {},
    ...input.files.map(({ table }) => maybeTable(table, "tool_alias") ?? {}),
  );
  const directory = await makeTemporary("mise-oci-tasks-");
  try {
    const config = join(directory, "mise.toml");
    const table = { tool_alias: aliases, tools: joinTools(tasks) };
    await Deno.writeTextFile(config, stringify(table));
    const apart = {
      ...session,
      directory,
      env: { ...session.env, ...WARNINGS_ENV, MISE_TRUSTED_CONFIG_PATHS: directory },
    };
    await input.install?.(apart);
    const { tools, stderr } = await listTools(apart);
    refuseUnresolved(parseUnresolved(stderr).filter(({ source }) => source === config));
    return tools.flatMap(({ source, ...tool }) =>
      source === config && !input.own.has(tool.installPath)
        ? [{
          ...tool,
          source: tasks.find(({ tools }) => tool.short in tools)?.source ?? config,
          ofTask: true as const,
        }]
        : []
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Warns of tasks in config files whose tools are not in the image. */
export function taskToolWarnings(files: readonly ConfigFile[]): readonly string[] {
  const names = files.flatMap((file) =>
    Object.entries(maybeTable(file.table, "tasks") ?? {}).flatMap(([name, task]) => {
      const tools = isTable(task) ? task["tools"] : undefined;
      return isTable(tools) && Object.keys(tools).length > 0 ? [name] : [];
    })
  );
  if (names.length === 0) return [];
  const list = [...new Set(names)].join(", ");
  return [
    `The image does not have the tools that tasks ask for themselves (${list}): mise installs them when such ` +
    "a task runs. Write task_tools = true under [_.oci] to have them in the image",
  ];
}
