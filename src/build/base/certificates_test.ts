import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { cacheBase } from "../../../tests/support/cached_base.ts";
import { withTree } from "../../../tests/support/layer.ts";
import { tar } from "../../../tests/support/tar_fixture.ts";
import { MiseOciError } from "../../errors.ts";
import type { BuildPlan } from "../../plan/mod.ts";
import { certificateVariables, planCertificatesLayer } from "../../plan/layers/certificates.ts";
import type { LayerPlanInput } from "../../plan/layers/planner.ts";
import { openCache } from "../../store/mod.ts";
import { learn, maybeKnowledge, readBaseFiles } from "./base_files.ts";
import { addCertificates, readCertificates } from "./certificates.ts";

const pem = (body: string): string =>
  `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
const CONTEXT = { signal: new AbortController().signal, reporter: { emit: () => {} } };

Deno.test("readCertificates() takes certificates, once each, and nothing else of PEM files", async () => {
  await withTree(async (root) => {
    const write = (name: string, text: string): string => {
      Deno.writeTextFileSync(join(root, name), text);
      return join(root, name);
    };
    const a = write("a b.pem", `# corp\n${pem("AAAA")}${pem("BBBB").replaceAll("\n", "\r\n")}`);
    assertEquals(await readCertificates([a, a]), pem("AAAA") + pem("BBBB"));
    assertEquals(await readCertificates([]), undefined);
    const cases = [
      [write("key.pem", `${pem("AAAA")}-----BEGIN PRIVATE KEY-----\nx\n`), "secret"],
      [write("der.crt", "0\x82"), "config"],
      [join(root, "none.pem"), "not-found"],
    ] as const;
    for (const [path, code] of cases) {
      const error = await assertRejects(() => readCertificates([path]), MiseOciError, path);
      assertEquals(error.code, code);
      assertEquals(error.message.includes("AAAA"), false);
    }
  });
});

Deno.test("certificates are added to the base's own bundle, links followed, and variables name it", async () => {
  await withTree(async (root) => {
    const cache = await openCache(join(root, "cache"));
    const certificates = pem("CORP");
    const planned = (): BuildPlan =>
      ({
        layers: planCertificatesLayer({ options: { certificates } } as unknown as LayerPlanInput),
        config: { env: [...certificateVariables(certificates), ["A", "1"]] },
      }) as unknown as BuildPlan;
    const add = async (ground: Awaited<ReturnType<typeof cacheBase>>) => {
      const plan = await addCertificates(planned(), { ground, cache }, CONTEXT);
      const sources = plan.layers[0]?.sources ?? [];
      const files = sources.flatMap((source) =>
        source.type === "content" ? [[source.imagePath, source.content]] : []
      );
      return { files, env: Object.fromEntries(plan.config.env) };
    };
    const bundle = "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem";
    const fedora = await cacheBase(
      cache,
      tar(
        { name: "etc/pki/ca-trust/extracted/pem/" },
        { name: "etc/pki/tls/certs/" },
        { name: bundle, content: pem("BASE").trimEnd() },
        { name: "etc/pki/tls/certs/ca-bundle.crt", type: "2", link: `/${bundle}` },
      ),
    );
    for (let round = 0; round < 2; round++) {
      const { files, env } = await add(fedora);
      assertEquals(files, [
        ["/etc/ssl/mise-oci/ca.pem", certificates],
        [`/${bundle}`, pem("BASE") + certificates],
      ]);
      assertEquals([env["SSL_CERT_FILE"], env["GIT_SSL_CAINFO"], env["A"]], [
        `/${bundle}`,
        `/${bundle}`,
        "1",
      ]);
      assertEquals(env["NODE_EXTRA_CA_CERTS"], "/etc/ssl/mise-oci/ca.pem");
    }
    const bare = await add({ name: "scratch", layers: [] });
    assertEquals(bare.files.map(([path]) => path), [
      "/etc/ssl/mise-oci/ca.pem",
      "/etc/ssl/certs/ca-certificates.crt",
    ]);
    assertEquals(bare.env["SSL_CERT_FILE"], "/etc/ssl/certs/ca-certificates.crt");
  });
});

Deno.test("certificates are added to a base that was left in its registry and of which the store told", async () => {
  await withTree(async (root) => {
    const cache = await openCache(join(root, "cache"));
    const told = await openCache(join(root, "told"));
    const content = pem("BASE");
    const base = await cacheBase(
      cache,
      tar({ name: "etc/ssl/certs/ca-certificates.crt", content }),
    );
    await readBaseFiles(base, cache, CONTEXT);
    const [layer] = base.layers;
    const known = layer === undefined ? undefined : await maybeKnowledge(layer, cache);
    if (layer !== undefined && known !== undefined) await learn(layer, known, told);
    const open = (): ReturnType<typeof cache.open> => cache.open(layer!.descriptor.digest);
    const certificates = pem("CORP");
    const input = { options: { certificates } } as unknown as LayerPlanInput;
    const plan = { layers: planCertificatesLayer(input), config: { env: [] } };
    const ground = { ...base, open };
    const added = await addCertificates(
      plan as unknown as BuildPlan,
      { ground, cache: told },
      CONTEXT,
    );
    assertEquals(
      added.layers[0]?.sources.flatMap((source) => "content" in source ? source.content : []),
      [certificates, content + certificates],
    );
  });
});
