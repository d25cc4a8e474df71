import { assert, assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { type Digest, encodeJson, MediaType, parseDigest, parsePlatform } from "../oci/mod.ts";
import {
  type EditableIndex,
  EMPTY_INDEX,
  encodeEditableIndex,
  type IndexEntry,
  lostEntries,
  newEntry,
  putEntry,
  readIndex,
} from "./index_merge.ts";

const digest = (digit: string): Digest => parseDigest("sha256:" + digit.repeat(64));
const entry = (platform: string, digit: string): IndexEntry =>
  newEntry({
    mediaType: MediaType.manifest,
    digest: digest(digit),
    size: 7,
    platform: parsePlatform(platform),
  });
const text = (index: EditableIndex): string => new TextDecoder().decode(encodeEditableIndex(index));
const digits = (index: EditableIndex): string =>
  index.entries.map(({ descriptor }) => descriptor.digest.at(-1)).join("");

Deno.test("putEntry() sorts entries and replaces the one of the same platform", () => {
  const a = putEntry(putEntry(EMPTY_INDEX, entry("linux/arm64", "b")), entry("linux/amd64", "a"));
  const b = putEntry(putEntry(EMPTY_INDEX, entry("linux/amd64", "a")), entry("linux/arm64", "b"));
  assertEquals(text(a), text(b));
  assertEquals(digits(a), "ab");
  assertEquals(digits(putEntry(a, entry("linux/arm64/v8", "c"))), "ac");
  assertEquals(digits(putEntry(a, entry("linux/arm/v7", "c"))), "acb");
  assertEquals(text(putEntry(a, entry("linux/amd64", "a"))), text(a));
});

Deno.test("what is about an image goes with it when it is replaced, and what is about others stays", () => {
  const about = (digit: string, of: string): IndexEntry =>
    newEntry({
      mediaType: MediaType.manifest,
      digest: digest(digit),
      size: 5,
      annotations: { "vnd.docker.reference.digest": digest(of) },
      platform: { os: "unknown", architecture: "unknown" },
    });
  const index = [
    entry("linux/amd64", "a"),
    entry("linux/arm64", "b"),
    about("8", "a"),
    about("9", "b"),
  ].reduce(putEntry, EMPTY_INDEX);
  assertEquals(digits(index), "ab89");
  assertEquals(digits(putEntry(index, entry("linux/amd64", "c"))), "cb9");
  assertEquals(digits(putEntry(index, entry("linux/amd64", "a"))), "ab89");
});

Deno.test("an index keeps others' entries and its own fields, unknown ones included", () => {
  const attestation = {
    mediaType: MediaType.manifest,
    size: 5,
    digest: digest("9"),
    annotations: { z: "1", "vnd.docker.reference.type": "attestation-manifest", a: "2" },
    platform: { os: "unknown", architecture: "unknown" },
    future: { deep: [1, null] },
  };
  const second = { ...attestation, digest: digest("8") };
  const odd = {
    digest: digest("5"),
    mediaType: MediaType.dockerManifest,
    size: 3,
    platform: { architecture: "arm", os: "linux", variant: "v7", features: ["x"] },
  };
  const body = encodeJson({
    schemaVersion: 2,
    mediaType: MediaType.dockerManifestList,
    manifests: [attestation, second, odd],
    annotations: { k: "v" },
    newField: true,
  });
  const index = putEntry(readIndex(body, "index"), entry("linux/amd64", "a"));
  const written = JSON.parse(text(index));
  assertEquals(written.mediaType, MediaType.index);
  assertEquals(written.newField, true);
  assertEquals(written.annotations, { k: "v" });
  assertEquals(
    written.manifests.slice(1).map((item: unknown) => JSON.stringify(item)),
    [odd, second, attestation].map((item) => JSON.stringify(item)),
  );
});

Deno.test("R37: an entry is lost if it vanished or went back to what it replaced", () => {
  const written = putEntry(
    putEntry(EMPTY_INDEX, entry("linux/amd64", "a")),
    entry("linux/s390x", "b"),
  );
  const query = { written, replaced: new Set([digest("0")]) };
  const lost = (...found: IndexEntry[]): string =>
    lostEntries({ ...query, found: { raw: {}, entries: found } })
      .map(({ descriptor }) => descriptor.digest.at(-1)).join("");
  assertEquals(lost(...written.entries), "");
  assertEquals(lost(entry("linux/s390x", "b")), "a");
  assertEquals(lost(), "ab");
  assertEquals(lost(entry("linux/amd64", "0"), entry("linux/s390x", "b")), "a");
  assertEquals(lost(entry("linux/amd64", "7"), entry("linux/s390x", "b")), "");
});

Deno.test("an index that registries would refuse is not written", () => {
  const many = Array.from({ length: 40_000 }, () => entry("linux/amd64", "a"));
  assert(many.length > 0);
  assertThrows(
    () => encodeEditableIndex({ raw: {}, entries: many }),
    MiseOciError,
    "longer than 4 MiB",
  );
});
