import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  buildForTest,
  HAS_PYTHON,
  listTar,
  pipe,
  runs,
  type TestLayer,
  toolPlan,
  withTree,
} from "../../../tests/support/layer.ts";
import type { LayerPlan } from "../../plan/types.ts";
import { rebaseSearchPath } from "./elf_paths.ts";
import { relocationMap } from "./relocate.ts";

const IMAGE = "/mise/installs/t/1";
const NOTHING = new Uint8Array(0);

function put(path: string, content: string | Uint8Array): void {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
}

/** A tree in mise's layout, in a directory with a space. */
async function withInstall(
  test: (
    tree: string,
    build: (changes?: Partial<LayerPlan>) => Promise<TestLayer>,
  ) => Promise<void>,
): Promise<void> {
  await withTree(async (data) => {
    const tree = `${data}/a user/installs/t/1`;
    Deno.mkdirSync(tree, { recursive: true });
    await test(tree, (changes) => buildForTest(toolPlan(tree, changes)));
  });
}

async function contents({ tar }: TestLayer): Promise<Readonly<Record<string, string>>> {
  const root = IMAGE.slice(1) + "/";
  return Object.fromEntries(
    (await listTar(tar)).filter(({ type, name }) => type === "0" && name.startsWith(root))
      .map(({ name, head }) => [name.slice(root.length), head]),
  );
}

/** Files that contain the installer's prefix, represented by `@`. */
const KINDS: Readonly<Record<string, string>> = {
  "bin/wrapper": '#!/bin/sh\nexec "@/libexec/real" --root=@ "$@"\n',
  "bin/erl": '#!/bin/sh\nROOTDIR="@/lib/erlang"\nBINDIR=$ROOTDIR/erts-15.0/bin\n',
  "bin/python3-config": '#!/bin/sh\nprefix="@"\nlibs="-L@/lib -I@/include"\n',
  "bin/shim": '#!/bin/sh\nexport NODE_PATH="@/5/a:@/5/b:$NODE_PATH"\n',
  "bin/stub":
    '#!/bin/sh\n# -*- ruby -*-\nbindir=@/bin\nexec "$bindir/ruby" -x "$0"\n#!@/bin/ruby\n',
  "bin/activate": "# not executable\nVIRTUAL_ENV='@'\n",
  "bin/activate.bat": '@echo off\r\nset "VIRTUAL_ENV=@"\r\n'.replace("@echo", "echo"),
  "bin/activate_this.py": 'base = "@/bin"\n',
  "lib/pkgconfig/python-3.12.pc": "prefix=@\nLibs: -L${prefix}/lib -Wl,-rpath,@/lib\n",
  "lib/libfoo.la": "libdir='@/lib'\ndependency_libs=' -L@/lib -lm'\n",
  "lib/cmake/FooConfig.cmake": 'set(FOO_ROOT "@")\nset(X "@/a;@/b")\n',
  "lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py":
    "v = {'prefix': '@', 'LIBDIR': '@/lib'}\n",
  "lib/python3.12/site-packages/x.pth": "@/src\n",
  "lib/ruby/3.3.0/x86_64-linux/rbconfig.rb":
    'TOPDIR == "@"\nCONFIG["configure_args"] = " \'--prefix=@\'"\n',
  "lib/pip/dist-info/direct_url.json": '{"url":"file://@/src"}',
  "uv-receipt.toml": 'entrypoints = [{ install-path = "@/bin/x" }]\n',
  "releases/RELEASES": '[{release,"x","@/lib"}].\n',
  "etc/anything.conf": "root @/etc\n",
};

