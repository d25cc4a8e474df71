import { assert, assertEquals, assertNotMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { MiseOciError } from "../../errors.ts";
import type { Credentials } from "../credentials_type.ts";
import { findCredentials } from "./find_credentials.ts";
import { encodeBase64Utf8, writeHelper } from "../../../tests/support/credential_helper.ts";
import type { HelperResult } from "./helper.ts";

interface Outcome {
  readonly found: Credentials | undefined;
  readonly warnings: string[];
  readonly details: string[];
  readonly asked: string[];
}

interface Setup {
  /** Path to content; objects are written as JSON. */
  readonly files?: Readonly<Record<string, unknown>>;
  /** `PROGRAM SERVER` to answer; everything else fails. */
  readonly helpers?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

const ENV = {
  REGISTRY_AUTH_FILE: "/1",
  XDG_RUNTIME_DIR: "/2",
  XDG_CONFIG_HOME: "/3",
  DOCKER_CONFIG: "/4",
};
const PATHS = ["/1", "/2/containers/auth.json", "/3/containers/auth.json", "/4/config.json"];

async function find(target: string, setup: Setup): Promise<Outcome> {
  const { files = {}, helpers = {}, env = ENV } = setup;
  const outcome = { warnings: [] as string[], details: [] as string[], asked: [] as string[] };
  const found = await findCredentials(target, {
    env: (name) => (env as Record<string, string>)[name],
    uid: 12345,
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) return Promise.resolve(undefined);
      const text = typeof content === "string" ? content : JSON.stringify(content);
      return Promise.resolve(new TextEncoder().encode(text));
    },
    run: (program, server): Promise<HelperResult> => {
      outcome.asked.push(`${program} ${server}`);
      const answer = helpers[`${program} ${server}`];
      return Promise.resolve({
        kind: "exited",
        code: answer === undefined ? 1 : 0,
        stdout: new TextEncoder().encode(JSON.stringify(answer ?? "")),
      });
    },
    warn: (text) => outcome.warnings.push(text),
    detail: (text) => outcome.details.push(text),
  });
  return { found, ...outcome };
}

Deno.test("a directory below /run that is closed to the user is no reason for a warning, an auth file of theirs is", async () => {
  for (
    const [path, expected] of [["/run/containers/12345/auth.json", []], ["/4/config.json", [1]]]
  ) {
    const warnings: number[] = [];
    const found = await findCredentials("quay.io/team/app", {
      env: (name) => name === "DOCKER_CONFIG" ? "/4" : undefined,
      uid: 12345,
      readFile: (asked) =>
        asked === path
          ? Promise.reject(new MiseOciError("permission", "closed"))
          : Promise.resolve(undefined),
      warn: () => warnings.push(1),
    });
    assertEquals([found, warnings], [undefined, expected]);
  }
});

const auth = (user: string, password = "pw"): unknown => ({
  auth: encodeBase64Utf8(`${user}:${password}`),
});
const login = (username: string, password = "pw"): Credentials => ({
  kind: "basic",
  username,
  password,
});

Deno.test("A12: the files count in order, the first that has the registry wins", async () => {
  const files: Record<string, unknown> = {};
  for (const [i, path] of PATHS.entries()) files[path] = { auths: { "r.io": auth(`user${i}`) } };
  for (const [i, path] of PATHS.entries()) {
    assertEquals((await find("r.io/a/b", { files })).found, login(`user${i}`));
    files[path] = { auths: { "other.io": auth("other") } };
  }
  assertEquals((await find("r.io/a/b", { files })).found, undefined);
});

Deno.test("A07: nothing stored for a registry means anonymous, never another one's", async () => {
  const files = { "/1": { auths: { "docker.io": auth("hub"), "r.io:5000": auth("port") } } };
  assertEquals((await find("r.io/a", { files })).found, undefined);
});

Deno.test("in a file credHelpers come first, then auths, then credsStore", async () => {
  const helper = { Username: "helper", Secret: "pw" };
  const store = { Username: "store", Secret: "pw" };
  const file = {
    credHelpers: { "r.io": "h" },
    auths: { "r.io": auth("auths") },
    credsStore: "s",
  };
  const setup = (helpers: Record<string, unknown>, content: unknown): Setup => ({
    files: { "/1": content },
    helpers,
  });
  const both = { "docker-credential-h r.io": helper, "docker-credential-s r.io": store };
  assertEquals((await find("r.io/a", setup(both, file))).found, login("helper"));
  assertEquals((await find("r.io/a", setup({}, file))).found, login("auths"));
  const empty = { ...file, auths: { "r.io": {} } };
  const onlyStore = { "docker-credential-s r.io": store };
  assertEquals((await find("r.io/a", setup(onlyStore, empty))).found, login("store"));
});

Deno.test("Docker Hub is asked of a helper under docker's name and then podman's", async () => {
  const { found, asked } = await find("docker.io/library/debian", {
    files: { "/1": { credsStore: "s" } },
    helpers: { "docker-credential-s docker.io": { Username: "<token>", Secret: "refresh" } },
  });
  assertEquals(asked, [
    "docker-credential-s https://index.docker.io/v1/",
    "docker-credential-s docker.io",
  ]);
  assertEquals(found, { kind: "identity", token: "refresh" });
});

