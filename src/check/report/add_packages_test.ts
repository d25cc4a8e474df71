import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MiseOciError } from "../../errors.ts";
import { addPackages } from "./add_packages.ts";

const ATOMIC = { manager: "apt", name: "libatomic1" } as const;
const CURL = { manager: "apt", name: "curl" } as const;

function add(text: string): string {
  return addPackages(text, [ATOMIC, CURL, ATOMIC], "/p/mise.toml");
}

Deno.test("addPackages() adds a table at the end of a file, every other byte as it was", () => {
  const text = "# tools\n[tools]\nnode='24' # pinned\n\n\n";
  assertEquals(
    add(text),
    "# tools\n[tools]\nnode='24' # pinned\n\n[bootstrap.packages]\n" +
      '"apt:libatomic1" = "latest"\n"apt:curl" = "latest"\n',
  );
});

Deno.test("addPackages() adds below the last entry of a table that is there", () => {
  const text = `[ bootstrap . "packages" ] # system
"apt:git" = { version = "latest", os = ["linux/x64"] }
# "apt:old" = "latest"

# tools
[tools]
node = "24"
`;
  assertEquals(
    add(text),
    text.replace('x64"] }\n', 'x64"] }\n"apt:libatomic1" = "latest"\n"apt:curl" = "latest"\n'),
  );
});

Deno.test("addPackages() adds to a table without entries, and only what is not there", () => {
  assertEquals(
    add('[bootstrap.packages]\n\n[env]\nA = "1"\n'),
    '[bootstrap.packages]\n"apt:libatomic1" = "latest"\n"apt:curl" = "latest"\n\n[env]\nA = "1"\n',
  );
  assertEquals(
    add('[bootstrap.packages]\n"apt:curl" = "7.*"'),
    '[bootstrap.packages]\n"apt:curl" = "7.*"\n"apt:libatomic1" = "latest"',
  );
  const both = '[bootstrap.packages]\n"apt:curl" = "7.*"\n"apt:libatomic1" = "latest"\n';
  assertEquals(add(both), both);
});

Deno.test("addPackages() keeps a byte order mark", () => {
  assertEquals(add("\ufeff[bootstrap.packages]\n").charCodeAt(0), 0xfeff);
  assertEquals(add("\ufeff[tools]\n").slice(1), add("[tools]\n"));
});

Deno.test("addPackages() keeps Windows line ends, and makes a file of an empty one", () => {
  assertEquals(
    add('[tools]\r\nnode = "24"\r\n'),
    '[tools]\r\nnode = "24"\r\n\r\n[bootstrap.packages]\r\n' +
      '"apt:libatomic1" = "latest"\r\n"apt:curl" = "latest"\r\n',
  );
  assertEquals(add("").split("\n")[0], "[bootstrap.packages]");
});

Deno.test("addPackages() refuses forms to which no line can be added, and says what to add", () => {
  for (
    const text of [
      'bootstrap.packages."apt:git" = "1"\n',
      '[bootstrap]\npackages = { "apt:git" = "1" }\n',
      'bootstrap = { packages = { "apt:git" = "1" } }\n',
      '[env]\nA = """\n[bootstrap.packages]\n"""\n',
    ]
  ) {
    const error = assertThrows(
      () => add(text),
      MiseOciError,
      'Cannot add packages to "/p/mise.toml"',
    );
    assertStringIncludes(error.hint ?? "", '"apt:libatomic1" = "latest"');
  }
});
