import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { setTomlString } from "./toml_edit.ts";

const PIN = "debian:12@sha256:aa";

Deno.test("setTomlString() changes the value alone, however it is written", () => {
  const cases: readonly (readonly [before: string, after: string])[] = [
    ['[oci]\nfrom="debian:12"# c\ntag = "x"\n', `[oci]\nfrom="${PIN}"# c\ntag = "x"\n`],
    ["oci.from = 'debian:12'\r\n", `oci.from = '${PIN}'\r\n`],
    ['oci = { from = "debian:12", tag = "x" }', `oci = { from = "${PIN}", tag = "x" }`],
    ['\ufeff[oci]\r\nfrom = "debian:12" # c\r\n', `\ufeff[oci]\r\nfrom = "${PIN}" # c\r\n`],
    ['["oci"]\n"from" = """debian:12"""\n', `["oci"]\n"from" = "${PIN}"\n`],
    [
      'x = "[oci]"\n\n[oci]\n  from  =  "d" \n\n[z]\n',
      `x = "[oci]"\n\n[oci]\n  from  =  "${PIN}" \n\n[z]\n`,
    ],
  ];
  for (const [before, after] of cases) {
    assertEquals(setTomlString(before, ["oci", "from"], PIN), after);
    assertEquals(setTomlString(after, ["oci", "from"], PIN), after);
  }
});

Deno.test("setTomlString() finds packages in tables of both forms", () => {
  const path = ["bootstrap", "packages", "apt:curl"];
  assertEquals(
    setTomlString('[bootstrap.packages]\n"apt:curl" = "latest"\n', path, "7.88"),
    '[bootstrap.packages]\n"apt:curl" = "7.88"\n',
  );
  assertEquals(
    setTomlString('[bootstrap]\npackages = {"apt:curl"="latest"}\n', path, "7.88"),
    '[bootstrap]\npackages = {"apt:curl"="7.88"}\n',
  );
});

Deno.test("setTomlString() refuses what is no string, or is not there", () => {
  for (const text of ["", "[oci]\nfrom = 1\n", "[[oci]]\nfrom = 'x'\n"]) {
    assertThrows(() => setTomlString(text, ["oci", "from"], PIN), MiseOciError, "oci.from");
  }
});
