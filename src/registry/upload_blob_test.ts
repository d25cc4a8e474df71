import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import {
  type FaultRule,
  randomBytes,
  startFaultRegistry,
  startTokenServer,
} from "../../tests/support/faultreg/mod.ts";
import {
  assertPushed,
  big,
  CHUNK,
  count,
  small,
  survive,
  UPLOADS,
  withRegistry,
} from "../../tests/support/push_run.ts";
import { MiseOciError } from "../errors.ts";

const layers = [big];
Deno.test("R19: an upload Location on another origin never gets the token", async () => {
  const tokens = startTokenServer({ user: { username: "me", password: "secret" } });
  await using _tokens = tokens;
  await using other = startFaultRegistry();
  await withRegistry(async (run) => {
    run.registry.faults.add({
      method: "POST",
      path: UPLOADS,
      times: Infinity,
      fault: {
        kind: "rewrite",
        rewrite: (reply) => {
          const path = reply.headers?.["location"] ?? "";
          const [, name = "", id = ""] = /v2\/(.*)\/blobs\/uploads\/([^?]*)/.exec(path) ?? [];
          const upload = run.registry.content.uploads.get(id);
          assert(upload !== undefined);
          other.content.uploads.set(id, upload);
          assertEquals(name, "app");
          return { ...reply, headers: { ...reply.headers, location: other.url + path } };
        },
      },
    });
    // The manifest is refused, for the blobs are elsewhere now; what counts is what was sent where.
    await assertRejects(() => run.push({ layers }), MiseOciError, "MANIFEST_BLOB_UNKNOWN");
    assert(other.log.some(({ method }) => method === "PATCH"));
    for (const { authorization } of other.log) assertEquals(authorization, undefined);
  }, {
    auth: { kind: "bearer", tokens },
    credentials: { kind: "basic", username: "me", password: "secret" },
  });
});

Deno.test("R21: PATCH may answer 201 or 204, POST 200 or 201", async () => {
  for (const [method, statuses] of [["PATCH", [201, 204]], ["POST", [200, 201]]] as const) {
    for (const status of statuses) {
      await withRegistry(async (run) => {
        await survive(run, {
          method,
          path: UPLOADS,
          times: Infinity,
          fault: { kind: "rewrite", rewrite: (reply) => ({ ...reply, status }) },
        });
      });
    }
  }
});

Deno.test("R21: PUT that answers 200, 202 or 204 is confirmed with HEAD", async () => {
  for (const status of [200, 202, 204]) {
    await withRegistry(async (run) => {
      const steps = await survive(run, {
        method: "PUT",
        path: UPLOADS,
        times: Infinity,
        fault: { kind: "rewrite", rewrite: (reply) => ({ ...reply, status }) },
      });
      assertEquals(count(steps, "HEAD blobs"), 4);
    });
  }
});

Deno.test("R21: PUT that answers 202 and stores nothing is not believed", async () => {
  await withRegistry(async (run) => {
    const fault = { kind: "status", status: 202 } as const;
    run.registry.faults.add({ method: "PUT", path: UPLOADS, times: Infinity, fault });
    await assertRejects(() => run.push({ layers }), MiseOciError, "does not store them");
    assertEquals(run.registry.content.get("app").tags.size, 0);
  });
});

Deno.test("R22: chunks other than the last are as long as the registry demands", async () => {
  const minChunk = CHUNK + 12_345;
  await withRegistry(async (run) => {
    await survive(run);
    const patches = run.registry.log.filter(({ method }) => method === "PATCH");
    for (const { bodySize } of patches.slice(0, -1)) assert(bodySize >= minChunk);
    assertEquals(patches.length, 3);
  }, { minChunk });
});

Deno.test("R23: chunks are halved for a registry with a limit, which is remembered", async () => {
  const limit = 300 * 1024;
  const tooLong: FaultRule["when"] = ({ headers, method }) =>
    method !== "GET" && Number(headers.get("content-length")) > limit;
  for (const status of [413, 416]) {
    await withRegistry(async (run) => {
      const steps = await survive(run, {
        path: UPLOADS,
        when: tooLong,
        times: Infinity,
        fault: { kind: "status", status, body: "exceeds 300 KiB" },
      });
      assertEquals(count(steps, "POST uploads"), 3, `${status}`);
      const other = randomBytes(CHUNK, 9);
      await run.push({ layers: [other], to: "app:v1" });
      assertPushed(run, [other]);
      const again = run.steps();
      assertEquals(count(again, "POST uploads"), 2);
      assertEquals(count(again, "PATCH uploads"), 2);
    });
  }
});

Deno.test("R23: a registry that takes nothing at all ends in its own words", async () => {
  await withRegistry(async (run) => {
    const fault = { kind: "status", status: 413, body: "too large" } as const;
    run.registry.faults.add({ path: UPLOADS, method: "PATCH", times: Infinity, fault });
    await assertRejects(() => run.push({ layers }), MiseOciError, "answered 413: too large");
  });
});

