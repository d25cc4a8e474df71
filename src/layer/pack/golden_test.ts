import { assertEquals } from "@std/assert";
import { buildForTest, sha256, toolPlan, withTree } from "../../../tests/support/layer.ts";
import { LAYER_FORMAT } from "../format.ts";

const GOLDEN = new URL("../../../tests/golden/layer/", import.meta.url);
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

/** A tree with every kind of header field. */
function writeGoldenTree(tree: string): void {
  Deno.mkdirSync(`${tree}/bin`);
  Deno.writeTextFileSync(`${tree}/bin/run`, `#!${tree}/bin/node\nrun\n`);
  Deno.chmodSync(`${tree}/bin/run`, 0o755);
  Deno.writeTextFileSync(`${tree}/empty`, "");
  Deno.writeTextFileSync(`${tree}/block`, "b".repeat(512));
  Deno.linkSync(`${tree}/block`, `${tree}/hard`);
  Deno.symlinkSync(`${tree}/bin/run`, `${tree}/link`);
  Deno.symlinkSync("t".repeat(120), `${tree}/far`);
  Deno.writeTextFileSync(`${tree}/ünï😀`, "text");
  Deno.mkdirSync(`${tree}/${"p".repeat(120)}/${"q".repeat(120)}`, { recursive: true });
  Deno.writeTextFileSync(`${tree}/${"p".repeat(120)}/${"q".repeat(90)}`, "split");
  Deno.writeTextFileSync(`${tree}/${"p".repeat(120)}/${"q".repeat(120)}/deep`, "pax");
}

async function golden(name: string, bytes: Uint8Array): Promise<void> {
  const file = new URL(name, GOLDEN);
  if (UPDATE) await Deno.writeFile(file, bytes);
  assertEquals(
    sha256(bytes),
    sha256(await Deno.readFile(file)),
    `${name} changed: so must LAYER_FORMAT`,
  );
}

/** Another default level is no other byte layout. */
const GZIP = { kind: "gzip", level: 5 } as const;

for (const compression of [{ kind: "none" }, GZIP] as const) {
  const { kind } = compression;
  Deno.test(`the bytes of a layer are frozen (${kind}); UPDATE_GOLDEN=1 writes them anew`, async () => {
    await withTree(async (tree) => {
      writeGoldenTree(tree);
      const plan = toolPlan(tree, { owner: { uid: 1000, gid: 2097152 } });
      const { blob } = await buildForTest(plan, { compression });
      await golden(`v${LAYER_FORMAT}.tar${kind === "gzip" ? ".gz" : ""}`, blob);
    });
  });
}

Deno.test("the cutting of blocks is frozen (gzip, 3 blocks)", async () => {
  await withTree(async (tree) => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `${i * i} line of text ${i % 97}\n`);
    Deno.writeTextFileSync(`${tree}/text`, lines.join("").padEnd(2_200_000, "x"));
    const { blob } = await buildForTest(toolPlan(tree), { compression: GZIP });
    const digest = new TextEncoder().encode(`${sha256(blob)}\n`);
    await golden(`v${LAYER_FORMAT}-blocks.sha256`, digest);
  });
});
