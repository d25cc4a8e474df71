import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { type Fault, startServer } from "../../tests/support/faultreg/mod.ts";
import { failure, request, testClient, upload } from "../../tests/support/registry_client.ts";

Deno.test("R01: 429 is waited for as Retry-After says, for every method", async () => {
  await using server = startServer({ handle: () => ({ status: 200, body: "ok" }) });
  for (const asked of [request(), upload("POST"), upload("PATCH"), upload("PUT")]) {
    using test = testClient(server.host);
    server.faults.clear();
    server.faults.add({
      fault: { kind: "status", status: 429, headers: { "retry-after": "7" } },
      times: 2,
    });
    const { bytes } = await test.client.read(asked, 100);
    assertEquals(new TextDecoder().decode(bytes), "ok");
    assertEquals(test.clock.slept, [7000, 7000], asked.method);
  }
});

Deno.test("R01: a date is waited for, junk and 0 mean backoff", async () => {
  await using server = startServer({ handle: () => ({ status: 200 }) });
  for (
    const [value, slept] of [
      ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
      ["soon", 500],
      ["0", 500],
    ] as const
  ) {
    using test = testClient(server.host);
    server.faults.clear();
    server.faults.add({
      fault: { kind: "status", status: 429, headers: { "retry-after": value } },
    });
    await test.client.read(request(), 100);
    assertEquals(test.clock.slept, [slept], value);
  }
});

Deno.test("R01: a wait of a day is an error that names it", async () => {
  await using server = startServer({ handle: () => ({ status: 200 }) });
  using test = testClient(server.host);
  server.faults.add({
    fault: {
      kind: "status",
      status: 429,
      headers: { "retry-after": "86400" },
      body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}',
    },
  });
  const error = await failure(test.client.read(request(), 100));
  assertEquals(
    error.message,
    `Cannot fetch manifest "app:1": GET ${server.url}/v2/app/manifests/1 answered 429: ` +
      "TOOMANYREQUESTS: slow down; the registry asks to wait 86400 s before the next request",
  );
  assertEquals(test.clock.slept, []);
  assertEquals(server.log.length, 1);
});

Deno.test("R02: transient statuses are retried, at most five attempts in all", async () => {
  await using server = startServer({ handle: () => ({ status: 200 }) });
  for (const status of [408, 500, 502, 503, 504]) {
    using test = testClient(server.host);
    server.faults.clear();
    server.faults.add({ fault: { kind: "status", status }, times: 2 });
    await test.client.read(request(), 100);
    const before = server.log.length;
    server.faults.add({ fault: { kind: "status", status }, times: Infinity });
    const error = await failure(test.client.read(request(), 100));
    assertStringIncludes(error.message, `GET ${server.url}/v2/app/manifests/1 answered ${status}`);
    assertEquals(error.code, "registry");
    assertEquals(server.log.length - before, 5);
  }
});

Deno.test("R02: what was perhaps done is not done twice: PATCH is not retried after 500", async () => {
  await using server = startServer({ handle: () => ({ status: 500 }) });
  using test = testClient(server.host);
  await failure(test.client.read(upload("PATCH"), 100));
  assertEquals(server.log.length, 1);
});

Deno.test("R35: an error body is shown escaped and short, whatever it is", async () => {
  await using server = startServer({ handle: () => ({ status: 200 }) });
  using test = testClient(server.host);
  const cases: [string | Uint8Array, string][] = [
    [
      '{"errors":[{"code":"DENIED","message":"no\\u001b[31m way\\n\\u202e"}]}',
      "answered 400: DENIED: no\\u001b[31m way \\u202e",
    ],
    ["<html><body>nginx</body></html>", "answered 400"],
    ["", "answered 400"],
    ["plain \u0007words", "answered 400: plain \\u0007words"],
    [new Uint8Array([0xff, 0xfe, 0x00]), "answered 400"],
    ['{"errors":"x"}', 'answered 400: {"errors":"x"}'],
  ];
  for (const [body, end] of cases) {
    server.faults.clear();
    const headers: Record<string, string> = String(body).startsWith("<")
      ? { "content-type": "text/html" }
      : {};
    server.faults.add({ fault: { kind: "status", status: 400, body, headers } });
    const error = await failure(test.client.read(request(), 100));
    assert(error.message.endsWith(end), error.message);
  }
});

Deno.test("R14: an endless error page is read to 64 KiB and shown to 1 KiB", async () => {
  await using server = startServer({ handle: () => ({ status: 418, body: "x".repeat(5000) }) });
  using test = testClient(server.host);
  server.faults.add({ fault: { kind: "extraBytes", count: Infinity } });
  const error = await failure(test.client.read(request(), 100));
  assert(error.message.length < 1300, String(error.message.length));
});

Deno.test("R14: a body longer than its limit is an error, declared or not", async () => {
  await using server = startServer({
    handle: () => ({ status: 200, body: new Uint8Array(5 << 20) }),
  });
  using test = testClient(server.host);
  assertStringIncludes(
    (await failure(test.client.read(request(), 4 << 20))).message,
    "more than 4194304 bytes",
  );
  server.faults.add({ fault: { kind: "extraBytes", count: Infinity } });
  assertEquals((await failure(test.client.read(request(), 4 << 20))).code, "invalid");
});

