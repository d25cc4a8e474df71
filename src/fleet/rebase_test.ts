import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type ContainerConfig,
  encodedDocument,
  encodeImageConfig,
  type ImageDocuments,
  MediaType,
  parseDiffId,
} from "../oci/mod.ts";
import { type ConfigPlan, settingsLikeBase } from "../plan/mod.ts";
import { rebaseDocuments } from "./rebase.ts";

const id = (letter: string): string => `sha256:${letter.repeat(64)}`;

function image(
  config: ContainerConfig,
  layers: readonly (readonly [digest: string, annotations?: Readonly<Record<string, string>>])[],
  annotations: Readonly<Record<string, string>> = {},
): ImageDocuments {
  const document = {
    os: "linux",
    architecture: "amd64",
    config,
    diffIds: layers.map(([digest]) => parseDiffId(digest)),
    history: layers.map(([digest]) => ({ created_by: digest.slice(7, 8) })),
  };
  const encoded = encodedDocument(MediaType.config, encodeImageConfig(document));
  return {
    config: document,
    manifest: {
      config: encoded.descriptor,
      annotations,
      layers: layers.map(([digest, annotations]) => ({
        mediaType: MediaType.layerGzip,
        digest: digest as typeof encoded.descriptor.digest,
        size: 1,
        ...(annotations === undefined ? {} : { annotations }),
      })),
    },
  };
}

const TOOL = { [Annotation.layerKind]: "tool" };
const OLD = image({ Env: ["PATH=/bin", "A=1", "B=1"], Cmd: ["sh"], User: "app" }, [[id("a")]]);
const NEW = {
  ...image({ Env: ["PATH=/usr/bin", "A=2", "C=1"], Cmd: ["bash"] }, [[id("b")], [id("c")]]),
  reference: "r.io/base:2",
  digest: id("d") as ImageDocuments["manifest"]["config"]["digest"],
};
const OWN: ConfigPlan = { created: "", env: [], path: [], fixedEnv: [], labels: {} };

Deno.test("a rebased image has the new base's values, and what the project set", () => {
  const built = image(
    {
      Env: ["PATH=/tools:/bin", "A=1", "B=3", "X=1"],
      Cmd: ["sh"],
      User: "app",
      Labels: { l: "1" },
    },
    [[id("a")], [id("e"), TOOL]],
  );
  const { imageConfig, layers } = rebaseDocuments({ image: built, oldBase: OLD, newBase: NEW });
  assertEquals(imageConfig.config?.Env, ["PATH=/tools:/usr/bin", "A=2", "C=1", "B=3", "X=1"]);
  assertEquals(imageConfig.config?.Cmd, ["bash"]);
  assertEquals(imageConfig.config?.User, undefined);
  assertEquals(layers.map(({ digest }) => digest), [id("b"), id("c"), id("e")] as string[]);
  assertEquals(imageConfig.history?.map(({ created_by }) => created_by), ["b", "c", "e"]);
});

Deno.test("what the project set to the base's own value is kept where the manifest says so", () => {
  const own = settingsLikeBase(OLD.config.config, {
    ...OWN,
    env: [["A", "1"], ["PATH", "/bin"], ["B", "other"]],
    cmd: ["sh"],
  });
  assertEquals(own, ["Env.A", "Env.PATH", "Cmd"]);
  const built = image(
    { Env: ["PATH=/tools:/bin", "A=1", "B=1"], Cmd: ["sh"] },
    [[id("a")], [id("e"), TOOL]],
    { [Annotation.ownSettings]: JSON.stringify(own) },
  );
  const { imageConfig } = rebaseDocuments({ image: built, oldBase: OLD, newBase: NEW });
  assertEquals(imageConfig.config?.Env, ["PATH=/tools:/bin", "A=1", "C=1"]);
  assertEquals(imageConfig.config?.Cmd, ["sh"]);
});

Deno.test("rebase is refused for layers that are bound to the old base, or not the program's", () => {
  const cases: readonly (readonly [ImageDocuments, string])[] = [
    [
      image({}, [[id("a")], [id("e"), { ...TOOL, [Annotation.systemPackages]: "apt" }]]),
      "packages",
    ],
    [
      image({}, [[id("a")], [id("e"), { [Annotation.layerKind]: "certificates" }]]),
      "CA certificates",
    ],
    [image({}, [[id("a")], [id("e")]]), "not made by mise-oci"],
    [image({}, [[id("f")], [id("e"), TOOL]]), "not those of its base"],
    [image({}, [[id("a")]]), "no layers but its base's"],
    [
      image({}, [[id("a")], [id("e"), TOOL]], { [Annotation.ownSettings]: "{" }),
      "is not a list",
    ],
  ];
  for (const [built, reason] of cases) {
    assertThrows(
      () => rebaseDocuments({ image: built, oldBase: OLD, newBase: NEW }),
      MiseOciError,
      reason,
    );
  }
});
