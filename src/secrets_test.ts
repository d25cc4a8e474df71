import { assert, assertEquals } from "@std/assert";
import { isOrdinary, isTrivial, maybeSecretKind, secretFinder } from "./secrets.ts";

const HEX = "0123456789abcdef";
const MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7";

/** Tokens are put together here: a scanner of this repository would take them for real ones. */
const SECRETS: Readonly<Record<string, readonly string[]>> = {
  "a URL with a password": [
    "postgres://app:hunter2@db/app",
    "postgres://user:password@localhost:5432/db",
    "redis://:pw@cache:6379/0",
    "https://me:p%40ss@example.com/a.git",
    "amqps://u:p@q@broker/vhost",
    "postgres://app:a/b?c#d@db/app",
    "see mongodb+srv://root:abc@cluster0.example.net/?retryWrites=true",
  ],
  "a URL with a token": [`https://${MIXED}@github.com/a/b.git`],
  "a connection string with a password": [
    "Server=db;Database=app;User Id=sa;Password=Pa55w0rd;",
    "jdbc:postgresql://db/app?user=app&password=hunter2",
    "serve --password=hunter2 --port 80",
  ],
  "a private key": [
    "-----BEGIN OPENSSH PRIVATE " + "KEY-----\nAAAA",
    "-----BEGIN PRIVATE " + "KEY-----",
  ],
  "an age secret key": ["AGE-SECRET-" + `KEY-1${"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".repeat(2)}`],
  "a JSON Web Token": [`eyJ${"hbGciOiJIUzI1NiJ9"}.eyJ${"zdWIiOiIxMjM0In0"}.${MIXED}`],
  "an authorization header": ["Authorization: Bearer abcdefghijkl"],
  "a registry login": ['{"auths":{"ghcr.io":{"auth":"bWU6aHVudGVyMg=="}}}'],
  "a GitHub token": [..."opusr"].map((letter) => `gh${letter}_${MIXED}ABCDEFGHI`).concat(
    `github_pat_${MIXED}_${MIXED}`,
  ),
  "a GitLab token": [`glpat-${MIXED.slice(0, 20)}`],
  "a Slack token": [`xoxb-${"123456789012"}-${MIXED}`, `xapp-1-${MIXED}`],
  "a Slack webhook": ["https://hooks.slack.com/services/" + "T0000/B0000/abcdef"],
  "a Stripe key": [`sk_live_${MIXED}`, `rk_live_${MIXED}`, `sk_test_${MIXED}`],
  "an AWS access key": ["AKIA" + "Z7QW3ERTY5UIOP2A", "ASIA" + "Z7QW3ERTY5UIOP2A"],
  "a Google key": [`AIza${"SyA"}${MIXED}abcdefgh`],
  "an npm token": [`npm_${MIXED}abcdefghi`],
  "a PyPI token": [`pypi-AgEIcHlwaS5vcmc${MIXED}`],
  "an OpenAI or Anthropic key": [
    `sk-${MIXED}`,
    `sk-proj-${MIXED}`,
    `sk-ant-api03-${MIXED}-${MIXED}`,
  ],
  "a SendGrid key": [`SG.${MIXED.slice(0, 22)}.${MIXED}${MIXED}`],
  "a Twilio key": [`SK${HEX}${HEX}`],
  "a DigitalOcean token": [`dop_v1_${HEX.repeat(4)}`],
  "a Hugging Face token": [`hf_${MIXED}abcdefg`],
  "an Azure storage key": [
    `DefaultEndpointsProtocol=https;AccountName=x;AccountKey=${MIXED.repeat(3)}==;EndpointSuffix=y`,
  ],
  "a Docker token": [`dckr_pat_${MIXED}`],
  "a Vault token": [`hvs.${MIXED}`],
  "a private key or login in Base64": [
    btoa("-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow\n-----END"),
  ],
};