Deno.test("R28: a token that expires in an upload is renewed and the chunk sent again whole", async () => {
  for (const method of ["PATCH", "PUT"]) {
    const tokens = startTokenServer({ user: { username: "me", password: "secret" } });
    await using _tokens = tokens;
    await withRegistry(async (run) => {
      let revoked = false;
      await survive(run, {
        method,
        path: UPLOADS,
        when: () => {
          if (!revoked) tokens.revoke();
          revoked = true;
          return false;
        },
        fault: { kind: "delay", ms: 0 },
      });
      assertEquals(tokens.given.length, 2);
    }, {
      auth: { kind: "bearer", tokens },
      credentials: { kind: "basic", username: "me", password: "secret" },
    });
  }
});

Deno.test("R29, A18: a token that may not push ends soon, and push asks for pull,push only", async () => {
  const tokens = startTokenServer();
  await using _tokens = tokens;
  await withRegistry(async (run) => {
    const error = await assertRejects(() => run.push({ layers: [small] }), MiseOciError);
    assertEquals(error.code, "auth");
    assert(error.hint?.includes("docker login"), error.hint);
    assertLess(tokens.log.length, 5);
    const asked = new Set(
      tokens.log.flatMap(({ target }) => new URL(target, "http://x").searchParams.getAll("scope")),
    );
    assertEquals(asked, new Set(["repository:app:pull,push"]));
  }, { auth: { kind: "bearer", tokens } });
});

Deno.test("R30: a blob of the base's repository is mounted, with pull access to that alone", async () => {
  const tokens = startTokenServer({ user: { username: "me", password: "secret" } });
  await using _tokens = tokens;
  await withRegistry(async (run) => {
    const layer = run.registry.content.addBlob("base", big).digest;
    const baseOrigin = {
      registry: run.registry.host,
      repository: "base",
      layers: new Set([layer]),
    };
    const result = await run.push({ layers, baseOrigin });
    assertPushed(run, layers);
    assertEquals([result.mounted, result.uploaded], [1, 1]);
    const scopes = tokens.given.map(({ scopes }) => scopes.join(" "));
    assertEquals(scopes, [
      "repository:app:pull,push",
      "repository:app:pull,push repository:base:pull",
    ]);
    const elsewhere = { ...baseOrigin, registry: "ghcr.io" };
    assertEquals((await run.push({ layers, baseOrigin: elsewhere, to: "b:1" })).mounted, 0);
  }, {
    auth: { kind: "bearer", tokens },
    credentials: { kind: "basic", username: "me", password: "secret" },
  });
});

Deno.test("R30: a mount that is answered with a session or refused becomes an upload", async () => {
  for (const status of [202, 400, 401, 403, 404, 405]) {
    await withRegistry(async (run) => {
      const layer = run.registry.content.addBlob("base", big).digest;
      if (status === 202) run.registry.content.get("base").blobs.clear();
      else {
        const fault = { kind: "status", status } as const;
        run.registry.faults.add({ method: "POST", path: /mount=/, times: Infinity, fault });
      }
      const { host: registry } = run.registry;
      const baseOrigin = { registry, repository: "base", layers: new Set([layer]) };
      const result = await run.push({ layers, baseOrigin });
      assertPushed(run, layers);
      assertEquals([result.mounted, result.uploaded], [0, 2]);
      assertEquals(count(run.steps(), "POST uploads"), status === 202 ? 2 : 3);
    });
  }
});

Deno.test("R32: a HEAD that is refused or states another length leads to an upload", async () => {
  for (const set of [405, 403, undefined]) {
    await withRegistry(async (run) => {
      await run.push({ layers: [small] });
      run.steps();
      const fault = set === undefined
        ? { kind: "headers", set: { "content-length": "5" } } as const
        : { kind: "status", status: set } as const;
      run.registry.faults.add({ method: "HEAD", path: /\/blobs\//, times: 2, fault });
      assertEquals((await run.push({ layers: [small] })).uploaded, 2);
    });
  }
});

Deno.test("R32: a HEAD that is redirected is followed", async () => {
  await using other = startFaultRegistry();
  await withRegistry(async (run) => {
    await run.push({ layers: [small] });
    for (const bytes of run.registry.content.get("app").blobs.values()) {
      other.content.addBlob("app", bytes);
    }
    run.registry.faults.add({
      method: "HEAD",
      path: /\/blobs\//,
      times: Infinity,
      fault: {
        kind: "respond",
        respond: ({ path }) => ({ status: 307, headers: { location: other.url + path } }),
      },
    });
    assertEquals((await run.push({ layers: [small] })).present, 2);
  });
});

Deno.test("R34: a redirected PATCH or PUT is sent again with its body", async () => {
  for (const method of ["PATCH", "PUT"]) {
    for (const status of [307, 308]) {
      await withRegistry(async (run) => {
        run.registry.faults.add({
          method,
          path: UPLOADS,
          fault: {
            kind: "respond",
            respond: ({ target }) => ({ status, headers: { location: `${target}&again=1` } }),
          },
        });
        await run.push({ layers });
        assertPushed(run, layers);
      });
    }
  }
});
