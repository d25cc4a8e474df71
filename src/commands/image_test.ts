import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseReference } from "../oci/reference.ts";
import type { LoadRequest, PushRequest, PushResult, RunRequest } from "../workflow/types.ts";
import { defaults, DIGEST, layers, run } from "../../tests/support/commands_fixture.ts";

const pushed: PushResult = {
  digest: DIGEST,
  manifestDigest: DIGEST,
  reference: "r.io/app:v2",
  blobs: { uploaded: 1, present: 2, mounted: 3, uploadedBytes: 999 },
  layers,
};

Deno.test("push asks for destination, cache, index and tool, and prints what happened", async () => {
  let request: PushRequest | undefined;
  const { code, stdout } = await run(
    ["push", "r.io/app:v2", "--cache-from=r.io/app:v1", "--update-index", "--tool=skopeo", "-j2"],
    {
      pushImage: (given) => {
        request = given;
        return Promise.resolve(pushed);
      },
    },
  );
  const { output: _, ...transient } = { ...defaults, jobs: 2 };
  assertEquals(code, 0);
  assertEquals(request, {
    image: { kind: "build", build: transient },
    destination: parseReference("r.io/app:v2"),
    directory: "/work",
    cacheFrom: parseReference("r.io/app:v1"),
    updateIndex: true,
    tool: "skopeo",
    jobs: 2,
  });
  assertStringIncludes(stdout, "reused npm:prettier 3.6.2 from r.io/app:v1\n");
  assertStringIncludes(
    stdout,
    `pushed ${DIGEST} to r.io/app:v2 (1 uploaded, 2 already present, 3 mounted, 1 reused)\n`,
  );
});

Deno.test("push refuses what cannot be meant", async () => {
  for (
    const [args, why, hint] of [
      [["app:v1"], "no registry host", "docker.io/USER/app:v1"],
      [["ghcr.io"], "no repository", "ghcr.io/NAME:TAG"],
      [["registry.lan:5000"], "no repository", "registry.lan:5000/NAME:TAG"],
      [["r.io/a:1", "--image-dir=x", "--image=y"], "together with --image-dir", "leave one"],
      [["r.io/app:v1", "--cache-from", "r.io/other:v1"], "another repository", "r.io/app"],
      [["r.io/a:1", "--cache-from=r.io/a:0", "--no-cache"], "--cache-from together", "Leave one"],
      [["r.io/a:1", "--image-dir=x", "--from=y"], "--from together with --image-dir", "leave one"],
      [["https://r.io/a"], "no scheme", ""],
    ] as const
  ) {
    const { code, stderr } = await run(["push", ...args], {});
    assertEquals(code, 2);
    assertStringIncludes(stderr, why);
    assertStringIncludes(stderr, hint);
  }
});

Deno.test("C10: run passes everything on unchanged and gives the container's exit code", async () => {
  let request: RunRequest | undefined;
  const command = ["sh", "-c", 'echo "$1"', "--", "-x", "two words", "line\nend", ""];
  const { code, stdout, stderr } = await run([
    ...["run", "-it", "-e", "-A=b", "-e", "TOKEN", "-e", "B=x y\nz", "-w", "/w", "--keep"],
    ...["--volume", ".:/w:ro", "--volume", "data:/d", "--volume", "/a b:/c", "--image-dir", "img"],
    ...["--engine", "docker", "--engine-arg", "--network=none", "--platform=linux/arm64"],
    ...["--", ...command],
  ], {
    runImage: (given) => {
      request = given;
      return Promise.resolve({ exitCode: 37 });
    },
  });
  assertEquals([code, stdout, stderr], [37, "", ""]);
  assertEquals(request, {
    image: {
      kind: "image",
      source: { kind: "guess", text: "img", path: "/work/img" },
      directory: "/work",
      check: "warn",
      platform: { os: "linux", architecture: "arm64" },
    },
    engine: "docker",
    interactive: true,
    tty: true,
    env: ["-A=b", "TOKEN", "B=x y\nz"],
    volumes: ["/work:/w:ro", "data:/d", "/a b:/c"],
    workdir: "/w",
    keep: true,
    engineArgs: ["--network=none"],
    command,
  });
});

Deno.test("run understands docker's everyday flags as docker does, relative paths made absolute", async () => {
  let request: RunRequest | undefined;
  const { code, stderr } = await run([
    ...["run", "-p", "8080:80", "-p80", "--publish=127.0.0.1::53/udp", "--network", "none"],
    ...["-u", "1000:1000", "--name", "web", "--entrypoint", "", "--rm", "--env-file", "some.env"],
    ...["--mount", "type=bind,src=.,target=/w", "--mount", "type=tmpfs,destination=/t"],
    ...["--mount", "source=data,target=/d", "--engine-arg=--init", "node", "-u", "--rm=false"],
  ], {
    runImage: (given) => {
      request = given;
      return Promise.resolve({ exitCode: 0 });
    },
  });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(request?.name, "web");
  assertEquals(request?.command, ["node", "-u", "--rm=false"]);
  assertEquals(request?.engineArgs, [
    "--publish=8080:80",
    "--publish=80",
    "--publish=127.0.0.1::53/udp",
    "--network=none",
    "--user=1000:1000",
    "--entrypoint=",
    "--env-file=/work/some.env",
    "--mount=type=bind,src=/work,target=/w",
    "--mount=type=tmpfs,destination=/t",
    "--mount=source=data,target=/d",
    "--init",
  ]);
});

Deno.test("run -v HOST:CONTAINER and --rm=false are refused with what to do", async () => {
  for (
    const [args, hint] of [
      [["-v", ".:/x", "true"], "--volume .:/x"],
      [["-v", "data:/x:ro", "--", "true"], "--volume data:/x:ro"],
      [["--rm=false", "true"], "mise-oci load"],
    ] as const
  ) {
    const { code, stderr } = await run(["run", ...args], {});
    assertEquals(code, 2);
    assertStringIncludes(stderr, hint);
  }
});

Deno.test("run prints nothing of its own on stdout: --json is refused", async () => {
  const { code, stdout, stderr } = await run(["run", "--json", "--", "true"], {});
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "Cannot use --json with run");
});

Deno.test("load asks for the layout that build writes unless told otherwise", async () => {
  let request: LoadRequest | undefined;
  const { stdout } = await run(["load", "-t", "app:dev", "--engine=podman"], {
    loadImage: (given) => {
      request = given;
      return Promise.resolve({ engine: "podman", image: "localhost/app:dev", digest: DIGEST });
    },
  });
  const source = { kind: "path", location: "/work/mise-oci" } as const;
  assertEquals(request, { source, directory: "/work", engine: "podman", tag: "app:dev" });
  assertEquals(stdout, `loaded ${DIGEST} into podman as localhost/app:dev\n`);
});
