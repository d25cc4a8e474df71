import { assertEquals, assertStringIncludes } from "@std/assert";
import { failure, testClient } from "../../tests/support/registry_client.ts";
import { listTagNames } from "./list_tags.ts";

const repository = "team/app";

/** A registry whose answers are given by the query of a request. */
function startPages(answer: (query: string) => Response): Disposable & { readonly host: string } {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const { pathname, search } = new URL(request.url);
      return pathname === `/v2/${repository}/tags/list`
        ? answer(search)
        : new Response(undefined, { status: 404 });
    },
  );
  return {
    host: `127.0.0.1:${server.addr.port}`,
    [Symbol.dispose]: () => void server.shutdown(),
  };
}

Deno.test("listTagNames() follows pages, and takes null for no tags", async () => {
  const link = { link: `</v2/${repository}/tags/list?n=2&last=b>; rel="next"` };
  using registry = startPages((query) =>
    query === ""
      ? Response.json({ name: repository, tags: ["a", "b"] }, { headers: link })
      : Response.json({ tags: ["c"] })
  );
  using test = testClient(registry.host);
  assertEquals(await listTagNames(test.client, { repository }), ["a", "b", "c"]);
  using empty = startPages(() => Response.json({ name: repository, tags: null }));
  using other = testClient(empty.host);
  assertEquals(await listTagNames(other.client, { repository }), []);
});

Deno.test("listTagNames() ends where a registry gives the same page again, and refuses what is no list", async () => {
  const link = { link: `</v2/${repository}/tags/list?again>; rel="next"` };
  using registry = startPages(() => Response.json({ tags: ["a"] }, { headers: link }));
  using test = testClient(registry.host);
  assertEquals(await listTagNames(test.client, { repository }), ["a"]);
  using broken = startPages(() => Response.json({ tags: [1] }));
  using other = testClient(broken.host);
  const error = await failure(listTagNames(other.client, { repository }));
  assertEquals(error.code, "invalid");
  assertStringIncludes(error.message, `tags of "${broken.host}/team/app".tags[0]`);
  const absent = await failure(listTagNames(other.client, { repository: "none" }));
  assertEquals(absent.code, "not-found");
});
