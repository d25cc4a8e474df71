import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { NO_BASE, toolPlan, withTree } from "../../tests/support/layer.ts";
import { hearWarnings } from "../context.ts";
import type { BuildPlan } from "../plan/mod.ts";
import { openCache } from "../store/mod.ts";
import type { ReportEvent } from "../ui/reporter.ts";
import { makeLayers } from "./layers.ts";

Deno.test("makeLayers() says once for a layer that links of it lead nowhere, and -v lists them", async () => {
  await withTree(async (root) => {
    for (const name of ["a", "b", "c"]) {
      await Deno.symlink(`/etc/java/${name}`, join(root, name));
    }
    const cache = await openCache(join(root, "../cache"));
    const layers = [{ ...toolPlan(root), name: "java" }];
    const plan = { layers, compression: { kind: "none" } } as unknown as BuildPlan;
    const events: ReportEvent[] = [];
    const signal = new AbortController().signal;
    const heard = hearWarnings({ signal, reporter: { emit: (event) => void events.push(event) } });
    const options = { cache, useCache: true, baseDirectories: NO_BASE, strict: false, jobs: 1 };
    await makeLayers(plan, options, heard.context);
    const links = ["a", "b", "c"].map((name) =>
      `Link "/mise/installs/t/1/${name}" leads to "/etc/java/${name}", which the image does not provide`
    );
    assertEquals(events.filter(({ type }) => type === "warning"), [{
      type: "warning",
      text: `java 1: ${links[0]}; 2 others do the same (-v lists them)`,
      items: links,
    }]);
    // The check does not repeat warnings.
    assertEquals(heard.warnings.slice(1), links);
  });
});
