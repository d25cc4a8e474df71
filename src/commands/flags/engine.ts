/**
 * The flag of commands that use a container engine.
 * @module
 */
import { choiceFlag, inGroup } from "../flag.ts";

/** `--engine`. */
export const ENGINE_FLAG = inGroup("Engine flags", {
  engine: choiceFlag(["auto", "podman", "docker"], {
    help: "Container engine; auto prefers podman",
  }),
});