const INNOCENT: readonly string[] = [
  "",
  "true",
  "production",
  HEX.repeat(2),
  HEX.repeat(4),
  `sha256:${HEX.repeat(4)}`,
  "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
  "v24.11.0",
  "git@github.com:team/app.git",
  "ssh://git@github.com/team/app.git",
  "https://me@example.com/team/app.git",
  "https://first.last%40example.com@dev.example.com/x",
  "postgres://localhost/db",
  "docker://app:1.2@sha256:0123",
  "http://[::1]:80/a@b",
  "postgres://app@localhost:5432/db",
  "postgres://app:@localhost/db",
  "postgres://app:<password>@db/app",
  "postgres://app:${PASSWORD}@db/app",
  "postgres://app:$PASSWORD@db/app",
  "postgres://app:{{password}}@db/app",
  "postgres://app:%s@db/app",
  "postgres://app:****@db/app",
  "https://example.com:8443/a@b",
  "http://localhost:3000/@scope/name",
  "/srv/app:/usr/lib:/opt/x@1",
  "npm_config_registry_and_other_settings_of_npm",
  "pypi-mirror-of-our-company-internal",
  "sk-learn-and-other-libraries-of-python",
  "task-1234567890123456789012",
  "disk-0123456789abcdef0123",
  "-----BEGIN CERTIFICATE-----\nMIID",
  "-----BEGIN PUBLIC KEY-----\nMIIB",
  "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
  "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
  "sk_live_your_key_here",
  "SG.placeholder",
  "--password-file=/run/secrets/db",
  "app --password $DB_PASSWORD",
  "en_US.UTF-8",
  "AKIA is how keys begin",
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
  "eyJhbGciOiJub25lIn0",
  btoa("just a text that is long enough to be looked at as Base64"),
  "-Xmx2g -Dfile.encoding=UTF-8",
  "MIT OR Apache-2.0",
];

Deno.test("A16: maybeSecretKind() knows what big services publish about their tokens", () => {
  for (const [kind, texts] of Object.entries(SECRETS)) {
    for (const text of texts) {
      assertEquals(maybeSecretKind(text), kind, text);
      assertEquals(
        maybeSecretKind(`x=${text} y`),
        kind.includes("Base64") ? undefined : kind,
        text,
      );
    }
  }
});

Deno.test("A16: maybeSecretKind() leaves hashes, names, plain URLs and placeholders alone", () => {
  for (const text of INNOCENT) assertEquals(maybeSecretKind(text), undefined, text);
});

Deno.test("A16: maybeSecretKind() is linear in what it looks at", () => {
  const started = performance.now();
  for (const text of ["a", "A-", "eyJ", "sk-a-", "x://", "a:b@", "1.", "-----BEGIN A "]) {
    maybeSecretKind(text.repeat(64 * 1024 / text.length));
  }
  assert(performance.now() - started < 5_000);
});

Deno.test("A16: secretFinder() finds a value in a URL, in Base64 and in JSON, and no trivial one", () => {
  const find = secretFinder([
    { name: "DB_PASS", value: 'p@ss/w"rd' },
    { name: "MODE", value: "production" },
    { name: "PORT", value: "5432" },
    { name: "SHORT", value: "abc" },
    { name: "PIN", value: "908172" },
  ]);
  const secret = 'p@ss/w"rd';
  for (
    const text of [
      secret,
      `postgres://app:${encodeURIComponent(secret)}@db/app`,
      JSON.stringify({ password: secret }),
      btoa(`me:${secret}`),
      btoa(`x${secret}y`),
      btoa(`xy${secret}`).replaceAll("+", "-").replaceAll("/", "_"),
    ]
  ) assertEquals(find(text)?.name, "DB_PASS", text);
  assertEquals(find("--mode production --port 5432 abc"), undefined);
  assertEquals(find("pin=908172")?.name, "PIN");
  assertEquals(find("p@ss"), undefined);
});

Deno.test("A16: isTrivial() and isOrdinary() know what other values hold by chance", () => {
  for (const value of ["", "1", "abc", "true", "Production", "postgres", "8080", "5.4.3"]) {
    assert(isTrivial(value), value);
  }
  for (const value of ["hunter2", "pass", "123456", "correct horse"]) {
    assert(!isTrivial(value), value);
  }
  for (
    const value of ["/usr/lib", "~/x", "en_US.UTF-8", "v24.11.0", "http://localhost:3000", "vim"]
  ) {
    assert(isOrdinary(value), value);
  }
  for (const value of ["postgres://a:b@c/d", "hunter2-long", `ghp_${MIXED}`]) {
    assert(!isOrdinary(value), value);
  }
});
