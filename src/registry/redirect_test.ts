import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startFaultRegistry, startServer } from "../../tests/support/faultreg/mod.ts";
import { failure, request, testClient, upload } from "../../tests/support/registry_client.ts";

Deno.test("R17: redirects to another origin are followed without Authorization, with Range", async () => {
  await using other = startServer({ handle: () => ({ status: 206, body: "there" }) });
  await using registry = startFaultRegistry({
    auth: { kind: "basic", username: "u", password: "geheim" },
  });
  using test = testClient(registry.host, {
    credentials: () => Promise.resolve({ kind: "basic", username: "u", password: "geheim" }),
  });
  for (const status of [301, 302, 303, 307, 308]) {
    registry.faults.clear();
    registry.faults.add({
      when: ({ headers }) => headers.has("authorization"),
      fault: { kind: "redirect", status, url: `${other.url}/blob?sig=1` },
    });
    const { bytes } = await test.client.read(
      request({ headers: { Range: "bytes=5-" }, accept: [206] }),
      100,
    );
    assertEquals(new TextDecoder().decode(bytes), "there");
  }
  assertEquals(other.log.length, 5);
  for (const { headers, authorization } of other.log) {
    assertEquals(authorization, undefined);
    assertEquals(headers.get("range"), "bytes=5-");
    assertEquals([...headers.values()].join("\n").includes("geheim"), false);
  }
});

Deno.test("R17: a redirect within the registry keeps Authorization", async () => {
  await using registry = startFaultRegistry({
    auth: { kind: "basic", username: "u", password: "p" },
  });
  registry.content.addBlob("app", new TextEncoder().encode("x"));
  using test = testClient(registry.host, {
    credentials: () => Promise.resolve({ kind: "basic", username: "u", password: "p" }),
  });
  registry.faults.add({
    when: ({ headers, path }) => headers.has("authorization") && path.includes("manifests"),
    fault: { kind: "redirect", status: 307, url: "/v2/" },
  });
  assertEquals((await test.client.read(request(), 100)).status, 200);
  assert(registry.log.at(-1)?.authorization !== undefined);
});

Deno.test("R17: redirect loops and long chains are errors", async () => {
  await using server = startServer({
    handle: ({ path }) => ({
      status: 302,
      headers: { location: path === "/loop" ? "/loop" : `${path}x` },
    }),
  });
  using test = testClient(server.host);
  assertStringIncludes(
    (await failure(test.client.read(request({ url: "/loop" }), 100))).message,
    "in a circle",
  );
  const before = server.log.length;
  assertStringIncludes(
    (await failure(test.client.read(request({ url: "/a" }), 100))).message,
    "more than 10",
  );
  assertEquals(server.log.length - before, 11);
});

Deno.test("R18: a redirect that leads inside is not followed", async () => {
  await using server = startServer({
    handle: () => ({
      status: 307,
      headers: { location: "http://169.254.169.254/latest/?t=geheim" },
    }),
  });
  using test = testClient(server.host);
  const error = await failure(test.client.read(request(), 100));
  assertStringIncludes(
    error.message,
    'to "http://169.254.169.254/latest/": it is a link-local address',
  );
});

Deno.test("R34: 307 on an upload sends the body again; 302 does not", async () => {
  await using server = startServer({ handle: () => ({ status: 200 }) });
  using test = testClient(server.host);
  server.faults.add({ fault: { kind: "redirect", status: 307, url: "/elsewhere" } });
  await test.client.read(upload("PUT"), 100);
  assertEquals(server.log.map(({ path, bodySize }) => [path, bodySize]), [
    ["/v2/app/blobs/uploads/", 5],
    ["/elsewhere", 5],
  ]);
  server.faults.add({ fault: { kind: "redirect", status: 302, url: "/elsewhere" } });
  assertStringIncludes(
    (await failure(test.client.read(upload("PUT"), 100))).message,
    "answered 302",
  );
});

Deno.test("A15: the query of a redirect's target, which may be a signature, is in no message and no log", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  await using server = startServer({ handle: () => ({ status: 500 }) });
  for (
    const target of [
      `http://127.0.0.1:${port}/blob?sig=geheim`,
      "http://127.0.0.1:1/blob?sig=geheim",
      "/blob?sig=geheim",
    ]
  ) {
    using test = testClient(server.host);
    server.faults.clear();
    server.faults.add({
      path: /manifests/,
      times: Infinity,
      fault: { kind: "redirect", status: 307, url: target },
    });
    const error = await failure(test.client.read(request(), 100));
    assertStringIncludes(
      error.message,
      target.startsWith("/") ? "/blob answered 500" : "/blob failed: cannot use 127.0.0.1:",
    );
    assertEquals([error.message, error.hint, ...test.lines].join().includes("geheim"), false);
  }
  // A message that Deno words itself.
  server.faults.add({ path: /blob/, times: Infinity, fault: { kind: "closeBefore" } });
  using test = testClient(server.host);
  const error = await failure(test.client.read(request(), 100));
  assertStringIncludes(error.message, "/blob failed: ");
  assertEquals([error.message, error.hint, ...test.lines].join().includes("geheim"), false);
});

Deno.test("A redirect's target that wants a login is not the registry's to answer", async () => {
  await using other = startServer({
    handle: () => ({ status: 401, headers: { "www-authenticate": 'Basic realm="give"' } }),
  });
  await using server = startServer({
    handle: () => ({ status: 307, headers: { location: other.url } }),
  });
  using test = testClient(server.host, {
    credentials: () => Promise.resolve({ kind: "basic", username: "u", password: "geheim" }),
  });
  const error = await failure(test.client.read(request(), 100));
  assertStringIncludes(error.hint ?? "", `redirects to ${other.host}, which refuses`);
  assertEquals(other.log.map(({ authorization }) => authorization), [undefined]);
});
