/**
 * Parses `/etc/ld.so.cache`, glibc's list of libraries outside of the default directories (the format of
 * glibc 2.2 and later: `glibc-ld.so.cache1.1`).
 * @module
 */

const MAGIC = "glibc-ld.so.cache1.1";
const OLD_MAGIC = "ld.so-1.7.0";
const HEADER = 48;
const ENTRY = 24;
const MAX_ENTRIES = 100_000;

/** The offset of the newer format: 0, or after the old format. */
function start(bytes: Uint8Array): number {
  const text = new TextDecoder("latin1");
  if (text.decode(bytes.subarray(0, MAGIC.length)) === MAGIC) return 0;
  if (text.decode(bytes.subarray(0, OLD_MAGIC.length)) !== OLD_MAGIC || bytes.length < 16) {
    return -1;
  }
  const count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
  const at = Math.ceil((16 + count * 12) / 8) * 8;
  return text.decode(bytes.subarray(at, at + MAGIC.length)) === MAGIC ? at : -1;
}

/**
 * Converts the entries of a cache to lines `NAME\tPATH`; empty if it is not a cache. Entries for CPUs with
 * special instructions are left out, because the loader falls back on the plain ones.
 */
export function parseLoaderCache(bytes: Uint8Array): string {
  const at = start(bytes);
  if (at < 0 || bytes.length < at + HEADER) return "";
  const cache = bytes.subarray(at);
  const view = new DataView(cache.buffer, cache.byteOffset, cache.length);
  // All architectures with images are little-endian, except s390x and old POWER.
  const little = view.getUint32(20, true) <= view.getUint32(20, false);
  const count = Math.min(view.getUint32(20, little), MAX_ENTRIES);
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const entry = HEADER + i * ENTRY;
    if (entry + ENTRY > cache.length) break;
    if (view.getBigUint64(entry + 16, little) !== 0n) continue;
    const name = text(cache, view.getUint32(entry + 4, little));
    const path = text(cache, view.getUint32(entry + 8, little));
    if (name !== undefined && path !== undefined) lines.push(`${name}\t${path}`);
  }
  return lines.join("\n");
}

function text(bytes: Uint8Array, at: number): string | undefined {
  const end = bytes.subarray(at, at + 4096).indexOf(0);
  return end <= 0 ? undefined : new TextDecoder().decode(bytes.subarray(at, at + end));
}
