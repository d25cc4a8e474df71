import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../../errors.ts";
import { dockerignore, parseDockerignore } from "./dockerignore.ts";

function ignores(patterns: readonly string[], path: string): boolean {
  return dockerignore(patterns.flatMap(parseDockerignore), ".dockerignore").ignores(path);
}

/** Patterns, and paths prefixed with `+` if docker leaves them out and `-` if not. */
const CASES: readonly (readonly [patterns: string, paths: string])[] = [
  ["**", "+file +dir/file"],
  ["**/", "+file +dir/file"],
  ["**/**", "+dir/file +file"],
  ["dir/**", "-dir +dir/file +dir/dir2/file -other/dir/file"],
  ["dir/**/", "+dir/file"],
  ["**/dir", "+dir +a/dir +a/dir/file -mydir"],
  ["**/dir2/*", "+dir/dir2/file +dir2/file -dir2"],
  ["**/dir2/**", "+dir/dir2/dir3/file"],
  ["**file", "+file +dir/file +dir/myfile"],
  ["**/file", "+file +dir/dir/file -dir/myfile"],
  ["**/file*", "+dir/file.txt +file"],
  ["**/file*.txt*", "+dir/dir/file.txt +fileX.txtY"],
  ["**/**/*.txt", "+file.txt +a/b/file.txt -file.txt2"],
  ["a**/*.txt", "+a/file.txt +a/dir/dir/file.txt -b/file.txt"],
  ["a/*.txt", "+a/file.txt -a/dir/file.txt"],
  ["a/*.txt**", "+a/file.txt +a/file.txt/x"],
  ["*.md", "+a.md -docs/a.md"],
  ["a[b-d]e", "+ace -ae -aae"],
  ["a[^b-d]e", "+aze -ace"],
  ["[\\]a]", "+] +a -b"],
  ["[\\-x]", "+- +x -a"],
  ["[a-ζ]*", "+α -A"],
  ["a?b", "+a☺b +axb -ab -a/b"],
  ["a???b", "-a☺b"],
  ["a\\*b", "+a*b -axb"],
  ["a\\\\", "+a\\ -a"],
  [".*", "+.foo -foo"],
  ["abc.def", "+abc.def -abcZdef"],
  ["**/.foo", "+.foo +a/.foo -bar.foo"],
  ["a(b)c/d+{x}|$", "+a(b)c/d+{x}|$ -a(b)c/d"],
  ["/docs", "+docs +docs/a -a/docs"],
  ["docs/", "+docs +docs/a -a/docs"],
  ["./docs", "+docs"],
  ["a/../docs", "+docs -a"],
  ["  docs  ", "+docs"],
  ["*\n!README.md", "+a -README.md +docs/README.md"],
  ["docs\n!docs/README.md", "+docs +docs/a -docs/README.md"],
  ["docs/*\n!docs/README.md", "-docs +docs/a -docs/README.md"],
  ["**\n!util/web", "-util/web/foo +util/foo"],
  ["**\n!util/web\nutil/web/foo", "+util/web/foo -util/web/bar"],
  ["!README.md\n*.md", "+README.md"],
  ["*.md\n!README.md\nREADME.md", "+README.md"],
  ["# docs\n #docs", "-docs +#docs"],
  ["\ufeffdocs\r\n\r\n! docs/a", "+docs/b -docs/a"],
  ["", "-a"],
];

Deno.test("dockerignore() leaves out what docker leaves out", () => {
  for (const [patterns, paths] of CASES) {
    for (const path of paths.split(" ")) {
      const expected = path.startsWith("+");
      assertEquals(
        ignores([patterns], path.slice(1)),
        expected,
        `${JSON.stringify(patterns)} ${path}`,
      );
    }
  }
});

Deno.test("dockerignore() refuses what docker refuses, naming pattern and file", () => {
  for (const pattern of ["!", "[", "[^bc", "a[", "[]a]", "[-x]", "[x-]", "[a-b-c]", "a\\"]) {
    const error = assertThrows(
      () => ignores([pattern], "x"),
      MiseOciError,
      ".dockerignore",
      pattern,
    );
    assertEquals(error.code, "config");
  }
});

Deno.test("mayTakeBack() looks below ignored directories only where a pattern can lead", () => {
  const look = (text: string): readonly boolean[] => {
    const { mayTakeBack } = dockerignore(parseDockerignore(text), ".dockerignore");
    return ["node_modules", "docs", "docs/a"].map(mayTakeBack);
  };
  assertEquals(look("*"), [false, false, false]);
  assertEquals(look("*\n!README.md"), [false, false, false]);
  assertEquals(look("*\n!docs/a/b"), [false, true, true]);
  assertEquals(look("*\n!docs/*.md"), [false, true, true]);
  assertEquals(look("*\n!**/*.md"), [true, true, true]);
});
