import { assert, assertEquals } from "@std/assert";
import { parseChallenges } from "./challenge.ts";

function plain(header: string | null): [string, Record<string, string>][] {
  return parseChallenges(header).map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);
}

Deno.test("parseChallenges() reads quoted strings with commas, escapes and odd spacing", () => {
  assertEquals(
    plain(
      'Bearer realm="https://a.example/t?x=1,2" , Service = "a \\"b\\"",scope="repository:a/b:pull,push"',
    ),
    [["bearer", {
      realm: "https://a.example/t?x=1,2",
      service: 'a "b"',
      scope: "repository:a/b:pull,push",
    }]],
  );
});

Deno.test("parseChallenges() tells several challenges apart, also where Deno joined several headers", () => {
  assertEquals(
    plain(
      'Basic realm="x", Bearer realm="https://a/t",service="s", Negotiate dG9rZW4=, Digest qop="a"',
    ),
    [
      ["basic", { realm: "x" }],
      ["bearer", { realm: "https://a/t", service: "s" }],
      ["negotiate", {}],
      ["digest", { qop: "a" }],
    ],
  );
});

Deno.test("parseChallenges() takes the first of equal parameters", () => {
  assertEquals(plain('Bearer realm="https://a/t",realm="https://evil/t"'), [["bearer", {
    realm: "https://a/t",
  }]]);
});

Deno.test("parseChallenges() gives nothing for nothing", () => {
  assertEquals(plain(null), []);
  assertEquals(plain(""), []);
  assertEquals(plain(' , ,"'), []);
});

Deno.test("A05: parseChallenges() neither hangs nor throws on junk", () => {
  const pieces = [
    '"',
    "\\",
    ",",
    "=",
    " ",
    "Bearer",
    "realm",
    "Basic",
    "\t",
    "é",
    "\u0000",
    "a=b",
    '="',
    "Bearer ",
  ];
  let state = 42;
  const next = (limit: number): number => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return state % limit;
  };
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: next(40) }, () => pieces[next(pieces.length)]).join("");
    for (const { scheme, params } of parseChallenges(text)) {
      assert(/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(scheme));
      assert([...params.keys()].every((name) => name === name.toLowerCase()));
    }
  }
  for (
    const text of [
      "Bearer ".repeat(9362),
      '"'.repeat(65536),
      "\\".repeat(65536),
      'a="'.repeat(21845),
      ",".repeat(65536),
    ]
  ) {
    parseChallenges(text);
  }
});
