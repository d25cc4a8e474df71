import { assert, assertEquals, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { resolveTarget } from "./url_policy.ts";

const PUBLIC = new URL("https://registry.example/");

function refused(location: string, registry = PUBLIC, from = registry): string {
  const error = assertThrows(
    () => resolveTarget(location, { registry, from, what: "redirect" }),
    MiseOciError,
  );
  assertEquals(error.code, "registry");
  assert(error.message.includes(registry.host), error.message);
  return error.message;
}

Deno.test("R18: a public registry cannot send us to loopback, private, link-local or unspecified addresses", () => {
  const inside = [
    "127.0.0.1",
    "localhost",
    "a.localhost",
    "10.0.0.1:8080",
    "192.168.1.1",
    "172.20.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "[::]",
    "[::1]",
    "[::ffff:10.0.0.1]",
    "2130706433",
    "0x7f000001",
    "[fe80::1]",
    "[fd00::1]",
    "017700000001",
  ];
  for (const host of inside) refused(`https://${host}/secret`);
});

Deno.test("R18: the registry's own host and port, and public hosts, are allowed", () => {
  const allowed: [string, string][] = [
    ["/v2/x", "https://registry.example/"],
    ["https://cdn.example.net/blob?sig=1", "https://registry.example/"],
    ["https://10.0.0.1:5000/x", "https://10.0.0.1:5000/"],
    ["http://127.0.0.1:5000/x", "http://127.0.0.1:5000/"],
    ["http://127.0.0.1:9000/x", "http://127.0.0.1:5000/"],
    ["http://10.0.0.2/x", "http://10.0.0.1:5000/"],
  ];
  for (const [location, registry] of allowed) {
    resolveTarget(location, { registry: new URL(registry), what: "redirect" });
  }
});

Deno.test("R18: a private registry cannot send us to this machine or to the metadata service", () => {
  const registry = new URL("http://10.0.0.1:5000/");
  refused("http://127.0.0.1:2375/", registry);
  refused("http://169.254.169.254/latest/meta-data/", registry);
  refused("http://169.254.169.254/", new URL("http://127.0.0.1:5000/"));
});

Deno.test("R17: https is never left for http", () => {
  assert(refused("http://registry.example/x").includes("leaves https for http"));
  refused(
    "http://cdn.example/x",
    new URL("http://127.0.0.1:5000/"),
    new URL("https://cdn.example/"),
  );
});

Deno.test("resolveTarget() refuses other schemes, users and junk, and shows no query", () => {
  assert(refused("file:///etc/passwd").includes("neither http nor https"));
  refused("ftp://registry.example/x");
  const user = refused("https://u:geheim@registry.example/x");
  assertEquals(user.includes("geheim"), false);
  assertEquals(refused("https://10.0.0.1/x?token=geheim").includes("geheim"), false);
  assertEquals(refused("http://[/?token=geheim").includes("geheim"), false);
});
