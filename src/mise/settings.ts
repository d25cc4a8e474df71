/**
 * Reads mise's settings alone, for commands that need no project.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { MiseSettings } from "../plan/project.ts";
import { parseAnswer, parseSettings } from "./answers.ts";
import { ask, placeOf } from "./ask.ts";
import type { MiseContext } from "./context.ts";
import { locateMise, type LocateOptions } from "./locate.ts";

/**
 * The settings for registries and images in a directory. Empty if mise is missing or fails (an
 * untrusted config), because pushing a layout does not require mise.
 */
export async function readSettings(
  options: LocateOptions,
  context: MiseContext,
): Promise<MiseSettings> {
  const args = ["settings", "--all", "--json"];
  try {
    const misePath = locateMise(options, context);
    const session = { misePath, directory: options.directory, env: {}, context };
    const { stdout } = await ask(session, args);
    return parseAnswer({ args, parse: parseSettings }, stdout, placeOf(session));
  } catch (error) {
    if (!(error instanceof MiseOciError) || error.code === "interrupted") throw error;
    context.detail(1, `Without mise's settings: ${error.message}`);
    return { insecureRegistries: [] };
  }
}
