import { assertEquals } from "@std/assert";
import { NO_BASE, toolPlan, withTree } from "../../tests/support/layer.ts";
import { scanLayer } from "./scan.ts";
import { findSecrets } from "./secrets.ts";

const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
const SECRET: Readonly<Record<string, string>> = {
  ".npmrc": "save-exact=true\n//registry.example.com/:_authToken=npm_abc\n",
  "a/.npmrc": "_auth = dXNlcjpwdw==\n",
  "b/.npmrc": "not a setting at all\n",
  ".netrc": "machine example.com login me password pw\n",
  "_netrc": "machine example.com login me password pw\n",
  ".ssh/id_rsa": KEY,
  ".ssh/id_ed25519": "encrypted somehow",
  "tls/server.pem": KEY.replaceAll("OPENSSH ", "RSA "),
  "tls/server.key": KEY.replaceAll("OPENSSH ", ""),
  ".git-credentials": "https://me:pw@example.com\n",
  ".pypirc": "[pypi]\nusername = __token__\npassword = pypi-abc\n",
  "c/.git/config":
    '[remote "origin"]\n\turl = https://x-access-token:ghs_abc@example.com/a/b.git\n',
  "d/.git/config": '[http "https://example.com/"]\n\textraheader = AUTHORIZATION: basic eA==\n',
  "e/.git/config":
    '[remote "origin"]\n\turl = https://ghp_abcdefABCDEF123456@example.com/a/b.git\n',
  ".docker/config.json": '{"auths":{"r.example.com":{"auth":"dTpw"}}}',
  ".config/containers/auth.json": '{"auths":{"r.example.com":{"auth":"dTpw"}}}',
  ".aws/credentials": "[default]\naws_secret_access_key = x\n",
};
const HARMLESS: Readonly<Record<string, string>> = {
  ".npmrc": "# comment\n; another\n\nsave-exact=true\n@me:registry=https://npm.example.com/\n",
  "a/.npmrc": "//registry.example.com/:_authToken=${NPM_TOKEN}\nlegacy-peer-deps\n",
  ".netrc": " \n",
  ".ssh/id_rsa.pub": "ssh-rsa AAAA me\n",
  "certs/ca.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  "i18n/en.key": "title=Hello\n",
  ".git/config":
    '[remote "origin"]\n\turl = https://example.com/a/b.git\n\tpushurl = ssh://git@example.com/a/b\n',
  "a/.git/config":
    '[remote "origin"]\n\turl = git@example.com:a/b.git\n\tpushurl = https://me@example.com/a/b.git\n',
  ".docker/config.json": '{"credsStore":"pass","auths":{"r.example.com":{}}}',
  "id_rsa_notes.txt": KEY,
};

async function find(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  let found: readonly string[] = [];
  await withTree(async (tree) => {
    for (const [path, content] of Object.entries(files)) {
      const slash = path.lastIndexOf("/");
      if (slash > 0) Deno.mkdirSync(`${tree}/${path.slice(0, slash)}`, { recursive: true });
      Deno.writeTextFileSync(`${tree}/${path}`, content);
    }
    const plan = toolPlan(tree, {
      kind: "copy",
      sources: [{ type: "tree", hostPath: tree, imagePath: "/app" }],
    });
    found = findSecrets((await scanLayer(plan, { baseDirectories: NO_BASE })).entries);
  });
  return found;
}

Deno.test("A17: files that hold credentials are found by path", async () => {
  assertEquals(await find(SECRET), Object.keys(SECRET).map((path) => `app/${path}`).toSorted());
});

Deno.test("A17: files of the same names without credentials are left alone", async () => {
  assertEquals(await find(HARMLESS), []);
});

Deno.test("A17: text that the program makes is looked at as well", async () => {
  const source = { type: "content", imagePath: "/root/.netrc", mode: 0o600 } as const;
  const plan = toolPlan("/nowhere", { sources: [{ ...source, content: "machine a password b" }] });
  const { entries } = await scanLayer(plan, { baseDirectories: NO_BASE });
  assertEquals(findSecrets(entries), ["root/.netrc"]);
});
