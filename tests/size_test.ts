import { assertEquals } from "@std/assert";
import plugin, { MAX_FILE_LINES, MAX_FUNCTION_LINES } from "../scripts/lint/size_plugin.ts";

/** What the rules say about a module, by rule name. */
function lint(source: string): string[] {
  return Deno.lint.runPlugin(plugin, "x.ts", source).map((diagnostic) => diagnostic.id);
}

function functionOf(lines: number, comment = ""): string {
  return `export function f(): void {\n${comment}${"  g();\n".repeat(lines - 2)}}\n`;
}

Deno.test("function-size accepts the longest function and refuses one line more", () => {
  assertEquals(lint(functionOf(MAX_FUNCTION_LINES)), []);
  assertEquals(lint(functionOf(MAX_FUNCTION_LINES + 1)), ["mise-oci/function-size"]);
});

Deno.test("function-size looks at arrow functions and methods too", () => {
  const body = "  g();\n".repeat(MAX_FUNCTION_LINES);
  assertEquals(lint(`const f = () => {\n${body}};\n`), ["mise-oci/function-size"]);
  assertEquals(lint(`class A { f() {\n${body}} }\n`), ["mise-oci/function-size"]);
});

Deno.test("function-size accepts a longer function that says why", () => {
  const why = "// Longer than 60 lines: one table\n";
  assertEquals(lint(functionOf(MAX_FUNCTION_LINES + 9, why)), []);
  assertEquals(lint(`${why}${functionOf(MAX_FUNCTION_LINES + 9)}`), []);
  const noReason = functionOf(MAX_FUNCTION_LINES + 9, "// Longer than 60 lines\n");
  assertEquals(lint(noReason), ["mise-oci/function-size"]);
});

Deno.test("file-size accepts the longest file and refuses one line more", () => {
  assertEquals(lint("g();\n".repeat(MAX_FILE_LINES)), []);
  assertEquals(lint("g();\n".repeat(MAX_FILE_LINES + 1)), ["mise-oci/file-size"]);
  assertEquals(lint(`// Longer than 400 lines: data\n${"g();\n".repeat(MAX_FILE_LINES)}`), []);
});
