import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { MiseOciError } from "../../errors.ts";
import { exchangeWheels } from "./foreign_python.ts";

/** A mise whose `exec` provides the programs in `known`; they put wheels into `--target`. */
const MISE = `#!/bin/sh
known="KNOWN"
printf '%s\\n' "$*" >> "$(dirname "$0")/calls"
shift 2
case " $known " in *" $1 "*) ;; *) exit 127;; esac
case "$*" in *--version) exit 0;; esac
while [ $# -gt 0 ]; do
  if [ "$1" = --target ]; then target=$2; fi
  if [ "$1" = missing==1.0 ]; then echo "no such wheel" >&2; exit 1; fi
  shift
done
mkdir -p "$target/pkg" "$target/pkg-1.0.dist-info" "$target/bin"
echo arm > "$target/pkg/native.aarch64.so"
echo arm > "$target/bin/native"
printf '#!/host/python\\n' > "$target/bin/script"
echo 'Tag: cp311-cp311-manylinux_2_17_aarch64' > "$target/pkg-1.0.dist-info/WHEEL"
`;

const FILES = {
  "tool/pyvenv.cfg": "home = /usr/bin\n",
  "tool/bin/native": "amd",
  "tool/bin/script": "#!/venv/python\n",
  "tool/lib/python3.11/site-packages/pure-1.0.dist-info/WHEEL": "Tag: py3-none-any\n",
  "tool/lib/python3.11/site-packages/pkg/native.x86_64.so": "amd",
  "tool/lib/python3.11/site-packages/pkg-1.0.dist-info/WHEEL":
    "Tag: cp311-cp311-manylinux_2_17_x86_64\n",
  "tool/lib/python3.11/site-packages/pkg-1.0.dist-info/METADATA": "Name: NAME\nVersion: 1.0\n",
  "tool/lib/python3.11/site-packages/pkg-1.0.dist-info/RECORD":
    "../../../bin/native,,\npkg/native.x86_64.so,,\npkg-1.0.dist-info/WHEEL,,\n",
};

async function exchangeIn(
  root: string,
  { known, name = "pkg" }: { readonly known: string; readonly name?: string },
): Promise<{ readonly install: string; readonly calls: () => string }> {
  const installPath = join(root, "data/installs/pypi-tool/1.0");
  for (const [path, text] of Object.entries(FILES)) {
    await Deno.mkdir(dirname(join(installPath, path)), { recursive: true });
    await Deno.writeTextFile(join(installPath, path), text.replace("NAME", name));
  }
  const misePath = join(root, "mise");
  await Deno.writeTextFile(misePath, MISE.replace("KNOWN", known), { mode: 0o755 });
  await exchangeWheels([{ short: "pypi:tool", version: "1.0", installPath, installed: true }], {
    foreign: { platform: { os: "linux", architecture: "arm64" }, directory: root },
    host: {
      misePath,
      directory: root,
      env: {},
      context: { env: () => undefined, warn: () => {}, detail: () => {} },
    },
  });
  return { install: installPath, calls: () => Deno.readTextFileSync(join(root, "calls")) };
}

async function inTemporary(test: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

for (const [known, call] of [["uv python3", "uv pip install"], ["python3", "-m pip install"]]) {
  Deno.test(`wheels of this machine are exchanged for the platform's by "${call}"`, async () => {
    await inTemporary(async (root) => {
      const { install, calls } = await exchangeIn(root, { known: known ?? "" });
      const packages = join(install, "tool/lib/python3.11/site-packages");
      assertEquals([...Deno.readDirSync(join(packages, "pkg"))].map(({ name }) => name), [
        "native.aarch64.so",
      ]);
      assertEquals(await Deno.readTextFile(join(install, "tool/bin/native")), "arm\n");
      // Scripts start the environment's own Python.
      assertEquals(
        await Deno.readTextFile(join(install, "tool/bin/script")),
        FILES["tool/bin/script"],
      );
      assertStringIncludes(calls(), call ?? "");
      assertStringIncludes(calls(), "aarch64");
      assertEquals(calls().includes("pure"), false);
    });
  });
}

Deno.test("a wheel that cannot be had is named with the reason, and the install is not kept", async () => {
  await inTemporary(async (root) => {
    const fails = (name: string, known: string): Promise<MiseOciError> =>
      assertRejects(() => exchangeIn(root, { known, name }), MiseOciError);
    const none = await fails("pkg", "");
    assertEquals(none.code, "tool");
    assertStringIncludes(none.message, "pypi:tool@1.0 (wheels of pkg==1.0 for Python 3.11");
    assertStringIncludes(none.message, "neither is on PATH");
    const missing = await fails("missing", "uv");
    assertStringIncludes(missing.message, "there is no wheel of missing==1.0");
    assertEquals([...Deno.readDirSync(join(root, "data/installs/pypi-tool"))], []);
  });
});