Deno.test("R33: bodies are sent with Content-Length, never chunked", async () => {
  await using server = startServer({ handle: () => ({ status: 200 }) });
  using test = testClient(server.host);
  await test.client.read(upload("PUT"), 100);
  assertEquals(server.log[0]?.headers.get("content-length"), "5");
  assertEquals(server.log[0]?.headers.get("transfer-encoding"), null);
});

Deno.test("R39: a silent or dripping registry is given up on, and tried again", async () => {
  await using server = startServer({ handle: () => ({ status: 200, body: "0123456789" }) });
  const faults: Fault[] = [
    { kind: "stallAfter", bytes: 0, head: false },
    { kind: "stallAfter", bytes: 0 },
    { kind: "stallAfter", bytes: 5 },
    { kind: "drip", everyMs: 90 },
  ];
  for (const fault of faults) {
    using test = testClient(server.host, { idleTimeoutMs: 300 });
    server.faults.clear();
    server.faults.add({ fault });
    assertEquals((await test.client.read(request(), 100)).bytes.length, 10);
    assertEquals(test.clock.slept.length, 1, fault.kind);
    server.faults.add({ fault, times: Infinity });
    const error = await failure(test.client.read(request(), 100));
    assertEquals(error.code, "network");
    assertStringIncludes(error.message, `failed: ${server.host} was silent for 0.3 s`);
  }
});

Deno.test("R39: time that we take ourselves between reads is no silence", async () => {
  await using server = startServer({
    handle: () => ({ status: 200, body: new Uint8Array(300_000) }),
  });
  using test = testClient(server.host, { idleTimeoutMs: 100 });
  const response = await test.client.send(request());
  let size = 0;
  for await (const chunk of response.chunks()) {
    if (size === 0) await new Promise((resolve) => setTimeout(resolve, 150));
    size += chunk.length;
  }
  assertEquals(size, 300_000);
});

Deno.test("R45: a kept connection that the registry has closed is no error", async () => {
  await using server = startServer({ handle: () => ({ status: 200, body: "ok" }) });
  using test = testClient(server.host);
  await test.client.read(request(), 100);
  server.faults.add({ fault: { kind: "closeBefore" } });
  await test.client.read(request(), 100);
});

Deno.test("R04: a broken body of a small answer is fetched again", async () => {
  await using server = startServer({ handle: () => ({ status: 200, body: "0123456789" }) });
  using test = testClient(server.host);
  server.faults.add({ fault: { kind: "closeAfter", bytes: 3 } });
  server.faults.add({ fault: { kind: "truncateChunked", bytes: 3 } });
  assertEquals((await test.client.read(request(), 100)).bytes.length, 10);
});

Deno.test("R44: an address where nobody listens is named with its port", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  using test = testClient(`127.0.0.1:${port}`);
  const error = await failure(test.client.read(request(), 100));
  assertEquals(error.code, "network");
  assertStringIncludes(error.message, `cannot use 127.0.0.1:${port}: connection refused`);
  assertEquals(test.clock.slept.length, 2);
});

Deno.test("R44: ports that Deno blocks and names that do not exist are named", async () => {
  for (const port of [1, 6000, 10080]) {
    using test = testClient(`127.0.0.1:${port}`);
    const error = await failure(test.client.read(request(), 100));
    // Deno 2.4 blocks no ports.
    assertStringIncludes(error.message, `cannot use 127.0.0.1:${port}: `);
    assertMatch(error.message, /: (?:Deno does not connect to this port|connection refused)$/);
    assertEquals(test.clock.slept.length, error.message.includes("refused") ? 2 : 0);
  }
  using test = testClient("registry.invalid");
  const { message } = await failure(test.client.read(request(), 100));
  assertMatch(
    message,
    /cannot use registry\.invalid:443: (?:unknown host name|the name cannot be resolved now)/,
  );
});

Deno.test("An aborted signal ends a request that hangs, with the signal's reason", async () => {
  await using server = startServer({ handle: () => ({ status: 200, body: "0123456789" }) });
  for (
    const fault of [{ kind: "stallAfter", bytes: 0, head: false }, {
      kind: "stallAfter",
      bytes: 5,
    }] as const
  ) {
    const abort = new AbortController();
    using test = testClient(server.host, { signal: abort.signal });
    server.faults.add({ fault });
    const reading = test.client.read(request(), 100);
    setTimeout(() => abort.abort(new Error("Ctrl-C")), 30);
    await assertRejects(() => reading, Error, "Ctrl-C");
    await assertRejects(() => test.client.read(request(), 100), Error, "Ctrl-C");
  }
});

Deno.test("The log names requests and never a query", async () => {
  await using server = startServer({ handle: () => ({ status: 200 }) });
  using test = testClient(server.host);
  await test.client.read(request({ url: "/v2/x?sig=geheim" }), 100);
  assertMatch(test.lines.join("\n"), /^GET http:\/\/127\.0\.0\.1:\d+\/v2\/x 200 \(\d+ ms\)$/);
});
