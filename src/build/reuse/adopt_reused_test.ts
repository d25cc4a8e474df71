import { assertEquals } from "@std/assert";
import { parseDiffId, parseDigest } from "../../oci/mod.ts";
import { plan, type Project } from "../../plan/mod.ts";
import {
  OCI,
  OPTIONS,
  PROJECT as EMPTY,
  tool,
  versions,
} from "../../../tests/support/plan_fixture.ts";
import { adoptReused } from "./adopt_reused.ts";
import type { ReuseIndex } from "./reuse_layers.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

const PROJECT: Project = {
  ...EMPTY,
  tools: [
    tool("java", "1", { installed: false }),
    tool("node", "1"),
    tool("jq", "1", { installed: false }),
  ],
  env: [{ name: "MINE", value: "1", redacted: false }],
  oci: { ...OCI, env: { LATE: "2" }, dropEnv: ["SECRET_*"] },
};
const PLAN = plan(PROJECT, OPTIONS, versions);

/** An index with every tool of the plan, found in an image with these variables. */
function indexWith(env: readonly string[]): ReuseIndex {
  const descriptor = { mediaType: "x", digest: parseDigest(DIGEST), size: 1 };
  const layer = { descriptor, diffId: parseDiffId(DIGEST), from: "r.io/x:1", env };
  return new Map(PLAN.layers.filter(({ kind }) => kind === "tool").map((one) => [one, layer]));
}

Deno.test("tools that are not installed get their PATH and variables from the image they are in", () => {
  const at = "/mise/installs";
  const env = [
    `PATH=${at}/java/1/Contents/bin:${at}/node/1/other:${at}/jq/1:${at}/jq/10/bin:/usr/bin`,
    `JAVA_HOME=${at}/java/1/Contents`,
    `JAVA_10=${at}/java/10`,
    `NODE_HOME=${at}/node/1`,
    `SECRET_HOME=${at}/jq/1`,
    `DROPPED=${at}/jq/1`,
    `MINE=${at}/jq/1`,
    `MISE_DATA_DIR=${at}/jq/1`,
    "LANG=C",
  ];
  const { plan: adopted, project } = adoptReused({ plan: PLAN, project: PROJECT }, indexWith(env), [
    "DROPPED",
  ]);
  assertEquals(adopted.config.path, [
    `${at}/java/1/Contents/bin`,
    `${at}/node/1/bin`,
    `${at}/jq/1`,
  ]);
  assertEquals(adopted.config.env, [
    ["JAVA_HOME", `${at}/java/1/Contents`],
    ["MINE", "1"],
    ["LATE", "2"],
  ]);
  assertEquals(adopted.layers, PLAN.layers);
  assertEquals(project.tools.map(({ binDirs }) => binDirs), [["Contents/bin"], ["bin"], [""]]);
});

Deno.test("nothing is taken from an image that nothing is reused of, or that has no PATH", () => {
  const before = { plan: PLAN, project: PROJECT };
  assertEquals(adoptReused(before, new Map(), []), before);
  assertEquals(adoptReused(before, indexWith([]), []).plan.config, PLAN.config);
});