Deno.test({
  name:
    "T8: files that hold the install prefix hold the image's, whatever the path on the host (needs python3)",
  ignore: !HAS_PYTHON,
  fn: () =>
    withInstall(async (tree, build) => {
      for (const [path, text] of Object.entries(KINDS)) {
        put(`${tree}/${path}`, text.replaceAll("@", tree));
      }
      const layer = await build();
      assertEquals(layer.warnings, []);
      assertEquals(
        await contents(layer),
        Object.fromEntries(
          Object.entries(KINDS).map(([path, text]) => [path, text.replaceAll("@", IMAGE)]),
        ),
      );
      // Nothing depends on other tools, so the layer stays valid when those change.
      const own = (layer.built.texts ?? []).filter(({ kind }) => kind === "content");
      assertEquals(own, []);
    }),
});

Deno.test({
  name: "T8: what is no path of the install, or no text, stays as it is (needs python3)",
  ignore: !HAS_PYTHON,
  fn: () =>
    withInstall(async (tree, build) => {
      const files: Record<string, string> = {
        "bin/longer": `#!/bin/sh\nx=${tree}0/bin y=/mnt${tree}/bin z=${tree}.old\n`,
        "bin/zipapp": `#!/bin/sh\n${tree}/bin\0PK`,
        "data": `\0${tree}/bin`,
        "large.json": `"${tree}/lib"${"x".repeat(70 << 10)}`,
      };
      for (const [path, text] of Object.entries(files)) put(`${tree}/${path}`, text);
      const layer = await build();
      const written = await contents(layer);
      assertEquals(
        written,
        Object.fromEntries(
          Object.entries(files).map(([path, text]) => [path, text.slice(0, 65536)]),
        ),
      );
      assertStringIncludes(layer.warnings.join(), "still name");
    }),
});

Deno.test({
  name:
    "T8: a script and sysconfig data of more than one read are rewritten to the end (needs python3)",
  ignore: !HAS_PYTHON,
  fn: () =>
    withInstall(async (tree, build) => {
      const filler = "#\n".repeat(60 << 10);
      put(`${tree}/bin/long`, `#!/bin/sh\n${filler}exec ${tree}/real\n`);
      put(`${tree}/lib/_sysconfigdata_x.py`, `${filler}p = '${tree}'\n`);
      const { tar, warnings } = await build();
      assertEquals(warnings, []);
      const text = new TextDecoder("latin1").decode(tar);
      assertStringIncludes(text, `exec ${IMAGE}/real\n`);
      assertStringIncludes(text, `p = '${IMAGE}'\n`);
    }),
});

Deno.test("D18: a text that names another tool is kept with the layer, as it is without and with that tool", async () => {
  await withInstall(async (tree, build) => {
    const other = tree.replace("/t/1", "/o/2");
    put(`${tree}/bin/x`, `#!/bin/sh\nexec ${other}/bin/o ${tree}/a\nexec ${tree}/b\n`);
    const before = `exec ${other}/bin/o ${tree}/a`;
    const alone = await build();
    const texts = ({ built }: TestLayer) => built.texts?.filter(({ kind }) => kind === "content");
    assertEquals(texts(alone), [{
      kind: "content",
      before,
      after: `exec ${other}/bin/o ${IMAGE}/a`,
    }]);
    const { relocations } = toolPlan(tree);
    const both = await build({
      relocations: [...relocations, { host: other, image: "/mise/installs/o/2" }],
    });
    const after = `exec /mise/installs/o/2/bin/o ${IMAGE}/a`;
    assertEquals(texts(both), [{ kind: "content", before, after }]);
  });
});

Deno.test("T8: no file is reported where the image has the same path as the host", async () => {
  await withInstall(async (tree) => {
    put(`${tree}/data`, `\0${tree}/bin\0`);
    const same = toolPlan(tree, {
      sources: [{ type: "tree", hostPath: tree, imagePath: tree }],
      relocations: [{ host: tree, image: tree }],
    });
    assertEquals((await buildForTest(same)).warnings, []);
    assertEquals((await buildForTest(toolPlan(tree))).warnings.length, 1);
  });
});

