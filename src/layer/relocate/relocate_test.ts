import { assert, assertEquals } from "@std/assert";
import {
  buildForTest,
  HAS_PYTHON,
  listTar,
  shell,
  toolPlan,
  withTree,
} from "../../../tests/support/layer.ts";
import { maybeRelocateShebang, rebaseText, relocateLink, relocationMap } from "./relocate.ts";
import { maybeCompatiblePython, relocateVenvConfig } from "./venv.ts";

const MAP = relocationMap([
  { host: "/d/installs/node/24", image: "/mise/installs/node/24" },
  { host: "/d/installs/node/24/inner", image: "/inner" },
  { host: "/d/installs/black/1", image: "/mise/installs/black/1" },
  { host: "/d/installs/python/3.12.4", image: "/mise/installs/python/3.12.4" },
], ["/mise/installs/black/1"]);

Deno.test("relocateLink() table", () => {
  const link = (target: string): unknown =>
    relocateLink({
      path: "/mise/installs/black/1/bin/x",
      hostDirectory: "/d/installs/black/1/bin",
      target,
    }, MAP);
  const table: [target: string, expected: unknown][] = [
    ["/d/installs/black/1/lib/y", { target: "../lib/y" }],
    ["/d/installs/black/1/bin/y", { target: "y" }],
    ["/d/installs/black/1/bin", { target: "." }],
    ["/d/installs/black/1", { target: ".." }],
    ["/d/installs/black//1/./lib/../y", { target: "../y" }],
    ["/d/installs/node/24/bin/node", { target: "/mise/installs/node/24/bin/node" }],
    ["/d/installs/node/24/inner/z", { target: "/inner/z" }],
    ["/d/installs/node/243/bin", {
      target: "/d/installs/node/243/bin",
      unknown: "/d/installs/node/243/bin",
    }],
    ["/usr/bin/env", { target: "/usr/bin/env", unknown: "/usr/bin/env" }],
    ["y", { target: "y" }],
    ["../lib/", { target: "../lib/" }],
    ["../../../node/24/bin/node", { target: "../../../node/24/bin/node" }],
    ["../../../../else/y", { target: "../../../../else/y", unknown: "/mise/else/y" }],
  ];
  for (const [target, expected] of table) assertEquals(link(target), expected, target);
});

Deno.test("maybeRelocateShebang() table", () => {
  const rewrite = (text: string): string | undefined => {
    const head = new TextEncoder().encode(text);
    const moved = maybeRelocateShebang(head, MAP);
    return moved === undefined
      ? undefined
      : new TextDecoder().decode(moved.bytes) + text.slice(moved.replaced);
  };
  const node = "/d/installs/node/24";
  const table: [text: string, expected: string | undefined][] = [
    [`#!${node}/bin/node\nrest ${node}`, `#!/mise/installs/node/24/bin/node\nrest ${node}`],
    [`#! ${node}/bin/node -x\n`, "#! /mise/installs/node/24/bin/node -x\n"],
    [`#!/usr/bin/env -S ${node}/bin/node`, "#!/usr/bin/env -S /mise/installs/node/24/bin/node"],
    [`#!${node}0/bin/node\n`, undefined],
    [`#!/x${node}/bin/node\n`, undefined],
    ["#!/bin/sh\n", undefined],
    ["#", undefined],
    ["", undefined],
    [`${node}/bin`, undefined],
    [
      `#!/bin/sh\n'''exec' "${node}/bin/py thon" "$0" "$@"\n' '''\n`,
      `#!/bin/sh\n'''exec' "/mise/installs/node/24/bin/py thon" "$0" "$@"\n' '''\n`,
    ],
    // At a short path pip and uv write a plain line, so the layer has one wherever the tool was installed.
    ...["", '"', "'"].map((quote): [string, string] => [
      `#!/bin/sh\n'''exec' ${quote}${node}/bin/python${quote} "$0" "$@"\n' '''\nimport sys\n`,
      "#!/mise/installs/node/24/bin/python\nimport sys\n",
    ]),
    [
      `#!/bin/sh\n'''exec' ${node}/bin/python -x "$0" "$@"\n' '''\n`,
      `#!/bin/sh\n'''exec' /mise/installs/node/24/bin/python -x "$0" "$@"\n' '''\n`,
    ],
    [
      `#!/bin/sh\n'''exec' ${node}/${"x".repeat(110)} "$0" "$@"\n' '''\n`,
      `#!/bin/sh\n'''exec' /mise/installs/node/24/${"x".repeat(110)} "$0" "$@"\n' '''\n`,
    ],
  ];
  for (const [text, expected] of table) assertEquals(rewrite(text), expected, text);
  assertEquals(rebaseText(`A=${node}:${node}/bin`, MAP).includes(node), false);
});

