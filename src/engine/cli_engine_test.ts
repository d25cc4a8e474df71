import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { makeFakeProgram } from "../../tests/support/fake_engine.ts";
import { docker, podman } from "./engines.ts";
import type { ContainerOptions } from "./port.ts";

const ignore = Deno.build.os === "windows";

const container: ContainerOptions = {
  image: "mise-oci.local/run:1",
  name: "mise-oci-1",
  labels: { "dev.mise.oci.run": "1" },
  interactive: false,
  tty: false,
  env: [],
  volumes: [],
  extra: [],
  command: [],
};

Deno.test({
  name: "C10: values with dashes, spaces and newlines are one argument each, the command after --",
  ignore,
  fn: async () => {
    await using program = await makeFakeProgram("podman", "exit 0");
    const command = podman(program.path).runCommand({
      ...container,
      interactive: true,
      tty: true,
      env: ["-A=-b", "B=two words\nand a line", "C"],
      volumes: ["/a b:/c d:ro"],
      workdir: "-w ",
      platform: "linux/arm64",
      extra: ["--network", "none"],
      command: ["--rm", "", "$HOME", "a\nb"],
    });
    const [path = "", ...args] = command;
    await new Deno.Command(path, { args }).output();
    assertEquals(await program.calls(), [[
      "run",
      "--rm",
      "--pull=never",
      "--name=mise-oci-1",
      "--label=dev.mise.oci.run=1",
      "--interactive",
      "--tty",
      "--env=-A=-b",
      "--env=B=two words\nand a line",
      "--env=C",
      "--volume=/a b:/c d:ro",
      "--workdir=-w ",
      "--platform=linux/arm64",
      "--network",
      "none",
      "--",
      "mise-oci.local/run:1",
      "--rm",
      "",
      "$HOME",
      "a\nb",
    ]]);
  },
});

Deno.test("an image's own command is left to the engine", () => {
  const command = docker("/x/docker").runCommand(container);
  assertEquals(command.slice(-2), ["--", "mise-oci.local/run:1"]);
});

Deno.test({
  name: "C10: names that begin with a dash are no flags of any other command either",
  ignore,
  fn: async () => {
    await using program = await makeFakeProgram("podman", 'test "$2" = inspect && exit 1; exit 0');
    const engine = podman(program.path);
    await engine.tag("-a", "-b");
    await engine.pull("-c");
    await engine.removeContainer("-d");
    assertEquals(await engine.maybeImageId("-e"), undefined);
    for (const args of await program.calls()) {
      const end = args.indexOf("--");
      assertEquals(args.slice(0, end).some((arg) => /^-[a-e]$/.test(arg)), false, args.join(" "));
    }
  },
});

Deno.test({
  name: "podman pulls from loopback without TLS; docker needs no flag for it",
  ignore,
  fn: async () => {
    for (
      const [name, make, flags] of [
        ["podman", podman, ["--tls-verify=false"]],
        ["docker", docker, []],
      ] as const
    ) {
      await using program = await makeFakeProgram(name, "exit 0");
      await make(program.path).pull("127.0.0.1:1/a:b");
      assertEquals(await program.calls(), [["pull", "--quiet", ...flags, "--", "127.0.0.1:1/a:b"]]);
    }
  },
});

Deno.test({
  name: "a command that fails is named with its code and the end of what it said",
  ignore,
  fn: async () => {
    const script = 'printf "first\\n\\033[31mno space left on device\\033[0m\\r\\n" >&2; exit 125';
    await using program = await makeFakeProgram("docker", script);
    const error = await assertRejects(() => docker(program.path).pull("x"), MiseOciError);
    assertEquals(error.code, "engine");
    assertStringIncludes(error.message, "Cannot load the image into docker");
    assertStringIncludes(error.message, "ended with code 125: first; no space left on device");
  },
});

Deno.test({
  name: "names and containers are read as both engines print them",
  ignore,
  fn: async () => {
    const script = 'case $1 in images) printf "127.0.0.1:5000/a/b:c\\n<none>:<none>\\n";; ' +
      'ps) printf "id1\\nid2\\n";; container) printf "id1 mise-oci-1 1\\nid2 /web 2\\n";; esac';
    await using program = await makeFakeProgram("podman", script);
    const engine = podman(program.path);
    assertEquals(await engine.listTags(), [
      { name: "127.0.0.1:5000/a/b:c", repository: "127.0.0.1:5000/a/b", tag: "c" },
      { name: "<none>:<none>", repository: "<none>", tag: "<none>" },
    ]);
    assertEquals(await engine.listContainers("a.label"), [
      { id: "id1", name: "mise-oci-1", label: "1" },
      { id: "id2", name: "web", label: "2" },
    ]);
    await engine.listContainers("a.label", "1");
    const filters = (await program.calls()).flat().filter((arg) => arg.startsWith("--filter"));
    assertEquals(filters, ["--filter=label=a.label", "--filter=label=a.label=1"]);
  },
});

Deno.test({
  name: "removing what is gone is no error; anything else is",
  ignore,
  fn: async () => {
    const words = ["No such container: x", "removal of container x is already in progress"];
    for (const text of words) {
      await using program = await makeFakeProgram("docker", `echo "Error: ${text}" >&2; exit 1`);
      await docker(program.path).removeContainer("x");
    }
    await using broken = await makeFakeProgram("docker", "echo 'daemon is gone' >&2; exit 1");
    await assertRejects(() => docker(broken.path).removeContainer("x"), MiseOciError, "daemon");
    // The image went between the two questions.
    const script = 'test "$1" = rmi && { touch "$CALLS/gone"; exit 1; }; ' +
      'test -e "$CALLS/gone" && exit 1; echo sha256:1';
    await using racing = await makeFakeProgram("docker", script);
    await docker(racing.path).untag("a:b");
  },
});
