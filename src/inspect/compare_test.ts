import { assertEquals } from "@std/assert";
import { compareImages } from "./compare.ts";
import { fakeImage, type FakeLayer, toolLayer } from "../../tests/support/inspect_fixture.ts";

const BASE: FakeLayer = { content: "base", size: 1000, createdBy: "ADD base" };

Deno.test("compareImages() names the tool that was bumped, both versions and what a pull costs", () => {
  const a = fakeImage([BASE, toolLayer("node", "24.11.0"), toolLayer("npm:prettier", "3.6.1")]);
  const b = fakeImage([
    BASE,
    toolLayer("node", "24.11.0"),
    { ...toolLayer("npm:prettier", "3.6.2"), size: 70 },
  ]);
  const { identical, layers, pull } = compareImages(a, b);
  assertEquals(identical, false);
  assertEquals(layers.map(({ fate, title }) => [fate, title]), [
    ["same", "base"],
    ["same", "node 24.11.0"],
    ["bumped", "npm:prettier 3.6.1 → 3.6.2"],
  ]);
  assertEquals(pull, { bytes: 70, layers: 1, totalBytes: 1170 });
});

Deno.test("compareImages() finds nothing between an image and itself", () => {
  const image = fakeImage([BASE, toolLayer("node", "1")], { config: { Env: ["A=b"] } });
  const { identical, env, settings, pull } = compareImages(image, image);
  assertEquals([identical, env, settings], [true, [], []]);
  assertEquals(pull.bytes, 0);
});

Deno.test("compareImages() tells other content from another compression, and new from gone", () => {
  const a = fakeImage([
    BASE,
    toolLayer("node", "1", "old"),
    toolLayer("jq", "1"),
    toolLayer("go", "1"),
  ]);
  const b = fakeImage([
    { ...BASE, blob: "as zstd", size: 900 },
    toolLayer("node", "1", "new"),
    toolLayer("deno", "2"),
    toolLayer("jq", "1"),
  ]);
  assertEquals(compareImages(a, b).layers.map(({ fate, title }) => [fate, title]), [
    ["recompressed", "base"],
    ["changed", "node 1"],
    ["added", "deno 2"],
    ["same", "jq 1"],
    ["removed", "go 1"],
  ]);
});

Deno.test("compareImages() pairs layers of other builders by their steps", () => {
  const a = fakeImage([BASE, { content: "1", createdBy: "RUN make" }]);
  const b = fakeImage([BASE, { content: "2", createdBy: "RUN make" }]);
  assertEquals(compareImages(a, b).layers.map(({ fate }) => fate), ["same", "changed"]);
});

Deno.test("compareImages() counts a layer that occurs twice once", () => {
  const twice = fakeImage([BASE, { content: "x", size: 5 }, { content: "x", size: 5 }]);
  assertEquals(compareImages(fakeImage([BASE]), twice).pull, {
    bytes: 5,
    layers: 1,
    totalBytes: 1005,
  });
});

Deno.test("compareImages() names variables without their values, and the parts of PATH", () => {
  const env = (...Env: string[]) => fakeImage([BASE], { config: { Env } });
  const { env: changes } = compareImages(
    env("PATH=/a:/b", "TOKEN=one", "GONE=1", "SAME=1"),
    env("PATH=/c:/b", "TOKEN=two", "NEW=1", "SAME=1"),
  );
  assertEquals(changes, [
    { name: "GONE", change: "removed" },
    { name: "NEW", change: "added" },
    { name: "PATH", change: "changed", added: ["/c"], removed: ["/a"] },
    { name: "TOKEN", change: "changed" },
  ]);
});

Deno.test("compareImages() compares every setting, also those that it does not know", () => {
  const a = fakeImage([BASE], {
    config: { User: "app", Cmd: ["sh"], Labels: { a: "1" }, extensions: { StopSignal: "SIGTERM" } },
  });
  const b = fakeImage([BASE], {
    architecture: "arm64",
    config: { Cmd: ["bash"], Labels: { a: "2" }, extensions: { StopSignal: "SIGQUIT" } },
  });
  assertEquals(compareImages(a, b).settings, [
    { name: "platform", before: "linux/amd64", after: "linux/arm64" },
    { name: "user", before: "app" },
    { name: "cmd", before: '["sh"]', after: '["bash"]' },
    { name: "label a", before: "1", after: "2" },
    { name: "StopSignal", before: "SIGTERM", after: "SIGQUIT" },
  ]);
});
