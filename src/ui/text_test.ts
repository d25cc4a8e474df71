import { assertEquals } from "@std/assert";
import { escapeBlock, escapeLine, fold } from "./text.ts";
import { pad, textWidth, truncate } from "./width.ts";
import { formatBytes, formatDuration } from "./format.ts";
import { renderTable } from "./table.ts";

Deno.test("formatBytes() counts in powers of 1000 with three digits", () => {
  for (
    const [bytes, text] of [
      [0, "0 B"],
      [999, "999 B"],
      [1000, "1.00 kB"],
      [9_994, "9.99 kB"],
      [9_996, "10.0 kB"],
      [99_960, "100 kB"],
      [999_499, "999 kB"],
      [999_500, "1.00 MB"],
      [28_230_000, "28.2 MB"],
      [1_234_000_000, "1.23 GB"],
      [5e18, "5000 PB"],
    ] as const
  ) assertEquals(formatBytes(bytes), text);
});

Deno.test("formatDuration() uses the units that fit", () => {
  for (
    const [seconds, text] of [
      [0, "0.0s"],
      [0.44, "0.4s"],
      [9.94, "9.9s"],
      [9.96, "10s"],
      [59.6, "1m00s"],
      [200, "3m20s"],
      [7500, "2h05m"],
      [9 * 86400, "9d"],
    ] as const
  ) assertEquals(formatDuration(seconds * 1000), text);
});

Deno.test("widths are those of a terminal: wide characters take two columns, accents none", () => {
  assertEquals(textWidth("abc"), 3);
  assertEquals(textWidth("日本"), 4);
  assertEquals(textWidth("e\u0301"), 1);
  assertEquals(truncate("日本語", 5), "日本…");
  assertEquals(truncate("日本語", 4), "日…");
  assertEquals(truncate("abc", 3), "abc");
  assertEquals(truncate("abc", 0), "");
  assertEquals(pad("日", 4) + "|" + pad("7", 3, "right"), "日  |  7");
});

Deno.test("renderTable() aligns columns, leaves empty ones out and escapes what is in cells", () => {
  const columns = [{ title: "NAME" }, { title: "EMPTY" }, {
    title: "SIZE",
    align: "right",
  }] as const;
  assertEquals(renderTable(columns, [["日本", "", "1 B"], ["a\x1b[2J\nb", "", "100 kB"]]), [
    "NAME           SIZE",
    "日本            1 B",
    "a\\x1b[2J\\nb  100 kB",
  ]);
  assertEquals(renderTable(columns, []), ["NAME  EMPTY  SIZE"]);
});

Deno.test("escapeLine() and escapeBlock() leave nothing that a terminal would obey", () => {
  const everything = Array.from({ length: 0x2100 }, (_, code) => String.fromCharCode(code)).join(
    "",
  );
  // deno-lint-ignore no-control-regex
  const unsafe = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;
  assertEquals(unsafe.test(everything), true);
  assertEquals(unsafe.test(escapeLine(everything)), false);
  assertEquals(escapeLine("a\tb\r\nc"), "a b\\nc");
  assertEquals(escapeBlock("one\r\n\x1btwo\n\n"), "one\n  \\x1btwo");
  assertEquals(escapeLine("ünï 日本 🦕"), "ünï 日本 🦕");
});

Deno.test("fold() divides a message at spaces, counts no colours, and keeps what people copy whole", () => {
  const red = "\x1b[31merror:\x1b[39m";
  assertEquals(
    fold(`${red} cannot read /a/long/path/without/spaces\n  it is a directory`, 16),
    `${red} cannot\nread\n/a/long/path/without/spaces\n  it is a\n  directory`,
  );
  assertEquals(fold("short", 80), "short");
  assertEquals(fold("not so short", 0), "not so short");
});
