import { assertEquals } from "@std/assert";
import { parseExecutableFormat, runsOnLinux } from "./elf_header.ts";

function elf(machine: number, options: { littleEndian: boolean; bits: 32 | 64 }): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, options.bits === 64 ? 2 : 1, options.littleEndian ? 1 : 2]);
  new DataView(bytes.buffer).setUint16(18, machine, options.littleEndian);
  return bytes;
}

Deno.test("parseExecutableFormat() reads machine and word size in both byte orders", () => {
  const little = { littleEndian: true, bits: 64 } as const;
  assertEquals(parseExecutableFormat(elf(0x3e, little)), {
    kind: "elf",
    architecture: "amd64",
    bits: 64,
  });
  assertEquals(parseExecutableFormat(elf(0xb7, little)), {
    kind: "elf",
    architecture: "arm64",
    bits: 64,
  });
  assertEquals(parseExecutableFormat(elf(0x15, little)), {
    kind: "elf",
    architecture: "ppc64le",
    bits: 64,
  });
  assertEquals(
    parseExecutableFormat(elf(0x16, { littleEndian: false, bits: 64 })),
    { kind: "elf", architecture: "s390x", bits: 64 },
  );
  assertEquals(
    parseExecutableFormat(elf(0x28, { littleEndian: true, bits: 32 })),
    { kind: "elf", architecture: "arm", bits: 32 },
  );
});

Deno.test("parseExecutableFormat() knows macOS, Windows, scripts, and files too short to tell", () => {
  assertEquals(parseExecutableFormat(Uint8Array.of(0xcf, 0xfa, 0xed, 0xfe, 0, 0)).kind, "mach-o");
  assertEquals(parseExecutableFormat(Uint8Array.of(0x4d, 0x5a)).kind, "pe");
  assertEquals(parseExecutableFormat(Uint8Array.of(0x23, 0x21)).kind, "script");
  assertEquals(parseExecutableFormat(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46)).kind, "other");
  assertEquals(parseExecutableFormat(new Uint8Array()).kind, "other");
});

Deno.test("runsOnLinux() holds an executable against the image's architecture", () => {
  const arm = parseExecutableFormat(elf(0xb7, { littleEndian: true, bits: 64 }));
  assertEquals([runsOnLinux(arm, "arm64"), runsOnLinux(arm, "amd64")], [true, false]);
  const i386 = parseExecutableFormat(elf(0x03, { littleEndian: true, bits: 32 }));
  assertEquals([runsOnLinux(i386, "amd64"), runsOnLinux(i386, "arm64")], [true, false]);
  assertEquals(runsOnLinux({ kind: "mach-o" }, "arm64"), false);
  assertEquals(runsOnLinux({ kind: "script" }, "arm64"), true);
});

Deno.test("parseExecutableFormat() reads this very runtime as an executable of this machine", () => {
  const file = Deno.openSync(Deno.execPath());
  const bytes = new Uint8Array(20);
  file.readSync(bytes);
  file.close();
  const format = parseExecutableFormat(bytes);
  const expected = Deno.build.os === "linux" ? "elf" : Deno.build.os === "darwin" ? "mach-o" : "pe";
  assertEquals(format.kind, expected);
  if (format.kind === "elf") {
    assertEquals(format.architecture, Deno.build.arch === "x86_64" ? "amd64" : "arm64");
  }
});
