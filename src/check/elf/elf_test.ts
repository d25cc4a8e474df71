import fs from "node:fs";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Elf, ElfError, parseElf } from "./elf.ts";
import { buildElf, type ElfFixture } from "../../../tests/support/elf_fixture.ts";
import { accessBytes, FileAccess, type RandomAccess } from "./random_access.ts";

function parse(fixture: ElfFixture): Elf {
  return parseElf(accessBytes(buildElf(fixture)));
}

const EVERYTHING: ElfFixture = {
  interpreter: "/lib64/ld-linux-x86-64.so.2",
  needed: ["libone.so.1", "libc.so.6"],
  soname: "libtwo.so.2",
  rpath: "/old",
  runpath: "$ORIGIN/../lib:/opt/lib",
  flags1: 0x08000801,
  versionNeeds: [
    { library: "libc.so.6", versions: ["GLIBC_2.2.5", "GLIBC_2.38"] },
    { library: "libone.so.1", versions: ["ONE_1"] },
  ],
  versions: ["libtwo.so.2", "TWO_1", "TWO_2"],
};

for (const bits of [32, 64] as const) {
  for (const little of [true, false]) {
    Deno.test(`parseElf() reads everything of ${bits}-bit ${little ? "little" : "big"}-endian files`, () => {
      const { flags1: _, ...rest } = EVERYTHING;
      assertEquals(parse({ ...EVERYTHING, bits, little, machine: 0xf3, type: 2, osAbi: 3 }), {
        ...rest,
        bits,
        architecture: "riscv64",
        osAbi: 3,
        type: "executable",
        noDefaultDirectories: true,
      } as Elf);
    });
  }
}

Deno.test("parseElf() takes a file without dynamic section for a static program", () => {
  const bytes = buildElf({});
  new DataView(bytes.buffer).setUint16(56, 1, true); // only the loaded segment
  assertEquals(parseElf(accessBytes(bytes)), {
    bits: 64,
    architecture: "amd64",
    osAbi: 0,
    type: "shared",
    needed: [],
    versionNeeds: [],
  });
});

Deno.test("parseElf() leaves out versions that may be missing", () => {
  const bytes = buildElf({ versionNeeds: [{ library: "l", versions: ["WEAK", "STRONG"] }] });
  const at = bytes.findIndex((_, i) =>
    i % 8 === 0 && i >= 232 && bytes[i] === 1 && bytes[i + 2] === 2
  );
  assert(at > 0);
  bytes[at + 16 + 4] = 2; // VER_FLG_WEAK of the first
  assertEquals(parseElf(accessBytes(bytes)).versionNeeds, [{ library: "l", versions: ["STRONG"] }]);
});

