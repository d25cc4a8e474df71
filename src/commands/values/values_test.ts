import { assertEquals, assertThrows } from "@std/assert";
import { BUILD_FLAGS } from "../flags/build.ts";
import { MiseOciError } from "../../errors.ts";
import { parseImageName } from "../../oci/reference.ts";
import {
  parseOtherOutput,
  parseOutput,
  parseOutputFile,
  parseOwner,
  parseReportFile,
} from "./build.ts";
import { parseDestination } from "./image.ts";
import { parseByteSize, parseDuration, parseJobs } from "./numbers.ts";

function refuses(parse: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts) {
    const error = assertThrows(() => parse(text), MiseOciError, undefined, text);
    assertEquals(error.code, "usage", text);
  }
}

Deno.test("parseByteSize() takes powers of 1000 and 1024", () => {
  for (
    const [text, bytes] of [
      ["0", 0],
      ["500B", 500],
      ["1k", 1000],
      ["1kB", 1000],
      ["1 KiB", 1024],
      ["1.5GB", 1.5e9],
      ["2GiB", 2 ** 31],
      ["10 gb", 1e10],
      ["3T", 3e12],
      ["7bytes", 7],
    ] as const
  ) assertEquals(parseByteSize(text), bytes, text);
  refuses(parseByteSize, [
    "",
    "500",
    "1.5",
    "-1",
    "x",
    "1XB",
    "1iB",
    "1e9",
    "GB",
    "99999P",
    "1.2.3",
    "1 k B",
  ]);
});

Deno.test("parseDuration() takes seconds to weeks", () => {
  for (
    const [text, milliseconds] of [
      ["0s", 0],
      ["90s", 90_000],
      ["1.5h", 5_400_000],
      ["7d", 604_800_000],
      ["2w", 1_209_600_000],
      ["1h30m", 5_400_000],
    ] as const
  ) assertEquals(parseDuration(text), milliseconds, text);
  refuses(parseDuration, ["", "7", "d", "-1d", "1y", "1 d", "1d 2h", "1.d"]);
});

Deno.test("L18: parseOwner() takes ids of 32 bits and nothing else", () => {
  assertEquals(parseOwner("0"), { uid: 0, gid: 0 });
  assertEquals(parseOwner("4294967295:2097152"), { uid: 4294967295, gid: 2097152 });
  refuses(parseOwner, [
    "",
    ":",
    "1:",
    ":1",
    "-1",
    "1:2:3",
    "4294967296",
    "0:4294967296",
    "root",
    "1 ",
  ]);
});

Deno.test("parseJobs() takes 1 to 1024", () => {
  assertEquals([parseJobs("1"), parseJobs("1024")], [1, 1024]);
  refuses(parseJobs, ["", "0", "-1", "1.5", "1025", "99999", "all"]);
});

Deno.test("parseImageName() takes a tag or a reference, but no digest", () => {
  for (const text of ["v1", "x:1", "r.io/team/app:v1", "App_1.0"]) {
    assertEquals(parseImageName(text), text);
  }
  refuses(parseImageName, ["", "a b", "-x", "x:", `x@sha256:${"0".repeat(64)}`, "http://x/y"]);
});

Deno.test("parseOutputFile() takes files, and - for stdout", () => {
  const place = { resolve: (path: string): string => `/here/${path}` };
  assertEquals(parseOutputFile("a.tar", place), "/here/a.tar");
  for (const stdout of ["-", "/dev/stdout"]) {
    assertEquals(parseOutputFile(stdout, place), "-");
    assertEquals(parseOtherOutput(stdout, place), undefined);
    refuses((text) => parseReportFile(text, place), [stdout]);
  }
  refuses((text) => parseOutputFile(text, place), [""]);
});

Deno.test("parseDestination() takes docker://, and says what a layout or an archive is for", () => {
  const parsed = parseDestination("docker://r.io/app:1");
  assertEquals(parsed, { registry: "r.io", repository: "app", tag: "1" });
  for (const text of ["oci:out", "./out", "oci-archive:/tmp/a.tar", "docker-archive:a.tar"]) {
    const { hint } = assertThrows(() => parseDestination(text), MiseOciError, "not an image in");
    assertEquals(hint, `For a layout or an archive: mise-oci build -o ${text}`);
  }
});

Deno.test("C01: --from says how to write what was probably meant", () => {
  const place = { resolve: (path: string): string => path };
  for (
    const [text, says] of [
      ["docker-archive:", "docker-archive:PATH"],
      ["dir:/x", "skopeo copy"],
      ["https://ghcr.io/a/b", "Leave https:// out: ghcr.io/a/b"],
    ] as const
  ) {
    const error = assertThrows(() => BUILD_FLAGS.from.convert([text], place), MiseOciError);
    assertEquals(error.hint?.includes(says), true, `${text}: ${error.hint}`);
  }
});

Deno.test("--from makes paths absolute and leaves references alone", () => {
  const place = { resolve: (path: string): string => `/here/${path}` };
  for (
    const [text, result] of [
      ["scratch", "scratch"],
      ["debian:bookworm-slim", "debian:bookworm-slim"],
      ["oci:base", "oci:/here/base"],
      ["oci:base:v1", "oci:/here/base:v1"],
      ["oci:base:ghcr.io/team/dev:v1", "oci:/here/base:ghcr.io/team/dev:v1"],
      ["./base", "/here/./base"],
      ["oci:~/base", "oci:~/base"],
      ["docker-archive:b.tar", "docker-archive:/here/b.tar"],
      ["oci-archive:b.tar", "oci-archive:/here/b.tar"],
    ] as const
  ) assertEquals(BUILD_FLAGS.from.convert([text], place)?.text, result);
  refuses((text) => BUILD_FLAGS.from.convert([text], place), ["", "oci:", "a b", "debian:"]);
});

Deno.test("parseOutput() takes a directory, a layout with a name, and archives", () => {
  const place = { resolve: (path: string): string => `/here/${path}` };
  for (
    const [text, result] of [
      ["out", { output: "/here/out" }],
      ["o:1", { output: "/here/o:1" }],
      ["oci:out", { output: "/here/out" }],
      ["oci:out:team/dev:v1", { output: "/here/out", tag: "team/dev:v1" }],
      ["oci-archive:a.tar:v1", {
        archive: { path: "/here/a.tar", format: "oci-archive" },
        tag: "v1",
      }],
      ["oci-archive:-", { archive: { path: "-", format: "oci-archive" } }],
      ["docker-archive:a.tar", { archive: { path: "/here/a.tar", format: "docker-archive" } }],
    ] as const
  ) assertEquals(parseOutput(text, place), result);
  refuses((text) => parseOutput(text, place), [
    "",
    "-",
    "oci:",
    "oci::v1",
    "oci:d:A B",
  ]);
});
