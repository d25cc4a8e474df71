import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { withTree } from "../../tests/support/layer.ts";

const BENCH = fromFileUrl(new URL("../../bench/layer.ts", import.meta.url));
const LINUX = Deno.build.os === "linux";

/** Builds a layer from a sparse file in a separate process and returns its peak memory in MiB. */
async function peakOf(size: number): Promise<number> {
  let peak = 0;
  await withTree(async (tree) => {
    using file = await Deno.create(`${tree}/sparse`);
    await file.truncate(size);
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", BENCH, "--workers", "2", tree],
    }).output();
    assertEquals(success, true, new TextDecoder().decode(stderr));
    peak = Number(/peak (\d+) MiB/.exec(new TextDecoder().decode(stdout))?.[1]);
  });
  return peak;
}

Deno.test({
  name:
    "L13, L14: memory does not grow with the size of a layer (scaled; full size in bench/; Linux)",
  ignore: !LINUX,
  fn: async () => {
    const small = await peakOf(64 << 20);
    const large = await peakOf(768 << 20);
    assert(small > 0 && large < 200 && large < small + 60, `${small} MiB, then ${large} MiB`);
  },
});
