import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { parse as parseToml } from "@std/toml";
import { MiseOciError } from "../errors.ts";
import { makeTempDir } from "../../tests/support/testbed/command.ts";
import { addToOci, initProject } from "./init_project.ts";

const FROM = { from: "debian:bookworm-slim" };

Deno.test("addToOci() keeps comments, line ends and order, wherever [oci] is or is not", () => {
  const texts = [
    "",
    "[tools]\nnode = '24' # why",
    "[tools]\r\nnode = '24'\r\n",
    "[oci]\n",
    "[oci]",
    "[oci]\r\ntag = 'x'\r\n[tools]\r\nnode = '24'\r\n",
    "  [ oci ]  # mine\n\n[oci.env]\nA = '1'\n",
    "[oci.env]\nA = '1'\n",
    "[[oci.copy]]\nhost = 'a'\nimage = '/a'\n",
    "text = '''\nnot\n'''\n",
  ];
  for (const text of texts) {
    const changed = addToOci(text, FROM);
    assertEquals((parseToml(changed) as { oci: { from: string } }).oci.from, FROM.from, text);
    for (const line of text.split(/\r?\n/)) assertEquals(changed.includes(line), true, line);
    if (text.includes("\r\n")) assertEquals(/[^\r]\n/.test(changed), false);
  }
});

Deno.test("addToOci() keeps a byte order mark", () => {
  const text = "[tools]\nnode = '24'\n";
  assertEquals(addToOci(`\ufeff${text}`, FROM), `\ufeff${addToOci(text, FROM)}`);
});

Deno.test("init writes a base once, adds a tag, and --check writes nothing", async () => {
  await using directory = await makeTempDir();
  const request = { directory: directory.path, check: false };
  const file = join(directory.path, "mise.toml");
  const missing = await initProject({ ...request, check: true });
  assertEquals(missing, { file, existed: false, added: FROM });
  assertEquals(await Array.fromAsync(Deno.readDir(directory.path)), []);
  await initProject(request);
  const text = await Deno.readTextFile(file);
  assertEquals(text, '[tools]\n\n[oci]\nfrom = "debian:bookworm-slim"\n');
  assertEquals((await initProject(request)).added, {});
  assertEquals((await initProject({ ...request, tag: "dev:1" })).added, { tag: "dev:1" });
  assertEquals((await initProject({ ...request, tag: "dev:2" })).added, {});
});

Deno.test("init goes on in the file that has [oci], and takes Alpine for packages of apk", async () => {
  await using directory = await makeTempDir();
  await Deno.writeTextFile(join(directory.path, "mise.toml"), "[tools]\n");
  await Deno.mkdir(join(directory.path, ".config"));
  const other = join(directory.path, ".config/mise.toml");
  await Deno.writeTextFile(other, '[oci]\ntag = "a"\n[bootstrap.packages]\n"apk:git" = "latest"\n');
  const result = await initProject({ directory: directory.path, check: false });
  assertEquals(result, { file: other, existed: true, added: { from: "alpine:3.22" } });
});

Deno.test("init refuses what it cannot read or change, and changes nothing", async () => {
  await using directory = await makeTempDir();
  const file = join(directory.path, "mise.toml");
  for (const text of ["[oci\n", "oci = { tag = 'x' }\n"]) {
    await Deno.writeTextFile(file, text);
    await assertRejects(
      () => initProject({ directory: directory.path, check: false }),
      MiseOciError,
    );
    assertEquals(await Deno.readTextFile(file), text);
  }
});
