import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseMountPoint } from "../../oci/image_path.ts";
import { MiseOciError } from "../../errors.ts";
import type { OciSection } from "../../plan/project.ts";
import { parseConfigFile } from "../config_file.ts";
import { pathWarnings } from "../environment.ts";
import { maybeOciError, mergeOci, parseOciTables } from "./oci_section.ts";
import { parseBase } from "../../oci/mod.ts";

/** Merges `[oci]` of files at `/p/a/…`, least specific first. */
function merge(...texts: readonly string[]): OciSection {
  const files = texts.map((text, i) => parseConfigFile(`/p${"/a".repeat(i)}/mise.toml`, text));
  return mergeOci(parseOciTables(files));
}

function failure(text: string): MiseOciError {
  const error = assertThrows(() => merge(text), MiseOciError);
  assertEquals(error.code, "config");
  return error;
}

Deno.test("parseOciTables() reads every key of [oci]", () => {
  const section = merge(`
[oci]
from = "debian:12"
tag = "app:1"
workdir = "/srv"
entrypoint = ["bash", "-l"]
cmd = []
user = "app"
user_id = 1000
group_id = 1001
mount_point = "/opt/mise"
[[oci.copy]]
host = "dist/app"
image = "/usr/local/bin/app"
[oci.env]
NODE_ENV = "production"
[oci.labels]
"org.example.key" = "v"
`);
  assertEquals(section, {
    from: parseBase("debian:12"),
    tag: "app:1",
    workdir: "/srv",
    entrypoint: ["bash", "-l"],
    cmd: [],
    user: "app",
    userId: 1000,
    groupId: 1001,
    mountPoint: parseMountPoint("/opt/mise"),
    copy: [{ host: "/p/dist/app", image: "/usr/local/bin/app" }],
    env: { NODE_ENV: "production" },
    labels: { "org.example.key": "v" },
    allowEnv: [],
    dropEnv: [],
  });
});

Deno.test("parseOciTables() reads mise-oci's own keys from [oci] and from [_.oci], the latter winning", () => {
  const section = merge(`
[oci]
tag = "a:1"
allow_env = ["A"]
[oci.env]
X = "1"
Y = "1"
[_.oci]
tag = "b:1"
drop_env = ["D"]
compression = "zstd:9"
exclude = ["**/*.md"]
[_.oci.env]
X = "2"
`);
  assertEquals(section.tag, "b:1");
  assertEquals(section.allowEnv, ["A"]);
  assertEquals(section.dropEnv, ["D"]);
  assertEquals(section.compression, { kind: "zstd", level: 9 });
  assertEquals(section.exclude, ["**/*.md"]);
  assertEquals(section.env, { X: "2", Y: "1" });
});

Deno.test("mergeOci() lets the most specific file win field by field, env and labels key by key", () => {
  const section = merge(
    `[oci]\nfrom = "a"\ntag = "a:1"\ncmd = ["a"]\n[oci.env]\nA = "1"\nB = "1"\n[oci.labels]\nl = "1"`,
    `[oci]\nfrom = "b"\ncmd = []\n[oci.env]\nB = "2"\n[oci.labels]\nm = "2"`,
  );
  assertEquals([section.from?.text, section.tag, section.cmd], ["b", "a:1", []]);
  assertEquals(section.env, { A: "1", B: "2" });
  assertEquals(section.labels, { l: "1", m: "2" });
});

Deno.test("mergeOci() puts copies of less specific files first, each relative to its own file", () => {
  const entry = (host: string): string => `[[oci.copy]]\nhost = "${host}"\nimage = "/same"\n`;
  assertEquals(merge(entry("x"), entry("../y"), entry("/abs")).copy, [
    { host: "/p/x", image: "/same" },
    { host: "/p/y", image: "/same" },
    { host: "/abs", image: "/same" },
  ]);
});

Deno.test("mergeOci() does not inherit group_id into a file that sets user_id alone", () => {
  const parent = "[oci]\nuser_id = 1\ngroup_id = 2";
  assertEquals(merge(parent, "[oci]\nuser_id = 5").groupId, undefined);
  assertEquals(merge(parent, "[oci]\nuser_id = 5").userId, 5);
  assertEquals(merge(parent, "[oci]\nuser_id = 5\ngroup_id = 6").groupId, 6);
  assertEquals(merge(parent, "[oci]\ngroup_id = 7"), { ...merge(parent), groupId: 7 });
  assertEquals(merge(parent, "[oci]\nuser_id = 5", "[oci]\ntag = 'x'").groupId, undefined);
  assertEquals(merge("[oci]\ngroup_id = 2", "[oci]\ntag = 'x'").groupId, 2);
});

Deno.test("C06: an unknown key of [oci] names the file, the line, the key and the nearest known key", () => {
  const error = failure('[tools]\n[oci]\ntag = "x"\nentrypont = ["sh"]\n');
  assertEquals(error.message, 'Unknown key "oci.entrypont" in "/p/mise.toml:4"');
  assertEquals(error.hint, 'Did you mean "entrypoint"?');
  assertStringIncludes(failure("[oci]\nzzzzzzzzzz = 1").hint ?? "", "Known keys are from, tag");
  assertStringIncludes(failure("[oci]\nconstructor = 1").message, "constructor");
});

