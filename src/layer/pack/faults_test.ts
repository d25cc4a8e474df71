import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MiseOciError } from "../../errors.ts";
import {
  buildForTest,
  HAS_PYTHON,
  HAS_TAR,
  IS_ROOT,
  listTar,
  pipe,
  runs,
  shell,
  type TarMember,
  toolPlan,
  withTree,
} from "../../../tests/support/layer.ts";

const ROOT = "mise/installs/t/1";

async function membersOf(tree: string): Promise<Map<string, TarMember>> {
  const { tar } = await buildForTest(toolPlan(tree));
  const members = await listTar(tar);
  return new Map(members.map((member) => [member.name.slice(ROOT.length + 1), member]));
}

function python(name: string, test: (tree: string) => Promise<void>): void {
  Deno.test({ name: `${name} (needs python3)`, ignore: !HAS_PYTHON, fn: () => withTree(test) });
}

Deno.test("L06: FIFOs, sockets and devices are skipped with a warning, never opened", async () => {
  await withTree(async (tree) => {
    shell(`mkfifo "${tree}/fifo"; echo x > "${tree}/file"`);
    if (IS_ROOT) shell(`mknod "${tree}/null" c 1 3`);
    const listener = Deno.listen({ transport: "unix", path: `${tree}/sock` });
    try {
      const { warnings } = await buildForTest(toolPlan(tree));
      const kinds = ["a FIFO", "a socket", ...(IS_ROOT ? ["a device"] : [])];
      assertEquals(warnings.length, kinds.length);
      for (const kind of kinds) assert(warnings.some((text) => text.includes(kind)), kind);
    } finally {
      listener.close();
    }
  });
});

python(
  "L07: links are kept, never followed; absolute ones into the tree become relative",
  async (tree) => {
    shell(`cd "${tree}"; mkdir -p d/e; echo x > d/f; ln -s nowhere dangling; ln -s loop2 loop1;
    ln -s loop1 loop2; ln -s self self; ln -s "${tree}/d/f" d/e/inside; ln -s /opt/none outside;
    ln -s d dir; ln -s "$(printf 'x%.0s' {1..150})" long`);
    const { tar, warnings } = await buildForTest(toolPlan(tree));
    const links = new Map((await listTar(tar)).map((m) => [m.name.slice(ROOT.length + 1), m]));
    const target = (name: string): string | undefined => links.get(name)?.linkname;
    assertEquals(["dangling", "loop1", "loop2", "self", "dir"].map(target), [
      "nowhere",
      "loop2",
      "loop1",
      "self",
      "d",
    ]);
    assertEquals(target("d/e/inside"), "../f");
    assertEquals(target("outside"), "/opt/none");
    assertEquals(target("long"), "x".repeat(150));
    assertEquals(links.get("dir/f"), undefined);
    assertEquals(warnings.length, 1);
    assert(warnings[0]?.includes('"/opt/none"'), warnings[0]);
  },
);

python("L08: names of one inode become hard links to the first in archive order", async (tree) => {
  shell(`cd "${tree}"; echo same > z; ln z a; ln z m; echo other > n`);
  const members = await membersOf(tree);
  assertEquals(members.get("a")?.head, "same\n");
  for (const name of ["m", "z"]) {
    assertEquals(members.get(name)?.type, "1");
    assertEquals(members.get(name)?.linkname, `${ROOT}/a`);
  }
  assertEquals(members.get("n")?.type, "0");
});

Deno.test("L09: names and targets that are not UTF-8 are errors naming the directory", async () => {
  await withTree(async (tree) => {
    shell(`mkdir "${tree}/sub"; cd "${tree}/sub"; touch $'bad\\xff' $'bad\\xfe'`);
    await assertRejects(() => buildForTest(toolPlan(tree)), MiseOciError, `"${tree}/sub"`);
    shell(`cd "${tree}/sub"; rm $'bad\\xfe'`);
    await assertRejects(() => buildForTest(toolPlan(tree)), MiseOciError, "not UTF-8");
    shell(`cd "${tree}/sub"; rm $'bad\\xff'; ln -s $'to\\xff' link`);
    await assertRejects(() => buildForTest(toolPlan(tree)), MiseOciError, `"${tree}/sub/link"`);
    shell(`cd "${tree}/sub"; rm link; touch $'fine\\xef\\xbf\\xbd'`);
    await buildForTest(toolPlan(tree));
  });
});

python("L11: twins in NFC and NFD and in case are both there", async (tree) => {
  for (const name of ["\u00e9", "e\u0301", "A", "a"]) {
    Deno.writeTextFileSync(`${tree}/${name}`, name);
  }
  const members = await membersOf(tree);
  for (const name of ["\u00e9", "e\u0301", "A", "a"]) assert(members.has(name), name);
});

python("L12: deep paths of a real tree come back", async (tree) => {
  let path = tree;
  for (let i = 0; i < 24; i++) Deno.mkdirSync(path += `/${"d".repeat(100)}`);
  Deno.writeTextFileSync(`${path}/f`, "deep");
  const members = await membersOf(tree);
  assertEquals(members.get(path.slice(tree.length + 1) + "/f")?.head, "deep");
});

