import { assertEquals } from "@std/assert";
import { RelocatedTexts, relocatesAlike } from "./dependencies.ts";
import { relocationMap } from "./relocate.ts";

const node = (version: string): ReturnType<typeof relocationMap> =>
  relocationMap([{ host: `/d/node/${version}`, image: `/m/node/${version}` }], []);

Deno.test("relocatesAlike() is true for tools that the texts do not name", () => {
  const texts = [{
    kind: "shebang",
    before: "#!/usr/bin/env node",
    after: "#!/usr/bin/env node",
  }] as const;
  assertEquals(relocatesAlike(texts, node("24")), true);
  assertEquals(relocatesAlike(texts, node("26")), true);
  assertEquals(relocatesAlike([], node("26")), true);
});

Deno.test("D18: relocatesAlike() is false once a tool that a text names is another, gone or new", () => {
  const named = [{
    kind: "shebang",
    before: "#!/d/node/24/bin/node",
    after: "#!/m/node/24/bin/node",
  }] as const;
  assertEquals(relocatesAlike(named, node("24")), true);
  assertEquals(relocatesAlike(named, node("26")), false);
  const moved = relocationMap([{ host: "/d/node/24", image: "/opt/node/24" }], []);
  assertEquals(relocatesAlike(named, moved), false);
  const unknown = [{
    kind: "shebang",
    before: "#!/d/node/24/bin/node",
    after: "#!/d/node/24/bin/node",
  }] as const;
  assertEquals(relocatesAlike(unknown, node("24")), false);
});

Deno.test("D18: relocatesAlike() looks at virtual environments by their own rules", () => {
  const before = "home = /usr/bin\nversion = 3.12.4\n";
  const python = relocationMap([{ host: "/d/python", image: "/m/installs/python/3.12.4" }], []);
  const after = "home = /m/installs/python/3.12.4/bin\nversion = 3.12.4\n";
  assertEquals(relocatesAlike([{ kind: "venv", before, after }], python), true);
  assertEquals(relocatesAlike([{ kind: "venv", before, after }], node("24")), false);
});

Deno.test("RelocatedTexts keeps each text once and gives up on too many", () => {
  const texts = new RelocatedTexts();
  const text = { kind: "shebang", before: "#!/bin/sh", after: "#!/bin/sh" } as const;
  texts.add(text);
  texts.add(text);
  assertEquals(texts.list(), [text]);
  for (let i = 0; i < 600; i++) texts.add({ ...text, before: `#!/x/${i}` });
  assertEquals(texts.list(), undefined);
});
