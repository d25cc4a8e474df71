import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import {
  createFakeMise,
  type FakeMise,
  projectAnswers,
  writeConfig,
} from "../../tests/support/fake_mise.ts";
import { failsToRead, fakeTool, readFake } from "../../tests/support/fake_project.ts";

async function makeFiles(root: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await Deno.mkdir(join(root, dirname(path)), { recursive: true });
    await Deno.writeTextFile(join(root, path), path);
  }
}

/** A fake mise whose versions of a tool are links to a directory below the home. */
async function fakeLinked(
  tool: { readonly short: string; readonly versions: readonly string[]; readonly to: string },
): Promise<FakeMise> {
  const { short, versions, to } = tool;
  const installPath = (home: string, version: string): string =>
    join(home, "data/installs", short, version);
  const fake = await createFakeMise(({ directory, home }) => ({
    ...projectAnswers(
      directory,
      versions.map((version) =>
        fakeTool(short, version, {
          backend: `core:${short}`,
          installPath: installPath(home, version),
        })
      ),
    ),
    "env --json-extended": {
      stdout: short !== "rust" ? {} : {
        CARGO_HOME: { value: join(home, ".cargo"), tool: "rust" },
        RUSTUP_HOME: { value: join(home, ".rustup"), tool: "rust" },
      },
    },
  }));
  await writeConfig(fake, "");
  for (const version of versions) {
    await Deno.mkdir(join(fake.home, "data/installs", short), { recursive: true });
    await Deno.symlink(join(fake.home, to), installPath(fake.home, version));
  }
  return fake;
}

Deno.test("core rust is its toolchain with the proxies of that, never the user's own programs", async () => {
  await using fake = await fakeLinked({ short: "rust", versions: ["1.95.0"], to: ".cargo/bin" });
  const { home } = fake;
  await makeFiles(home, [
    ...["rustup", "cargo", "rustc", "rls", "my-tool"].map((name) => `.cargo/bin/${name}`),
    ".rustup/toolchains/stable-x86_64-unknown-linux-gnu/bin/cargo",
    ".rustup/toolchains/stable-x86_64-unknown-linux-gnu/bin/rustc",
    ".rustup/toolchains/nightly-x86_64-unknown-linux-gnu/bin/rustc",
    ".rustup/settings.toml",
  ]);
  const toolchains = join(home, ".rustup/toolchains");
  const stable = join(toolchains, "stable-x86_64-unknown-linux-gnu");
  // rustup has a link for the release that is also stable.
  await Deno.symlink(stable, join(toolchains, "1.95.0-x86_64-unknown-linux-gnu"));
  const { project } = await readFake(fake);
  const [rust] = project.tools;
  assertEquals(rust?.parts?.trees, [
    { hostPath: join(home, ".cargo/bin"), place: "cargo/bin", exclude: ["my-tool", "rls"] },
    { hostPath: stable, place: "rustup/toolchains/1.95.0-x86_64-unknown-linux-gnu" },
  ]);
  assertEquals(rust?.parts?.moved, {
    [join(home, ".rustup")]: "rustup",
    [join(home, ".cargo")]: "cargo",
  });
  assertStringIncludes(
    rust?.parts?.files?.["rustup/settings.toml"] ?? "",
    'default_host_triple = "x86_64-unknown-linux-gnu"',
  );
});

Deno.test("a toolchain of a channel is not that of a day, and one that is missing is named with the way to it", async () => {
  await using fake = await fakeLinked({ short: "rust", versions: ["nightly"], to: ".cargo/bin" });
  await makeFiles(fake.home, [
    ".cargo/bin/rustup",
    ".rustup/toolchains/nightly-2026-01-01-x86_64-unknown-linux-gnu/bin/rustc",
  ]);
  const { code, message } = await failsToRead(fake);
  assertEquals(code, "tool");
  assertStringIncludes(message, "rustup toolchain install nightly");
  const path = ".rustup/toolchains/nightly-x86_64-unknown-linux-gnu";
  await makeFiles(fake.home, [`${path}/bin/rustc`]);
  const { project } = await readFake(fake);
  assertEquals(project.tools[0]?.parts?.trees[1]?.hostPath, join(fake.home, path));
});

Deno.test("core dotnet has the SDKs that the project asks for, and the runtimes of their releases", async () => {
  const versions = ["9.0.100", "8.0.100"];
  await using fake = await fakeLinked({ short: "dotnet", versions, to: "data/dotnet-root" });
  const runtimes = ["9.0.0", "8.0.11", "6.0.8"];
  await makeFiles(join(fake.home, "data/dotnet-root"), [
    "dotnet",
    ...["9.0.100", "8.0.100", "8.0.404", "6.0.400"].map((version) => `sdk/${version}/dotnet.dll`),
    ...runtimes.flatMap((version) => [
      `host/fxr/${version}/libhostfxr.so`,
      `shared/Microsoft.NETCore.App/${version}/a.dll`,
    ]),
    "packs/Old.Pack/5.0.0/a.dll",
  ]);
  const { project } = await readFake(fake);
  assertEquals(
    project.tools.map(({ parts }) => parts?.trees[0]?.exclude),
    [1, 2].map(() => [
      "sdk/6.0.400",
      "sdk/8.0.404",
      "host/fxr/6.0.8",
      "shared/Microsoft.NETCore.App/6.0.8",
    ]),
  );
});

Deno.test("C08: an install that is a link to a directory of everybody's programs is refused", async () => {
  await using fake = await fakeLinked({ short: "odd", versions: ["1.0.0"], to: ".local/bin" });
  await makeFiles(fake.home, [".local/bin/private"]);
  assertStringIncludes((await failsToRead(fake)).message, "which holds programs of others too");
});
