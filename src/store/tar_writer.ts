/**
 * Writing the tar archives that hold images: regular files and directories with fixed metadata, so that
 * the same content gives the same bytes. (Layers have an encoder of their own, whose bytes are frozen.)
 * @module
 */

const BLOCK = 512;
/** The largest size that eleven octal digits hold. */
const MAX_OCTAL_SIZE = 0o77777777777;

/** One entry of an archive. */
export interface TarMember {
  /** Path, ASCII, up to 100 bytes; a directory's ends with a slash. */
  readonly name: string;
  /** Length of its content. */
  readonly size: number;
}

function header(member: TarMember, type: string): Uint8Array<ArrayBuffer> {
  const { name, size } = member;
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number): void => {
    new TextEncoder().encodeInto(text, block.subarray(at));
  };
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) {
    throw new TypeError(`Name "${name}" does not fit a header`);
  }
  put(name, 0);
  put(octal(type === "5" ? 0o755 : 0o644, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(Math.min(size, MAX_OCTAL_SIZE), 11), 124);
  put(octal(0, 11), 136);
  put("        ", 148);
  put(type, 156);
  put("ustar\x0000", 257);
  put(`${octal(block.reduce((sum, byte) => sum + byte, 0), 6)}\0 `, 148);
  return block;
}

/** The zeros that fill content up to a whole block. */
export function tarPadding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK - size % BLOCK) % BLOCK);
}

/** The PAX header that states a size over 8 GiB. */
function sizeExtension(size: number): Uint8Array<ArrayBuffer> {
  const body = ` size=${size}\n`;
  // The record's length counts its own digits; a size has at most 16 digits, so they are always two.
  const record = new TextEncoder().encode(`${body.length + 2}${body}`);
  const bytes = new Uint8Array(2 * BLOCK);
  bytes.set(header({ name: "PaxHeaders/size", size: record.length }, "x"));
  bytes.set(record, BLOCK);
  return bytes;
}

/** The header of an entry: its content and {@linkcode tarPadding} come after it. */
export function tarHeader(member: TarMember): Uint8Array<ArrayBuffer> {
  const block = header(member, member.name.endsWith("/") ? "5" : "0");
  if (member.size <= MAX_OCTAL_SIZE) return block;
  const extension = sizeExtension(member.size);
  const bytes = new Uint8Array(extension.length + block.length);
  bytes.set(extension);
  bytes.set(block, extension.length);
  return bytes;
}

/** The two blocks of zeros that end an archive. */
export const TAR_END: Uint8Array<ArrayBuffer> = new Uint8Array(2 * BLOCK);