Deno.test("C06: a wrong type in [oci] names the file, the line, the key and what is expected", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["from = 1", "a string expected, not the number 1"],
    ['from = ""', "it is empty"],
    ['entrypoint = "sh"', "an array of strings expected, not a string"],
    ["cmd = [1]", "it holds the number 1"],
    ['user_id = "1"', "a whole number from 0 to 4294967295 expected, not a string"],
    ["user_id = -1", "expected, not the number -1"],
    ["group_id = 4294967296", "expected, not the number 4294967296"],
    ["group_id = 1.5", "not a number with a fraction"],
    ['mount_point = "mise"', "is not absolute"],
    ["env = []", "a table of strings expected, not an array"],
    ["labels = 2020-01-01", "a table of strings expected, not a date"],
    ["copy = { host = 'a', image = '/b' }", "[[oci.copy]] with host and image"],
    ["copy = [{ host = 'a' }]", "entry 1: image must be a path"],
    ["copy = [{ host = '', image = '/b' }]", "entry 1: host must be a path"],
    ["copy = [{ host = 'a', image = '/b', mode = 1 }]", 'entry 1: unknown key "mode"'],
    ["copy = [{ host = 'a', image = 'b' }]", "is not absolute"],
    ["copy = [{ host = 'a', image = '//' }]", "is the root"],
    ["copy = [{ host = 'a', image = '/b/../c' }]", 'has a "." or ".."'],
    ["compression = 'brotli'", 'cannot use compression "brotli": there is no such format'],
    ["compression = 'gzip:10'", '"10" is not a level of gzip'],
    ["compression = 1", "a string expected, not the number 1"],
    ['from = "A:b"', "a repository name is lower case"],
    ['from = "oci:"', "the path is empty"],
    ['tag = "a b"', "it contains white space"],
    [`tag = "a@sha256:${"0".repeat(64)}"`, "it has a digest"],
    ['workdir = "srv"', "an absolute path of the image expected"],
    ['user = "a b"', 'maybe with ":GROUP"'],
    ['user = "a:b:c"', 'maybe with ":GROUP"'],
    ['mount_point = "/a:b"', "a colon"],
    ['mount_point = "/a/../b"', 'contains "." or ".."'],
    ['mount_point = "/"', "is the root"],
    ['mount_point = "/usr"', "is a directory of the system"],
    ["copy = [{ host = 'a', image = '/proc/x' }]", "containers mount their own there"],
    ["task_tools = 'yes'", "true or false expected"],
    ['cmd = ["a\\u0000"]', "a NUL character"],
    ['workdir = "/a\\u0000"', "a NUL character"],
    ['env.A = "a\\u0000"', "a NUL character"],
    ["exclude = ['*.map', '']", '"" names nothing'],
    ["exclude = ['!keep']", '"!keep": a glob cannot be negated'],
    ["exclude = ['../x']", "leads out of the tool or copy"],
    ["allow_env = 'A'", "an array of strings expected"],
  ];
  for (const [line, expected] of cases) {
    const { message } = failure(`[oci]\n${line}\n`);
    assertStringIncludes(message, expected);
    assertStringIncludes(message, '"/p/mise.toml:2"');
  }
  assertStringIncludes(failure("oci = 1").message, "a table expected");
});

Deno.test("a relative base starts at the file that names it, as a copy does", () => {
  const bases = ["oci:./base:v1", "oci-archive:../b.tar", "oci:/abs", "debian:12", "scratch"];
  assertEquals(bases.map((from) => merge("", `[oci]\nfrom = "${from}"\n`).from?.text), [
    "oci:/p/a/base:v1",
    "oci-archive:/p/b.tar",
    "oci:/abs",
    "debian:12",
    "scratch",
  ]);
});

Deno.test("C06: a value of [oci] that cannot be parsed keeps the hint", () => {
  assertEquals(
    failure('[oci]\nfrom = "dir:/base"\n').hint,
    "Copy it first: skopeo copy dir:/base oci-archive:FILE, then name oci-archive:FILE",
  );
  assertEquals(failure('[_.oci]\ncompression = "gzip:10"\n').hint, "Levels of gzip are 1 to 9");
});

Deno.test("C06: only what quotes would help is told to be put in quotes", () => {
  const said = (value: string): string => failure(`[oci.env]\nA = ${value}\n`).message;
  assertStringIncludes(said("1"), "not the number 1; put it in quotes");
  assertStringIncludes(said("true"), "put it in quotes");
  assertEquals(said("[1]").endsWith("not an array"), true);
});