python("L16: modes are normalised, and kept in package layers", async (tree) => {
  shell(`cd "${tree}"; touch suid sgid none write plain; mkdir sticky dir; chmod 4755 suid;
    chmod 2755 sgid; chmod 1777 sticky; chmod 0200 write; chmod 0644 plain; chmod 0700 dir`);
  if (IS_ROOT) shell(`chmod 0000 "${tree}/none"`);
  const modes = async (kind: "tool" | "packages"): Promise<string[]> => {
    const skip = IS_ROOT ? {} : { exclude: ["write"] };
    const { tar } = await buildForTest(toolPlan(tree, { kind, ...skip }));
    return (await listTar(tar)).filter(({ name }) => name.startsWith(`${ROOT}/`))
      .map(({ name, mode }) => `${name.slice(ROOT.length + 1)} ${mode.toString(8)}`);
  };
  const normal = ["dir 755", "none 644", "plain 644", "sgid 755", "sticky 755", "suid 755"];
  assertEquals(await modes("tool"), IS_ROOT ? [...normal, "write 644"] : normal);
  const kept = await modes("packages");
  for (const mode of ["dir 700", "sgid 2755", "sticky 1777", "suid 4755"]) {
    assert(kept.includes(mode), mode);
  }
});

Deno.test({
  name:
    "L17: extended attributes are dropped and do not change the layer (needs root and setfattr)",
  ignore: !IS_ROOT || !runs("setfattr"),
  fn: () =>
    withTree(async (tree) => {
      Deno.writeTextFileSync(`${tree}/f`, "x");
      const before = await buildForTest(toolPlan(tree));
      shell(`setfattr -n user.x -v y "${tree}/f"`);
      assertEquals((await buildForTest(toolPlan(tree))).built.diffId, before.built.diffId);
    }),
});

Deno.test('L19: a name that begins with ".wh." is an error', async () => {
  await withTree(async (tree) => {
    Deno.mkdirSync(`${tree}/d`);
    Deno.writeTextFileSync(`${tree}/d/.wh.passwd`, "");
    const error = await assertRejects(() => buildForTest(toolPlan(tree)), MiseOciError);
    assert(error.message.includes(`"${tree}/d/.wh.passwd"`), error.message);
  });
});

python("L20: empty trees, only directories, a root that is a link or a file", async (tree) => {
  shell(`cd "${tree}"; mkdir -p empty dirs/a/b; echo x > file; ln -s dirs link`);
  const paths = async (name: string): Promise<string[]> => {
    const { tar } = await buildForTest(toolPlan(`${tree}/${name}`));
    return (await listTar(tar)).map((member) => `${member.name} ${member.type}`).slice(3);
  };
  assertEquals(await paths("empty"), [`${ROOT} 5`]);
  assertEquals(await paths("dirs"), [`${ROOT} 5`, `${ROOT}/a 5`, `${ROOT}/a/b 5`]);
  assertEquals(await paths("link"), await paths("dirs"));
  assertEquals(await paths("file"), [`${ROOT} 0`]);
});

Deno.test("L20: a root that is missing or a FIFO is an error", async () => {
  await withTree(async (tree) => {
    const missing = toolPlan(`${tree}/missing`);
    const error = await assertRejects(() => buildForTest(missing), MiseOciError);
    assertEquals(error.code, "not-found");
    shell(`mkfifo "${tree}/fifo"`);
    await assertRejects(
      () => buildForTest(toolPlan(`${tree}/fifo`)),
      MiseOciError,
      "neither a file nor a directory",
    );
  });
});

python(
  "L21: times before 1970 and after 2038 are 1980-01-01 as all others, which zip can hold",
  async (tree) => {
    shell(`cd "${tree}"; touch -d 1960-01-01 a; touch -d 2100-01-01 b; touch -d @1.123456789 c`);
    const { tar } = await buildForTest(toolPlan(tree));
    for (const member of await listTar(tar)) {
      assertEquals([member.mtime, member.uname], [315532800, ""]);
    }
  },
);

python("F6: Python zips the files of an unpacked layer", async (tree) => {
  Deno.writeTextFileSync(`${tree}/module.py`, "print(1)\n");
  const { tar } = await buildForTest(toolPlan(tree));
  await withTree(async (unpacked) => {
    await pipe(["tar", "-xf", "-", "-C", unpacked], tar);
    const zip = `${unpacked}/x.zip`;
    const module = `${unpacked}/mise/installs/t/1/module.py`;
    // West of Greenwich it is still 1979, since zip's times are local.
    await pipe(["env", "TZ=UTC", "python3", "-m", "zipfile", "-c", zip, module], new Uint8Array());
    const listed = await pipe(["python3", "-m", "zipfile", "-l", zip], new Uint8Array());
    assertMatch(listed, /^module\.py +1980-01-01 00:00:00 +9$/m);
  });
});

Deno.test({
  name: "L15: many files in one directory and 500 levels (needs tar)",
  ignore: !HAS_TAR,
  fn: () =>
    withTree(async (tree) => {
      for (let i = 0; i < 3000; i++) Deno.writeTextFileSync(`${tree}/f${i}`, `${i}`);
      Deno.mkdirSync(`${tree}/${"d/".repeat(500)}`, { recursive: true });
      const { tar } = await buildForTest(toolPlan(tree));
      const listed = (await pipe(["tar", "-tf", "-"], tar)).trimEnd().split("\n");
      assertEquals(listed.length, 3000 + 500 + 4);
    }),
});

python("names are sorted by bytes and every parent is there", async (tree) => {
  shell(`cd "${tree}"; mkdir -p a b/c; touch a/x a-b a.b b/c/d`);
  for (const name of ["\uff5e", "\u{1f600}", "Z"]) Deno.writeTextFileSync(`${tree}/${name}`, "");
  const names = (await listTar((await buildForTest(toolPlan(tree))).tar)).map(({ name }) => name);
  const bytes = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));
  assertEquals(names, names.toSorted((x, y) => bytes(x) < bytes(y) ? -1 : 1));
  for (const name of names) {
    const parent = name.split("/").slice(0, -1).join("/");
    assert(parent === "" || names.indexOf(parent) < names.indexOf(name), name);
  }
});
