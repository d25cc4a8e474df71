/**
 * What every command prints with `--json`, results and errors, against the schemas in docs/json.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { COMMANDS } from "../../src/commands/mod.ts";
import { writeKeyPair } from "../support/attest/keys.ts";
import { runFake, runWithEnv } from "../support/cli_fixture.ts";
import { readJsonSchemas } from "../support/json_schema.ts";
import {
  buildBase,
  createMiseProject,
  IS_ROOT,
  run,
  startDockerRegistry,
  testUnless,
  testWith,
} from "../support/testbed.ts";

/** The command of a line, as its schema is called. */
function schemaOf(args: readonly string[]): string {
  const [command = "", below = ""] = args;
  if (command === "--version") return "version";
  return ["cache", "tag"].includes(command) ? `${command}-${below}` : command;
}

/** Every command that has `--json`: `cache ls`, … */
function jsonCommands(): readonly (readonly string[])[] {
  return COMMANDS.filter(({ foreignStdout }) => foreignStdout !== true).flatMap((command) =>
    command.subcommands?.map(({ name }) => [command.name, name]) ?? [[command.name]]
  );
}

Deno.test("every command has a schema, and its errors follow it", async () => {
  const { names, problems } = await readJsonSchemas();
  const commands = jsonCommands();
  const wanted = [...commands.map(schemaOf), "version", "common", "error"].sort();
  assertEquals(names, wanted);
  for (const command of commands) {
    for (const wrong of ["--nope", "--jobs=0"]) {
      const { code, stdout } = await runFake([...command, wrong, "--json"]);
      assertEquals(code, 2);
      assertEquals(problems(schemaOf(command), JSON.parse(stdout)), [], command.join(" "));
      assert("error" in JSON.parse(stdout), command.join(" "));
    }
  }
  const none = await runFake(["cache", "--json"]);
  assertEquals(problems("error", JSON.parse(none.stdout)), []);
});

// Longer than 60 lines: it is one list.
/** A command line of each command, in an order in which each finds what it needs. */
function commandLines({ root, host, layout, key, pub }: {
  /** Absolute directory for what is written. */
  readonly root: string;
  /** A registry. */
  readonly host: string;
  /** A base, as an argument. */
  readonly layout: string;
  /** Files of a pair of keys. */
  readonly key: string;
  readonly pub: string;
}): readonly (readonly string[])[] {
  const below = (path: string): string => join(root, path);
  const [one, two] = [below("one"), below("two")];
  const base = ["--from", layout];
  const from = [...base, "--no-mise"];
  const archive = ["--output-archive", below("a.tar"), "--compression", "gzip:1"];
  const reference = `${host}/team/json:1`;
  const onBase = `${host}/team/app:1`;
  const other = ["--copy", "y:/srv/x", "--copy", "y:/opt/y"];
  const both = ["--platform", "linux/amd64,linux/arm64", "--from", "scratch", "--no-mise"];
  const several = ["-C", ".", "-C", "other", "--from", "scratch", "--no-mise"];
  return [
    ["build", ...from, ...archive, "-o", one],
    ["build", ...from, ...other, "-o", two, "--copy", "y:/srv/y"],
    ["build", ...both, "-o", below("both")],
    ["build", ...several],
    ["build", "--dry-run", ...from, "--compression", "gzip:1"],
    ["build", "--dry-run", ...both],
    ["build", ...from, "--annotation=a=b", "--push", reference, "-o", two],
    ["build", "--dry-run", ...base, "--annotation", "a=b"],
    ["push", ...from, reference, `${host}/team/json:2`],
    ["push", ...several, `${host}/team/{project}:2`],
    ["push", "--image-dir", one, "--sbom", "--sign", key, reference],
    ["push", ...both, `${host}/team/both:1`],
    ["copy", layout, `${host}/team/base:1`],
    ["copy", reference, `${host}/team/json:3`],
    ["push", "--from", `${host}/team/base:1`, "--no-mise", onBase],
    ["rebase", onBase, "--onto", `${host}/team/base:1`, "--no-check"],
    ["outdated", onBase],
    ["sign", "--key", key, reference],
    ["verify", "--key", pub, reference],
    ["sbom", one],
    ["sbom", one, "-o", below("sbom.json")],
    ["inspect", reference],
    ["inspect", below("both")],
    ["inspect", layout],
    ["inspect", "--html", below("x.html"), one],
    ["diff", "--files", "--packages", one, two],
    ["check", one],
    ["bundle", one, "--without", two, "-o", below("bundle.tar")],
    ["pin", "--dry-run", "-C", "pinned"],
    ["generate", "dockerfile"],
    ["generate", "dockerfile", "-o", below("Dockerfile")],
    ["init", "-C", "other"],
    ["doctor", "--offline"],
    ["tag", "ls", below("both")],
    ["tag", "rm", `oci:${two}:t`],
    ["cache", "ls"],
    ["cache", "df"],
    ["cache", "path"],
    ["cache", "prune", "--dry-run"],
    ["completion", "bash"],
    ["--version"],
  ];
}