Deno.test("pathWarnings() names what _.path adds, unless the project says what PATH is", () => {
  const file = (env: string) => parseConfigFile("/p/mise.toml", env);
  const said = (text: string, oci = merge("")): string =>
    pathWarnings([file(text)], oci).join("\n");
  const list = '[env]\n_.path = ["./bin", "{{config_root}}/x"]\n';
  assertStringIncludes(said(list), '"/p/mise.toml" ("./bin", "{{config_root}}/x")');
  assertStringIncludes(
    said(list),
    'Write PATH = "/workspace/bin:/workspace/x:$PATH" under [oci.env]',
  );
  assertStringIncludes(said('[[env]]\nA = "1"\n[[env]]\n_.path = "b"\n'), '("b")');
  assertStringIncludes(said('[env]\n_.path = { path = ["c"], tools = true }\n'), '("c")');
  assertEquals(said('[env]\nA = "1"\n_.file = ".env"\n'), "");
  assertEquals(said(list, merge('[oci.env]\nPATH = "/bin"\n')), "");
  assertEquals(said(list, merge('[_.oci]\ndrop_env = ["PATH"]\n')), "");
});

Deno.test("C06: a value of [oci.env] that is no string names the variable, never its value", () => {
  const { message } = failure("[oci.env]\nPORT = 8080\n");
  assertStringIncludes(message, '"oci.env.PORT" in "/p/mise.toml:2"');
  assertEquals(message.includes("put it in quotes"), true);
  assertStringIncludes(failure('[oci.env]\n"A=B" = "x"').message, 'a name has no "="');
});

Deno.test("parseOciTables() removes double and trailing slashes of image paths", () => {
  const copy = merge('[[oci.copy]]\nhost = "a"\nimage = "/srv//app/"').copy;
  assertEquals(copy[0]?.image, "/srv/app");
});

Deno.test("maybeOciError() tells where keys go that mise refuses and mise-oci knows", () => {
  const file = parseConfigFile("/p/mise.toml", '[oci]\nallow_env = ["A"]\n');
  const error = maybeOciError(file, "unknown field `allow_env`, expected one of `from`");
  assertStringIncludes(error?.message ?? "", '"oci.allow_env" in "/p/mise.toml:2"');
  assertStringIncludes(error?.hint ?? "", "[_.oci]");
});

Deno.test("maybeOciError() leaves alone what is no matter of [oci]", () => {
  const file = parseConfigFile("/p/mise.toml", '[tools]\n[oci]\ntag = "x"\n');
  assertEquals(maybeOciError(file, "unknown field `allow_env`"), undefined);
  assertEquals(maybeOciError(parseConfigFile("/p/x.toml", ""), "anything"), undefined);
});

Deno.test("parseOciTables() reads annotations, ports, volumes, stop signal and health check as docker writes them", () => {
  const section = merge(`
[_.oci]
expose = [8080, "53/udp", "9000-9001"]
volumes = ["/data/"]
stop_signal = "SIGINT"
[_.oci.annotations]
"org.opencontainers.image.title" = "app"
[_.oci.healthcheck]
cmd = "curl -f localhost:8080"
interval = "1m30s"
timeout = "500ms"
retries = 3
`);
  assertEquals(section.expose, ["8080/tcp", "53/udp", "9000/tcp", "9001/tcp"]);
  assertEquals(section.volumes, ["/data"]);
  assertEquals(section.stopSignal, "SIGINT");
  assertEquals(section.annotations, { "org.opencontainers.image.title": "app" });
  assertEquals(section.healthcheck, {
    test: ["CMD-SHELL", "curl -f localhost:8080"],
    interval: 90e9,
    timeout: 500e6,
    retries: 3,
  });
  assertEquals(merge('[_.oci]\nhealthcheck = { cmd = ["a", "b"] }').healthcheck, {
    test: ["CMD", "a", "b"],
  });
  assertEquals(merge('[_.oci]\nhealthcheck = { cmd = "none" }').healthcheck, { test: ["NONE"] });
});

Deno.test("C06: wrong ports, volumes, signals and health checks say what to write", () => {
  for (
    const [text, message, hint] of [
      ["expose = [0]", '"0" is not a port', "8000-8010"],
      ["expose = ['70000']", '"70000" is not a port', "8000-8010"],
      ["expose = ['80:80']", '"80:80" is not a port', "8000-8010"],
      ["expose = ['20-10']", '"20-10" is not a port', "8000-8010"],
      ["volumes = ['data']", "is not absolute", undefined],
      ["stop_signal = 'TERM'", '"TERM" is not a signal', "SIGINT"],
      ["healthcheck = 'curl'", "a table expected", "cmd ="],
      ["healthcheck = { test = 'curl' }", 'unknown key "test"', "cmd, interval"],
      ["healthcheck = { interval = '1s' }", "cmd is missing", undefined],
      ["healthcheck = { cmd = 'a', interval = '5' }", '"5" is not a duration', "1m30s"],
      ["healthcheck = { cmd = 'a', retries = -1 }", "a whole number", undefined],
    ] as const
  ) {
    const error = failure(`[_.oci]\n${text}`);
    assertStringIncludes(error.message, message);
    if (hint !== undefined) assertStringIncludes(error.hint ?? "", hint);
  }
});
