import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import {
  big,
  CHUNK,
  count,
  received,
  survive,
  UPLOADS,
  withRegistry,
} from "../../tests/support/push_run.ts";
import { randomBytes } from "../../tests/support/faultreg/mod.ts";
import { pushableImage } from "../../tests/support/pushable_image.ts";
import { MiseOciError } from "../errors.ts";

const layers = [big];

for (const status of [408, 429, 500, 502, 503, 504]) {
  Deno.test(`R02: ${status} on POST, PATCH and PUT of an upload is waited out`, async () => {
    for (const method of ["POST", "PATCH", "PUT"]) {
      await withRegistry(async (run) => {
        await survive(run, { method, path: UPLOADS, times: 2, fault: { kind: "status", status } });
        assertEquals(run.slept.length >= 2, true, method);
      });
    }
  });
}

Deno.test("R01: Retry-After on PATCH and PUT is honoured", async () => {
  for (const method of ["PATCH", "PUT"]) {
    for (const status of [429, 503]) {
      await withRegistry(async (run) => {
        const headers = { "retry-after": "7" };
        await survive(run, {
          method,
          path: UPLOADS,
          fault: { kind: "status", status, headers },
        });
        assert(run.slept.includes(7000), `${method} ${status}: ${run.slept}`);
      });
    }
  }
});

Deno.test("R02: a registry that always fails ends in an error with status and URL", async () => {
  for (const method of ["POST", "PATCH", "PUT"]) {
    await withRegistry(async (run) => {
      run.registry.faults.add({
        method,
        path: UPLOADS,
        times: Infinity,
        fault: { kind: "status", status: 503, body: "down" },
      });
      const error = await assertRejects(
        () => run.push({ layers }),
        MiseOciError,
        "answered 503: down",
      );
      assert(error.message.includes(`${method} http://${run.registry.host}/v2/app/blobs/uploads/`));
      assertLess(count(run.steps(), `${method} uploads`), 12);
      assertEquals(run.registry.content.get("app").tags.size, 0);
    });
  }
});

Deno.test("R24: a chunk that was not stored is noticed and sent again", async () => {
  await withRegistry(async (run) => {
    const lose = { kind: "respond", respond: stay } as const;
    function stay(request: { path: string }): { status: number; headers: Record<string, string> } {
      return { status: 202, headers: { location: request.path, range: `0-${CHUNK - 1}` } };
    }
    await survive(run, { method: "PATCH", nth: 2, fault: lose });
    assertEquals(received(run), big.length + CHUNK + pushableImage(layers).config.size);
  });
});

Deno.test("R24: a Range of the chunk alone is looked into and the upload goes on", async () => {
  await withRegistry(async (run) => {
    await survive(run, {
      method: "PATCH",
      times: Infinity,
      fault: {
        kind: "rewrite",
        rewrite: (reply, request) => ({
          ...reply,
          headers: { ...reply.headers, range: `0-${request.body.length - 1}` },
        }),
      },
    });
    assertEquals(received(run), big.length + pushableImage(layers).config.size);
  });
});

Deno.test("R24: a registry that keeps losing chunks gets the blob in one request", async () => {
  await withRegistry(async (run) => {
    const steps = await survive(run, {
      method: "PATCH",
      times: Infinity,
      fault: {
        kind: "respond",
        respond: (request) => ({ status: 202, headers: { location: request.path, range: "0-0" } }),
      },
    });
    assertEquals(count(steps, "POST uploads"), 3);
    const puts = run.registry.log.filter(({ bodySize }) => bodySize === big.length);
    assertEquals(puts.map(({ method }) => method), ["PUT"]);
  });
});

Deno.test("R25: 416 out of order goes on where the registry says", async () => {
  await withRegistry(async (run) => {
    // The second chunk is stored, and the answer says that it came out of order.
    await survive(run, {
      method: "PATCH",
      nth: 2,
      fault: { kind: "rewrite", rewrite: () => ({ status: 416, headers: { range: "0-9" } }) },
    });
    assertEquals(received(run), big.length + pushableImage(layers).config.size);
  });
});

Deno.test("R26: a connection that breaks in a chunk resumes behind what was kept", async () => {
  await withRegistry(async (run) => {
    const kept = 100_000;
    const steps = await survive(run, {
      method: "PATCH",
      nth: 2,
      fault: { kind: "cutRequest", bytes: kept, keep: true },
    });
    assertEquals(count(steps, "POST uploads"), 2);
    assertEquals(count(steps, "GET uploads"), 1);
    // Deno itself may send the chunk again before we learn of it; no more than that is sent twice.
    const once = big.length + pushableImage(layers).config.size;
    assertLess(received(run) - once, CHUNK + 1);
  });
});

Deno.test("R26: wherever it breaks, a registry that says what it kept gets at most 1.3 times the bytes", async () => {
  const parts = 20;
  const layer = randomBytes(parts * CHUNK, 3);
  for (const nth of [2, 5, 10, 15, 19]) {
    await withRegistry(async (run) => {
      const fault = { kind: "cutRequest", bytes: CHUNK >> 1, keep: true } as const;
      run.registry.faults.add({ method: "PATCH", nth, fault });
      const { bytesSent } = await run.push({ layers: [layer] });
      assertEquals(count(run.steps(), "GET uploads"), 1);
      for (const sent of [bytesSent, received(run)]) assertLess(sent, 1.3 * layer.length);
    });
  }
});

Deno.test("R26: a connection that breaks before anything was kept sends the chunk again", async () => {
  for (const method of ["PATCH", "PUT"]) {
    await withRegistry(async (run) => {
      const fault = { kind: "cutRequest", bytes: 0, keep: false } as const;
      const steps = await survive(run, { method, path: UPLOADS, nth: 2, fault });
      assertEquals(count(steps, "POST uploads"), 2);
    });
  }
});

Deno.test("R26: a PUT whose answer is lost is found to have worked", async () => {
  // Deno itself may send the PUT again, to a session that has ended by then.
  for (const times of [1, Infinity]) {
    await withRegistry(async (run) => {
      const fault = { kind: "closeBefore" } as const;
      const steps = await survive(run, { method: "PUT", path: UPLOADS, times, fault });
      assertEquals(count(steps, "POST uploads"), 2);
      assertEquals(received(run) < 2 * big.length, true);
    });
  }
});

Deno.test("R27: a session that is gone is begun again, once", async () => {
  const body = '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}';
  const fault = { kind: "status", status: 404, body } as const;
  for (const method of ["PATCH", "PUT"]) {
    await withRegistry(async (run) => {
      const steps = await survive(run, { method, path: UPLOADS, fault });
      assertEquals(count(steps, "POST uploads"), 3);
    });
    await withRegistry(async (run) => {
      run.registry.faults.add({ method, path: UPLOADS, times: Infinity, fault });
      await assertRejects(() => run.push({ layers }), MiseOciError, "404: BLOB_UPLOAD_UNKNOWN");
      assertEquals(count(run.steps(), "POST uploads"), method === "PATCH" ? 3 : 2);
    });
  }
});