testWith(
  { needs: ["linux", "mise", "base", "docker-registry"] },
  "what commands print with --json follows their schemas, which have every field",
  async () => {
    const { problems } = await readJsonSchemas();
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({
      toml: '[env]\nA = "1"\n[oci]\nentrypoint = ["sh"]\ncmd = ["-c"]\nuser = "root"\ntag = "t"\n' +
        'workdir = "/srv"\n[[oci.copy]]\nhost = "x"\nimage = "/srv/x"\n[oci.labels]\nl = "1"\n' +
        '[_.oci]\nexpose = ["80"]\nvolumes = ["/d"]\nstop_signal = "SIGINT"\nexclude = ["*.map"]\n' +
        'healthcheck = { cmd = "true", interval = "30s", retries = 2 }\n',
      files: { x: "1", y: "2", "other/mise.toml": "[env]\n", "empty/z": "" },
    });
    await Deno.mkdir(join(project.directory, "pinned"));
    await Deno.writeTextFile(
      join(project.directory, "pinned/mise.toml"),
      `[oci]\nfrom = "${registry.host}/team/base:1"\n`,
    );
    const calls = commandLines({
      root: project.root,
      host: registry.host,
      layout: `oci:${await buildBase()}`,
      ...await writeKeyPair(project.root, { password: "x" }),
    });
    const trusted = { MISE_TRUSTED_CONFIG_PATHS: project.directory };
    const env = { ...project.env, ...trusted, COSIGN_PASSWORD: "x" };
    for (const args of calls) {
      const { stdout, stderr } = await runWithEnv([...args, "--json"], {
        cwd: project.directory,
        env,
      });
      const line = args.join(" ");
      const result = JSON.parse(stdout);
      assert(!("error" in result), `${line}: ${stderr}`);
      assertEquals(problems(schemaOf(args), result), [], line);
      if (args[0] !== "--version") assert(Array.isArray(result.warnings), line);
    }
    const seen = new Set(calls.map(schemaOf));
    const unseen = jsonCommands().map(schemaOf).filter((name) => !seen.has(name));
    // It needs an engine: its own tests load images.
    assertEquals(unseen, ["load"]);
  },
);

testUnless(
  IS_ROOT ? undefined : "only root can mount a small file system",
  { needs: ["linux", "mise"], name: "a full disk is an error of the schema too" },
  async () => {
    const { problems } = await readJsonSchemas();
    await using project = await createMiseProject({
      toml: '[[oci.copy]]\nhost = "big"\nimage = "/b"\n',
    });
    const small = join(project.root, "small");
    await Deno.mkdir(small);
    await Deno.writeFile(
      join(project.directory, "big"),
      crypto.getRandomValues(new Uint8Array(65_536)),
    );
    await run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small]);
    try {
      const build = ["build", "--from", "scratch", "--no-mise", "--json", "-o", join(small, "out")];
      const { code, stdout } = await runWithEnv(build, {
        cwd: project.directory,
        env: project.env,
      });
      assertEquals([code, problems("build", JSON.parse(stdout))], [1, []], stdout);
      assertEquals(JSON.parse(stdout).error.code, "io");
    } finally {
      await run(["umount", small]);
    }
  },
);