Deno.test("relocateVenvConfig() points at the Python of the same or the only alike version", () => {
  const config = (home: string, version: string): string =>
    `home = ${home}\nversion = ${version}\nexecutable = ${home}/python3.12\nprompt = x\n`;
  const python = "/mise/installs/python/3.12.4/bin";
  for (
    const [home, version] of [
      ["/d/installs/python/3.12.4/bin", "3.12.4"],
      ["/opt/uv/cpython-3.12.1/bin", "3.12.1"],
      ["/usr/bin", "3.12.4"],
    ] as const
  ) {
    const { text, missing } = relocateVenvConfig(config(home, version), MAP);
    assertEquals(text, config(python, version));
    assertEquals(missing, undefined);
  }
  const other = relocateVenvConfig(config("/usr/bin", "3.11.2"), MAP);
  assertEquals(other, { text: config("/usr/bin", "3.11.2"), missing: "/usr/bin" });
  const two = ["3.12.1", "3.12.2"].map((version) => ({ root: `/${version}`, version }));
  assertEquals(maybeCompatiblePython("3.12.9", two), undefined);
  assertEquals(maybeCompatiblePython("3.12.2", two)?.root, "/3.12.2");
});

Deno.test({
  name: "a virtual environment of another tool works in the image (needs python3)",
  ignore: !HAS_PYTHON,
  fn: () =>
    withTree(async (directory) => {
      const black = `${directory}/installs/black/1`;
      const python = `${directory}/installs/python/3.12.4`;
      shell(
        `mkdir -p "${black}/bin" "${python}/bin"; ln -s 3.12.4 "${directory}/installs/python/3.12"
        ln -s "${directory}" "${directory}/alias"
        printf 'home = ${directory}/installs/python/3.12/bin\\nversion = 3.12.4\\n' > "${black}/pyvenv.cfg"
        ln -s "${directory}/installs/python/3.12/bin/python3" "${black}/bin/python"
        ln -s /opt/uv/python3.12 "${black}/bin/python3.12"
        printf '#!${directory}/alias/installs/black/1/bin/python\\nx' > "${black}/bin/black"`,
      );
      const image = "/mise/installs";
      const { tar, warnings } = await buildForTest(toolPlan(black, {
        sources: [{ type: "tree", hostPath: black, imagePath: `${image}/black/1` }],
        relocations: [
          { host: `${directory}/alias/installs/black/1`, image: `${image}/black/1` },
          { host: python, image: `${image}/python/3.12.4` },
        ],
      }));
      const members = new Map((await listTar(tar)).map((member) => [member.name, member]));
      const at = (name: string) => members.get(`mise/installs/black/1/${name}`);
      assertEquals(at("pyvenv.cfg")?.head.split("\n")[0], `home = ${image}/python/3.12.4/bin`);
      assertEquals(at("bin/python")?.linkname, `${image}/python/3.12.4/bin/python3`);
      assertEquals(at("bin/python3.12")?.linkname, `${image}/python/3.12.4/bin/python3.12`);
      assertEquals(at("bin/black")?.head, `#!${image}/black/1/bin/python\nx`);
      assertEquals(warnings, []);
    }),
});

Deno.test("a #! line that becomes too long is a warning", async () => {
  await withTree(async (tree) => {
    Deno.writeTextFileSync(`${tree}/x`, `#!${tree}/bin/x\n`);
    const imagePath = `/${"m".repeat(100)}/${"n".repeat(160)}`;
    const { warnings } = await buildForTest(toolPlan(tree, {
      sources: [{ type: "tree", hostPath: tree, imagePath }],
      relocations: [{ host: tree, image: imagePath }],
    }));
    assertEquals(warnings.length, 1);
    assert(warnings[0]?.includes("255 bytes"), warnings[0]);
  });
});