Deno.test("A12: malformed files are warned about and passed over", async () => {
  const good = { auths: { "r.io": auth("good") } };
  for (
    const bad of [
      "",
      "not json SENTINEL",
      '\ufeff{"auths":{}}',
      "[]",
      '{"auths": []}',
      '{"auths": {"r.io": {"auth": "SENTINEL!"}}}',
      '{"auths": {}, "auths": {}}',
      `{"x": "${"y".repeat(2_000_000)}"}`,
    ]
  ) {
    const { found, warnings } = await find("r.io/a", { files: { "/1": bad, [PATHS[1]!]: good } });
    assertEquals(found, login("good"));
    assertEquals(warnings.length, 1, bad.slice(0, 40));
    assertNotMatch(warnings.join(), /SENTINEL/);
  }
});

Deno.test("a named REGISTRY_AUTH_FILE that is missing is worth a warning, others are not", async () => {
  const { warnings } = await find("r.io/a", {});
  assertEquals(warnings, ['No credentials in "/1": there is no such file']);
});

Deno.test("A09: a refused helper's name is a warning and the search goes on", async () => {
  const files = { "/1": { credHelpers: { "r.io": "../x" }, auths: { "r.io": auth("auths") } } };
  const { found, warnings, asked } = await find("r.io/a", { files });
  assertEquals(found, login("auths"));
  assertEquals(asked, []);
  assert(warnings[0]?.includes('"../x"'), warnings.join());
});

Deno.test("A08: junk from a helper falls through to the next source", async () => {
  const files = { "/1": { credHelpers: { "r.io": "h" }, auths: { "r.io": auth("auths") } } };
  for (const junk of [["SENTINEL"], { Secret: 5 }, "SENTINEL", {}]) {
    const outcome = await find("r.io/a", { files, helpers: { "docker-credential-h r.io": junk } });
    assertEquals(outcome.found, login("auths"));
    assertNotMatch(outcome.details.join(), /SENTINEL/);
  }
});

Deno.test("A10: a registry name that a helper could misread is refused, no helper runs", async () => {
  for (const target of ["a\nhost", "a host", "a\0", "", "u:p@host/x", "https://r.io"]) {
    await assertRejects(() => findCredentials(target), MiseOciError, "Cannot look up");
  }
});

Deno.test("A15: what is reported names sources and no secret", async () => {
  const { details, warnings } = await find("r.io/a", {
    files: { "/1": { auths: { "r.io": auth("me", "SENTINEL") } } },
  });
  assertEquals(warnings, []);
  assertEquals(details, ['Credentials for "r.io/a" from entry "r.io" of "/1"']);
});

Deno.test({
  name:
    "A12: a directory, a FIFO, an unreadable and a 50 MiB file are warned about and passed over",
  ignore: Deno.build.os === "windows", // There are no FIFOs.
  fn: async () => {
    const directory = await Deno.makeTempDir();
    try {
      const docker = join(directory, "config.json");
      await Deno.writeTextFile(docker, JSON.stringify({ auths: { "r.io": auth("good") } }));
      await Deno.mkdir(join(directory, "dir"));
      await new Deno.Command("mkfifo", { args: [join(directory, "fifo")] }).output();
      await Deno.writeTextFile(join(directory, "big"), "");
      await Deno.truncate(join(directory, "big"), 50 * 1024 * 1024);
      await Deno.symlink("loop", join(directory, "loop"));
      for (const name of ["dir", "fifo", "big", "loop"]) {
        const warnings: string[] = [];
        const env: Record<string, string> = {
          REGISTRY_AUTH_FILE: join(directory, name),
          DOCKER_CONFIG: directory,
        };
        const found = await findCredentials("r.io/a", {
          env: (key) => env[key],
          uid: 12345,
          warn: (text) => warnings.push(text),
        });
        assertEquals(found, login("good"), name);
        assertEquals(warnings.length, 1, name);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "a real helper on PATH is asked, and aborting the signal ends the search",
  ignore: Deno.build.os === "windows", // The fake helpers are shell scripts.
  fn: async () => {
    const directory = await Deno.makeTempDir();
    try {
      await writeHelper(
        directory,
        "fake",
        'read -r host; printf \'{"Username":"me","Secret":"for %s"}\' "$host"',
      );
      await writeHelper(directory, "slow", "sleep 5");
      const env: Record<string, string> = { DOCKER_CONFIG: directory, PATH: directory };
      const config = join(directory, "config.json");
      await Deno.writeTextFile(config, '{"credHelpers":{"r.io":"fake","slow.io":"slow"}}');
      const options = { env: (key: string): string | undefined => env[key], uid: 12345 };
      assertEquals(await findCredentials("r.io/a", options), login("me", "for r.io"));
      const controller = new AbortController();
      const search = findCredentials("slow.io/a", { ...options, signal: controller.signal });
      const rejected = assertRejects(() => search, Error, "stop now");
      setTimeout(() => controller.abort(new Error("stop now")), 50);
      await rejected;
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
