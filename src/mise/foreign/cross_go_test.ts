import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { withTree } from "../../../tests/support/layer.ts";
import { parsePlatform } from "../../oci/mod.ts";
import { prependCrossGo } from "./cross_go.ts";

/** A host with a `go` that writes a program into GOPATH, as go does when cross-compiling. */
async function withGo(
  test: (machine: { readonly bin: string; readonly directory: string }) => Promise<void>,
): Promise<void> {
  await withTree(async (root) => {
    const bin = join(root, "it's a bin");
    await Deno.mkdir(bin);
    const script = `#!/bin/sh
if [ "$1 $2" = "env GOMODCACHE" ]; then echo /modules; exit; fi
if [ "$1" != install ]; then echo "plain $*"; exit; fi
out=$GOPATH/bin/\${GOOS}_$GOARCH
mkdir -p "$out"
echo "$* \${GOBIN-unset} $CGO_ENABLED $GOMODCACHE \${GOARM-}" > "$out/tool"
test "$2" != broken
`;
    await Deno.writeTextFile(join(bin, "go"), script, { mode: 0o755 });
    await test({ bin, directory: join(root, "platform") });
  });
}

async function runGo(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly stdout: string }> {
  const command = new Deno.Command("/bin/sh", {
    args: ["-c", 'exec go "$@"', "sh", ...args],
    clearEnv: true,
    env: { ...env, PATH: `${path}:/usr/bin:/bin` },
  });
  const { code, stdout } = await command.output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

const windows = Deno.build.os === "windows";

Deno.test({
  name: "prependCrossGo() puts what go installs for another platform where GOBIN says",
  ignore: windows,
  fn: () =>
    withGo(async ({ bin, directory }) => {
      const foreign = { platform: parsePlatform("linux/arm/v7"), directory };
      const cross = await prependCrossGo(`relative:${bin}`, foreign);
      if ("why" in cross) throw new Error(cross.why);
      const gobin = join(directory, "install/bin");
      const env = { GOBIN: gobin };
      assertEquals((await runGo(cross.path, ["list", "-m"], env)).stdout, "plain list -m\n");
      assertEquals((await runGo(cross.path, ["install", "-mod=readonly", "x@v1"], env)).code, 0);
      const said = await Deno.readTextFile(join(gobin, "tool"));
      assertEquals(said, "install -mod=readonly x@v1 unset 0 /modules 7\n");
      await Deno.remove(gobin, { recursive: true });
      assertEquals((await runGo(cross.path, ["install", "broken"], env)).code, 1);
      assertEquals(await Deno.stat(gobin).catch(() => "nothing"), "nothing");
    }),
});

Deno.test({
  name: "prependCrossGo() says so where there is no go",
  ignore: windows,
  fn: () =>
    withTree(async (directory) => {
      const foreign = { platform: parsePlatform("linux/arm64"), directory };
      const cross = await prependCrossGo(directory, foreign);
      assertMatch("why" in cross ? cross.why : "", /no go here to compile it for linux\/arm64/);
    }),
});
