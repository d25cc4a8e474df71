import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Annotation } from "../oci/mod.ts";
import { cleanHistory, describeLayers, describeTitle } from "./describe.ts";
import { plan } from "../plan/mod.ts";
import { fakeImage, toolLayer } from "../../tests/support/inspect_fixture.ts";
import { options, project, tool, versions } from "../../tests/support/plan_fixture.ts";

Deno.test("describeLayers() names base, tools, copies and executables of our own images", () => {
  const layers = describeLayers(fakeImage(
    [
      { content: "base", size: 300, createdBy: "/bin/sh -c #(nop) ADD file:1 in / " },
      toolLayer("npm:prettier", "3.6.2"),
      {
        content: "copy",
        annotations: { [Annotation.layerKind]: "copy", [Annotation.copy]: "/srv/app" },
        createdBy: "mise-oci: copy /srv/app",
      },
      {
        content: "mise",
        size: 0,
        annotations: { [Annotation.layerKind]: "mise" },
        createdBy: "mise-oci: mise 2026.9.15 at /usr/local/bin/mise",
      },
    ],
    {},
    { [Annotation.baseName]: "docker.io/library/debian:12" },
  ));
  assertEquals(layers.map(({ kind }) => kind), ["base", "tool", "copy", "mise"]);
  assertEquals(layers.map(describeTitle), [
    "base docker.io/library/debian:12",
    "npm:prettier 3.6.2",
    "copy /srv/app",
    "mise 2026.9.15",
  ]);
  assertEquals(layers[0]?.origin, "ADD file:1 in /");
  assertEquals(layers[1]?.origin, "mise-oci");
  assertAlmostEquals(layers.reduce((sum, { share }) => sum + share, 0), 1);
});

Deno.test("describeLayers() tells the layers of other builders by the steps that made them", () => {
  const image = fakeImage([
    { content: "a", createdBy: "ADD rootfs.tar /" },
    { content: "b", createdBy: "RUN /bin/sh -c apt-get  update # buildkit" },
  ]);
  const history = [...image.config.history ?? [], { created_by: "CMD", empty_layer: true }];
  const layers = describeLayers({ ...image, config: { ...image.config, history } });
  assertEquals(layers.map(({ kind }) => kind), ["layer", "layer"]);
  assertEquals(layers.map(describeTitle), ["ADD rootfs.tar /", "RUN apt-get update"]);
});

Deno.test("describeLayers() does not guess when the history has another number of entries", () => {
  const image = fakeImage([{ content: "a", createdBy: "only one" }, { content: "b" }]);
  assertEquals(describeLayers(image).map(({ origin }) => origin), ["", ""]);
  assertEquals(describeLayers(image).map(describeTitle), ["layer", "layer"]);
  assertEquals(describeLayers(fakeImage([])), []);
});

Deno.test("cleanHistory() leaves out what docker and buildkit add", () => {
  assertEquals(cleanHistory("/bin/sh -c #(nop)  COPY dir:1 in /app "), "COPY dir:1 in /app");
  assertEquals(cleanHistory("/bin/sh -c make\n  all"), "RUN make all");
  assertEquals(cleanHistory("RUN /bin/sh -c make # buildkit"), "RUN make");
});

Deno.test("describeLayers() takes kind, name and version from the history where a client dropped the annotations", () => {
  const steps = [
    "debian",
    "mise-oci: tool npm:@scope/x@1.2",
    "mise-oci: copy /srv/a",
    "mise-oci: apt-get install jq",
    "mise-oci: mise 2026.9.15 at /usr/local/bin/mise",
    "mise-oci: /etc/mise/config.toml",
  ];
  const image = fakeImage(steps.map((createdBy) => ({ content: createdBy, createdBy })));
  assertEquals(
    describeLayers(image).map(({ kind, name, version }) => [kind, name, version]),
    [
      ["base", "", undefined],
      ["tool", "npm:@scope/x", "1.2"],
      ["copy", "/srv/a", undefined],
      ["packages", "apt", undefined],
      ["mise", "", "2026.9.15"],
      ["config", "", undefined],
    ],
  );
});

Deno.test("a layer of any kind says its kind, name and version in its annotations, and again in its history", () => {
  const plugin = { name: "foo", hostPath: "/data/plugins/foo" };
  const dotfile = {
    target: "~/.profile",
    mode: "content",
    content: "A=1",
    exclude: [],
    source: "mise.toml",
  } as const;
  const planned = project({
    tools: [tool("npm:prettier", "3.6.2"), tool("foo", "1.0.0", { plugin })],
    dotfiles: [dotfile],
  });
  const { layers } = plan(
    planned,
    options({
      certificates: "PEM\n",
      copies: [{ host: "/home/me/app", image: "/srv/app" }],
      mise: { path: "/usr/bin/mise", version: "2026.9.15" },
      packages: { manager: "apt", packages: [{ name: "jq" }] },
      self: { path: "/opt/mise-oci", version: "1.0.0" },
    }),
    versions,
  );
  const described = describeLayers(fakeImage(
    layers.map(({ createdBy, annotations }) => ({ content: createdBy, createdBy, annotations })),
  ));
  assertEquals(described.map(({ kind }) => kind), layers.map(({ kind }) => kind));
  const copied = describeLayers(fakeImage(
    layers.map(({ createdBy }) => ({ content: createdBy, createdBy })),
  ));
  assertEquals(
    copied.map(({ kind, name, version }) => [kind, name, version]),
    described.map(({ kind, name, version }) => [kind, name, version]),
  );
});
