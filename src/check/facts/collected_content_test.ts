/** A reader that notes how many bytes it gets of each file. */
import { assertEquals, assertThrows } from "@std/assert";
import { tar } from "../../../tests/support/tar_fixture.ts";
import { TarParser } from "../../tar/parser.ts";
import { ContentCollector, type EntryReader } from "./collected_content.ts";

function counting(
  got: string[],
  options: { readonly needed: number; readonly optional?: true },
): EntryReader {
  const { needed, optional } = options;
  return {
    entry: ({ path, type }) =>
      type !== "file" ? undefined : {
        needed: () => needed,
        ...(optional === undefined ? {} : { optional }),
        take: (access) => {
          const bytes = access.read(0, access.size);
          got.push(`${path} ${bytes.length} of ${access.size}, ${new Set(bytes).size} values`);
        },
      },
  };
}

function read(readers: readonly EntryReader[], makeTempFile?: () => string): void {
  const files = [
    { name: "empty", content: new Uint8Array() },
    { name: "small", content: new Uint8Array(512).fill(1) },
    { name: "middle", content: new Uint8Array(200_000).fill(2) },
    { name: "large", content: new Uint8Array(9 * 1024 * 1024).fill(3) },
    { name: "last", content: new Uint8Array(513).fill(4) },
  ];
  using collector = makeTempFile === undefined
    ? new ContentCollector(readers)
    : new ContentCollector(readers, makeTempFile);
  const parser = new TarParser(collector);
  const archive = tar(...files);
  for (let at = 0; at < archive.length; at += 1000) parser.push(archive.subarray(at, at + 1000));
  parser.finish();
}

const WHOLE = [
  "empty 0 of 0, 0 values",
  "small 512 of 512, 1 values",
  "middle 200000 of 200000, 1 values",
  "large 9437184 of 9437184, 1 values",
  "last 513 of 513, 1 values",
];

Deno.test("ContentCollector gives each reader what it needs, whatever other readers need", () => {
  const [whole, beginning]: [string[], string[]] = [[], []];
  read([counting(beginning, { needed: 0 }), counting(whole, { needed: Infinity })]);
  assertEquals(whole, WHOLE);
  assertEquals(beginning, [
    "empty 0 of 0, 0 values",
    "small 512 of 512, 1 values",
    "middle 512 of 200000, 1 values",
    "large 512 of 9437184, 1 values",
    "last 512 of 513, 1 values",
  ]);
  const alone: string[] = [];
  read([counting(alone, { needed: 0 })]);
  assertEquals(alone, beginning);
  const lines: string[] = [];
  read([counting(lines, { needed: 1000 }), counting([], { needed: 0 })]);
  assertEquals(lines.slice(2), [
    "middle 1000 of 200000, 1 values",
    "large 1000 of 9437184, 1 values",
    "last 513 of 513, 1 values",
  ]);
});

Deno.test("ContentCollector fails without a temporary file only if a reader needs one", () => {
  const got: string[] = [];
  const fail = (): string => {
    throw new Deno.errors.PermissionDenied();
  };
  read([counting(got, { needed: Infinity, optional: true })], fail);
  assertEquals(got, WHOLE.filter((line) => !line.startsWith("large")));
  const required = counting([], { needed: Infinity });
  assertThrows(() => read([required], fail), Deno.errors.PermissionDenied);
});