/** Fails the test if more is read than a parser with limits would ever read. */
function metered(bytes: Uint8Array, limit: number): RandomAccess {
  let reads = 0;
  return {
    size: bytes.length,
    read: (offset, length) => {
      if (++reads > limit) throw new Error(`More than ${limit} reads`);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** Parses, and returns the message if the file is malformed; any other error fails the test. */
function messageOf(bytes: Uint8Array): string | undefined {
  try {
    parseElf(metered(bytes, 100_000));
    return undefined;
  } catch (error) {
    if (error instanceof ElfError) return error.message;
    throw error;
  }
}

Deno.test("parseElf() refuses a file cut anywhere", () => {
  const bytes = buildElf(EVERYTHING);
  // The last 16 bytes are DT_NULL.
  for (let length = 4; length < bytes.length - 16; length++) {
    assert(messageOf(bytes.subarray(0, length)) !== undefined, `cut to ${length}`);
  }
  assertEquals(messageOf(bytes), undefined);
});

Deno.test("parseElf() ends with a result or an ElfError, whatever bytes are changed", () => {
  const sound = buildElf(EVERYTHING);
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const extremes = [0, 1, 0x7f, 0x80, 0xff];
  let malformed = 0;
  for (let round = 0; round < 4000; round++) {
    const bytes = sound.slice();
    for (let change = random(4) + 1; change > 0; change--) {
      const at = 4 + random(bytes.length - 4);
      const value = extremes[random(extremes.length)]!;
      for (let i = 0; i < [1, 2, 4, 8][random(4)]!; i++) {
        if (at + i < bytes.length) bytes[at + i] = value;
      }
    }
    if (messageOf(bytes) !== undefined) malformed++;
  }
  assert(malformed > 500, `${malformed} of 4000`);
});

Deno.test("parseElf() does not look at a million sections", () => {
  const bytes = buildElf(EVERYTHING);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(40, 64n, true); // e_shoff: onto the program headers
  view.setUint16(60, 0xffff, true);
  let read = 0;
  const access = accessBytes(bytes);
  parseElf({
    size: access.size,
    read: (offset, length) => {
      read++;
      return access.read(offset, length);
    },
  });
  assert(read < 100, `${read} reads`);
});

Deno.test("parseElf() refuses more segments than the kernel takes", () => {
  const bytes = buildElf(EVERYTHING);
  new DataView(bytes.buffer).setUint16(56, 0xffff, true);
  assertEquals(messageOf(bytes), "it has too many segments");
});

Deno.test("parseElf() ends where a list of versions does not", () => {
  const many = Array.from({ length: 300 }, (_, i) => `V_${i}`);
  const bytes = buildElf({ versions: many });
  const view = new DataView(bytes.buffer);
  // Entries that overlap, each one byte further on, as many as 32 bits can count.
  const at = 64 + 3 * 56 + 8;
  assertEquals(view.getUint32(at + 16, true), 28);
  for (let i = at; i + 20 < at + 8000; i++) view.setUint32(i + 16, 1, true);
  assert(messageOf(bytes) !== undefined);
});

Deno.test("parseElf() refuses names without end and names outside of the string table", () => {
  const long = buildElf({ soname: "x".repeat(5000) });
  assertEquals(messageOf(long), "it has a name of more than 4096 bytes");
  const outside = buildElf({ soname: "x" });
  const view = new DataView(outside.buffer);
  for (let at = 232; at + 16 <= outside.length; at += 8) {
    if (view.getBigUint64(at, true) === 14n) view.setBigUint64(at + 8, 2n ** 60n, true);
  }
  assertEquals(messageOf(outside), "it has a name outside of its string table");
});

Deno.test("parseElf() refuses names that are long together: one text named a thousand times", () => {
  const needed = (count: number): Uint8Array =>
    buildElf({ needed: Array(count).fill("x".repeat(4000)) });
  assertEquals(messageOf(needed(200)), undefined);
  assertEquals(messageOf(needed(1000)), "its names have more than 1048576 bytes");
});

Deno.test("parseElf() reads segments that overlap, and refuses an interpreter that is none", () => {
  const bytes = buildElf({ interpreter: "/lib/ld.so", needed: ["liba.so.1"] });
  const view = new DataView(bytes.buffer);
  // The segment of the dynamic section is changed to point at the header.
  view.setBigUint64(64 + 56 + 8, 0n, true);
  assertEquals(parseElf(accessBytes(bytes)).needed, []);
  const long = buildElf({ interpreter: "/lib/ld.so" });
  new DataView(long.buffer).setBigUint64(64 + 2 * 56 + 32, 2n ** 62n, true);
  assertEquals(messageOf(long), "its interpreter's name is longer than 4096 bytes");
});

Deno.test("parseElf() says what is wrong with a header", () => {
  const change = (at: number, value: number): string => {
    const bytes = buildElf({});
    bytes[at] = value;
    return assertThrows(() => parseElf(accessBytes(bytes)), ElfError).message;
  };
  assertEquals(change(4, 3), "its word size is unknown");
  assertEquals(change(5, 0), "its byte order is unknown");
  assertEquals(change(6, 2), "its version is unknown");
  assertEquals(change(54, 57), "its program headers are 57 bytes long");
});

Deno.test("FileAccess reads the same as memory, across pages and past the end", () => {
  const path = Deno.makeTempFileSync();
  const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i * 7);
  Deno.writeFileSync(path, bytes);
  const fd = fs.openSync(path, "r");
  try {
    const access = new FileAccess(fd, bytes.length);
    for (const [at, length] of [[0, 20], [4090, 12], [4096, 4096], [9990, 50], [20_000, 5]]) {
      assertEquals(access.read(at!, length!), bytes.slice(at!, at! + length!), `${at}+${length}`);
    }
  } finally {
    fs.closeSync(fd);
    Deno.removeSync(path);
  }
});

Deno.test("parseElf() reads this very runtime", { ignore: Deno.build.os !== "linux" }, () => {
  const fd = fs.openSync(Deno.execPath(), "r");
  try {
    const elf = parseElf(new FileAccess(fd, fs.fstatSync(fd).size));
    assert(elf.needed.includes("libc.so.6") && elf.interpreter?.includes("ld-linux"));
    assert(elf.versionNeeds.some(({ versions }) => versions.some((v) => v.startsWith("GLIBC_"))));
  } finally {
    fs.closeSync(fd);
  }
});
