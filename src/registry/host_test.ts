import { assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { hostAndPort, hostKind, registryUrl, showUrl } from "./host.ts";

Deno.test("R42: plain http is for loopback hosts and listed ones only, and docker.io has its own host", () => {
  const table: [string, boolean, string][] = [
    ["localhost", false, "http://localhost/"],
    ["localhost:5000", false, "http://localhost:5000/"],
    ["127.0.0.1:5000", false, "http://127.0.0.1:5000/"],
    ["127.0.0.2", false, "http://127.0.0.2/"],
    ["[::1]:5000", false, "http://[::1]:5000/"],
    ["registry.lan", false, "https://registry.lan/"],
    ["registry.lan", true, "http://registry.lan/"],
    ["registry.lan:443", false, "https://registry.lan/"],
    ["192.168.1.5:5000", false, "https://192.168.1.5:5000/"],
    ["192.168.1.5:5000", true, "http://192.168.1.5:5000/"],
    ["localhost.example.com", false, "https://localhost.example.com/"],
    ["127.0.0.1.nip.io", false, "https://127.0.0.1.nip.io/"],
    ["docker.io", false, "https://registry-1.docker.io/"],
    ["ghcr.io", false, "https://ghcr.io/"],
  ];
  for (const [registry, insecure, url] of table) {
    assertEquals(registryUrl(registry, { insecure }).href, url, registry);
  }
});

Deno.test("registryUrl() rejects what is more than a host, without showing a password", () => {
  for (const text of ["a/b", "a?b", "a#b", "", "a b", "user:secret@host"]) {
    const error = assertThrows(() => registryUrl(text, { insecure: false }), MiseOciError);
    assertEquals(error.message.includes("secret"), false);
  }
});

Deno.test("hostKind() sees through every way to write an address", () => {
  const table: [string, string][] = [
    ["2130706433", "loopback"],
    ["0x7f.1", "loopback"],
    ["127.1", "loopback"],
    ["localhost.", "loopback"],
    ["foo.localhost", "loopback"],
    ["[::1]", "loopback"],
    ["[::ffff:127.0.0.1]", "loopback"],
    ["[::127.0.0.1]", "loopback"],
    ["[64:ff9b::10.0.0.1]", "private"],
    ["[2002:a00:1::]", "private"],
    ["0.0.0.0", "reserved"],
    ["0", "reserved"],
    ["[::]", "reserved"],
    ["224.0.0.1", "reserved"],
    ["[ff02::1]", "reserved"],
    ["169.254.169.254", "link-local"],
    ["[fe80::1]", "link-local"],
    ["[::ffff:169.254.169.254]", "link-local"],
    ["10.1.2.3", "private"],
    ["172.16.0.1", "private"],
    ["172.32.0.1", "public"],
    ["192.168.0.1", "private"],
    ["100.64.0.1", "private"],
    ["[fd00::1]", "private"],
    ["8.8.8.8", "public"],
    ["[2001:4860:4860::8888]", "public"],
    ["ghcr.io", "public"],
  ];
  for (const [host, kind] of table) {
    assertEquals(hostKind(new URL(`http://${host}/`).hostname), kind, host);
  }
});

Deno.test("showUrl() and hostAndPort() leave secrets away", () => {
  const url = new URL("https://user:pw@s3.example/bucket/key?X-Amz-Signature=secret#frag");
  assertEquals(showUrl(url), "https://s3.example/bucket/key");
  assertEquals(hostAndPort(url), "s3.example:443");
});