Deno.test("T8: library directories of the own tree begin at $ORIGIN, of other tools they are the image's", () => {
  const map = relocationMap([
    { host: "/h/installs/t/1", image: IMAGE },
    { host: "/h/installs/o/2", image: "/mise/installs/o/2" },
  ], [IMAGE]);
  for (
    const [before, after] of [
      ["/h/installs/t/1/lib", "$ORIGIN/../lib"],
      ["/h/installs/t/1/bin", "$ORIGIN"],
      ["/h/installs/t/1", "$ORIGIN/.."],
      [
        "$ORIGIN/../lib:/h/installs/t/1/lib64/:/usr/lib",
        "$ORIGIN/../lib:$ORIGIN/../lib64:/usr/lib",
      ],
      ["/h/installs/o/2/lib", "/mise/installs/o/2/lib"],
      ["/h/installs/t/10/lib::x", "/h/installs/t/10/lib::x"],
    ] as const
  ) assertEquals(rebaseSearchPath(before, `${IMAGE}/bin/x`, map), after);
});

const HAS_COMPILER = runs("cc") && runs("readelf");

Deno.test({
  name:
    "T8: a program finds its library and its loader at its new place, by the search path in it (needs cc)",
  ignore: !HAS_COMPILER,
  fn: () =>
    withInstall(async (tree, build) => {
      put(`${tree}/src/l.c`, "int answer(void) { return 42; }\n");
      // Larger than one read, with the dynamic section far behind.
      put(
        `${tree}/src/m.c`,
        "int answer(void); char big[300000] = {1}; int main(void) { return answer() - 42 + big[9]; }\n",
      );
      Deno.mkdirSync(`${tree}/lib`);
      Deno.mkdirSync(`${tree}/bin`);
      const cc = async (...args: string[]) => await pipe(["cc", ...args], NOTHING);
      await cc("-shared", "-fPIC", "-o", `${tree}/lib/libl.so`, `${tree}/src/l.c`);
      for (const [name, tags] of [["new", "--enable-new-dtags"], ["old", "--disable-new-dtags"]]) {
        await cc(
          "-o",
          `${tree}/bin/${name}`,
          `${tree}/src/m.c`,
          `-L${tree}/lib`,
          "-ll",
          `-Wl,${tags},-rpath,${tree}/lib`,
        );
      }
      await cc(
        "-o",
        `${tree}/bin/loader`,
        `${tree}/src/l.c`,
        "-shared",
        `-Wl,--dynamic-linker=${tree}/lib/ld.so`,
        "-fPIC",
      );
      const { tar, warnings } = await build();
      assertEquals(warnings, []);
      await withTree(async (root) => {
        await pipe(["tar", "-xf", "-", "-C", root], tar);
        // Neither the host's library nor the host's path is used.
        Deno.renameSync(tree, `${tree}-away`);
        for (const name of ["new", "old"]) {
          const program = `${root}${IMAGE}/bin/${name}`;
          await pipe([program], NOTHING);
          assertStringIncludes(
            await pipe(["readelf", "-d", program], NOTHING),
            "path: [$ORIGIN/../lib]",
          );
        }
        assert(!new TextDecoder("latin1").decode(tar).includes(tree));
      });
    }),
});

Deno.test({
  name:
    "a link that a plan asks for is in the layer, below directories of the layer's owner (needs python3)",
  ignore: !HAS_PYTHON,
  fn: async () => {
    const { tar } = await buildForTest(toolPlan("/", {
      kind: "config",
      owner: { uid: 7, gid: 8 },
      relocations: [],
      sources: [{ type: "link", imagePath: "/home/me/installs", target: "/mise/installs" }],
    }));
    const members = (await listTar(tar)).map((
      { name, type, linkname, uid },
    ) => [name, type, linkname, uid]);
    assertEquals(members, [
      ["home", "5", "", 7],
      ["home/me", "5", "", 7],
      ["home/me/installs", "2", "/mise/installs", 7],
    ]);
  },
});
