import { assertEquals, assertRejects } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { MiseOciError } from "../errors.ts";
import { selfExecutable } from "./plan_images.ts";

const HOST = { os: "linux", architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64" };

Deno.test("--embed-self takes only the compiled executable", async () => {
  const path = (): string => Deno.execPath();
  const error = await assertRejects(
    () => selfExecutable(HOST, { standalone: false, path }),
    MiseOciError,
    "runs as a script",
  );
  assertEquals(error.code, "usage");
});

Deno.test({
  name: "--embed-self gives an executable of the image's platform or an error",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const facts = { standalone: true, path: (): string => Deno.execPath() };
    assertEquals(await selfExecutable(HOST, facts), {
      path: await Deno.realPath(Deno.execPath()),
      version: manifest.version,
    });
    const error = await assertRejects(
      () => selfExecutable({ os: "linux", architecture: "riscv64" }, facts),
      MiseOciError,
      "linux/riscv64",
    );
    assertEquals(error.code, "unsupported");
  },
});
