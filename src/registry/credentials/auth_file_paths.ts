/**
 * The paths of credential files, in the order in which they are read.
 * @module
 */
import { isAbsolute, join } from "@std/path";

/** Reads an environment variable; `undefined` if it is not set. */
export type ReadEnv = (name: string) => string | undefined;

/** A place to look at. */
export interface AuthFilePath {
  /** The file. */
  readonly path: string;
  /** True if the user named this file explicitly, so that a missing file causes a warning. */
  readonly explicit: boolean;
  /** True below `/run`, where a directory may be closed to this user, who then has no login there. */
  readonly mayBeClosed?: boolean;
}

/** What the paths depend on. */
export interface AuthFilePathsOptions {
  /** The environment. */
  readonly env: ReadEnv;
  /** The user's id, for podman's directory below `/run` when there is no `XDG_RUNTIME_DIR`. */
  readonly uid?: number;
}

/**
 * The credential files in order: `$REGISTRY_AUTH_FILE`, podman's runtime file, podman's persistent file,
 * docker's. An empty variable is treated as unset, and so is a relative path in an XDG variable (as its
 * specification requires).
 */
export function authFilePaths(options: AuthFilePathsOptions): readonly AuthFilePath[] {
  const value = (name: string): string | undefined => options.env(name) || undefined;
  const directory = (name: string): string | undefined => {
    const text = value(name);
    return text !== undefined && isAbsolute(text) ? text : undefined;
  };
  const home = value("HOME") ?? value("USERPROFILE");
  const paths: AuthFilePath[] = [];
  const add = (explicit: boolean, base: string | undefined, ...rest: string[]): void => {
    if (base !== undefined) paths.push({ path: join(base, ...rest), explicit });
  };
  add(true, value("REGISTRY_AUTH_FILE"));
  const run = options.uid === undefined ? undefined : `/run/containers/${options.uid}`;
  const runtime = directory("XDG_RUNTIME_DIR");
  if (runtime === undefined && run !== undefined) {
    paths.push({ path: join(run, "auth.json"), explicit: false, mayBeClosed: true });
  }
  add(false, runtime, "containers", "auth.json");
  const config = directory("XDG_CONFIG_HOME") ?? (home && join(home, ".config"));
  add(false, config, "containers", "auth.json");
  add(false, value("DOCKER_CONFIG") ?? (home && join(home, ".docker")), "config.json");
  return paths;
}
