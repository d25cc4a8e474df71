import { assertEquals } from "@std/assert";
import { NO_BASE, toolPlan, withTree } from "../../../tests/support/layer.ts";
import type { LayerEntry } from "../entry.ts";
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
  ".env": "# settings\nexport PORT=3000\n",
  "f/.env.production": "DATABASE_URL=postgres://me:pw@db/app\n",
  "f/.env.local": "X='1'\n",
  ".yarnrc.yml": 'npmRegistryServer: "https://r"\nnpmAuthToken: "abc"\n',
  ".config/gh/hosts.yml": "github.com:\n    oauth_token: gho_abc\n",
  ".config/glab-cli/config.yml": "hosts:\n  gitlab.com:\n    token: abc\n",
  ".cargo/credentials.toml": '[registry]\ntoken = "abc"\n',
  ".config/pip/pip.conf": "[global]\nindex-url = https://u:p@pypi.example.com/simple\n",
  ".kube/config": "users:\n- name: me\n  user:\n    token: abc\n",
  "admin.kubeconfig": "users:\n- user:\n    client-key-data: LS0tLS1CRUdJTg==\n",
  "sa.json": JSON.stringify({
    type: "service_account",
    project_id: "p".repeat(200),
    private_key: KEY,
  }),
  ".m2/settings.xml": "<servers><server><password>abc</password></server></servers>",
  ".composer/auth.json": '{"github-oauth":{"github.com":"abc"}}',
  ".terraformrc": 'credentials "app.terraform.io" {\n  token = "abc"\n}\n',
  ".vault-token": "hvs.abc",
  ".my.cnf": "[client]\npassword=abc\n",
  ".git/modules/sub/config": '[remote "origin"]\n\turl = https://me:pw@example.com/a.git\n',
  "age/keys.txt": "# created\nAGE-SECRET-KEY-1ABC\n",
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
  ".env": "# nothing but a comment\n",
  "a/.env": "PASSWORD=\nTOKEN=${TOKEN}\nKEY=<key>\n",
  ".env.example": "PASSWORD=abc\n",
  ".env.local.sample": "PASSWORD=abc\n",
  ".environment": "PASSWORD=abc\n",
  ".yarnrc.yml": 'npmAuthToken: "${NPM_TOKEN}"\n',
  ".config/gh/hosts.yml": "github.com:\n    user: me\n",
  ".config/pip/pip.conf": "[global]\nindex-url = https://pypi.example.com/simple\n",
  ".kube/config": "clusters:\n- cluster:\n    certificate-authority-data: AAAA\n",
  ".aws/config": "[default]\nregion = eu-central-1\n",
  "package.json": JSON.stringify({ name: "x", description: "service_account ".repeat(20) }),
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

Deno.test("A17: of a tool, keys of its tests and settings that are no secret do not count", () => {
  const tool = "mise/installs/go/1.26.8/";
  const file = (path: string, content: string): LayerEntry => ({
    path: tool + path,
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    target: "",
    content: new TextEncoder().encode(content),
  });
  const published = [
    file("src/crypto/tls/testdata/example-key.pem", KEY),
    file("src/crypto/x509/platform_root_key.pem", KEY),
    file("lib/python3.12/test/certdata/keycert.pem", KEY),
    file("node_modules/x/test/fixtures/id_rsa", KEY),
    file("node_modules/x/.env", "PORT=3000\n"),
  ];
  assertEquals(findSecrets(published, { published: true }), []);
  assertEquals(findSecrets(published).length, published.length);
  const own = [
    file(".git/config", '[remote "o"]\n\turl = https://oauth2:abc@example.com/r\n'),
    file("src/.git/config", '[url "https://x:abc@example.com/"]\n\tinsteadOf = git@example.com:\n'),
    file("etc/server.key", KEY),
    file(".env", "API_TOKEN=abc\n"),
    file("test/.npmrc", "//r/:_authToken=abc\n"),
    file("latest/key.pem", KEY),
  ];
  assertEquals(findSecrets(own, { published: true }), own.map(({ path }) => path));
  const allowed = (path: string): boolean => path === `/${tool}.env`;
  assertEquals(findSecrets(own, { published: true, allowed }).length, own.length - 1);
});

Deno.test("A17: text that the program makes is looked at as well", async () => {
  const source = { type: "content", imagePath: "/root/.netrc", mode: 0o600 } as const;
  const plan = toolPlan("/nowhere", { sources: [{ ...source, content: "machine a password b" }] });
  const { entries } = await scanLayer(plan, { baseDirectories: NO_BASE });
  assertEquals(findSecrets(entries), ["root/.netrc"]);
});
