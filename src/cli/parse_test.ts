import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { maybeCommandHint } from "../commands/flags/docker.ts";
import { COMMANDS } from "../commands/mod.ts";
import { push } from "../commands/push.ts";
import { runCommand } from "../commands/run.ts";
import { MiseOciError } from "../errors.ts";
import { convertGlobals, convertInput, ownArguments, parseLine } from "./parse.ts";

const commands = [...COMMANDS, push, runCommand];

function given(args: readonly string[]): Record<string, unknown> {
  const { path, globals, flags, positionals, trailing } = parseLine(args, commands);
  return {
    path: path.join(" "),
    globals: Object.fromEntries(globals),
    flags: Object.fromEntries(flags),
    positionals,
    trailing,
  };
}

const nothing = { path: "", globals: {}, flags: {}, positionals: [], trailing: [] };

Deno.test("parseLine() takes every way to write a flag and its value", () => {
  for (
    const [args, globals] of [
      [["-j", "4"], { jobs: ["4"] }],
      [["-j4"], { jobs: ["4"] }],
      [["-j=4"], { jobs: ["4"] }],
      [["--jobs", "4"], { jobs: ["4"] }],
      [["--jobs=4"], { jobs: ["4"] }],
      [["--jobs="], { jobs: [""] }],
      [["-vv", "-v"], { verbose: ["true", "true", "true"] }],
      [["-qyj2"], { quiet: ["true"], yes: ["true"], jobs: ["2"] }],
      [["--json=false"], { json: ["false"] }],
    ] as const
  ) {
    assertEquals(given(args), { ...nothing, globals }, args.join(" "));
    assertEquals(given(["build", ...args]), { ...nothing, path: "build", globals });
  }
});

Deno.test("parseLine() takes global flags before, between and after the names of commands", () => {
  assertEquals(given(["-q", "cache", "-v", "prune", "--json", "--max-size", "1GB"]), {
    ...nothing,
    path: "cache prune",
    globals: { quiet: ["true"], verbose: ["true"], json: ["true"] },
    flags: { "max-size": ["1GB"] },
  });
});

Deno.test("C10: parseLine() passes values that begin with a dash, are empty or hold anything", () => {
  const values = ["-A=b", "-x", "", "A=b=c", "A=1\n2", "-", "true", "--no-such-flag"];
  const args = values.flatMap((value) => ["-e", value]);
  assertEquals(given(["run", ...args, "--env=--keep"]).flags, { env: [...values, "--keep"] });
  assertEquals(given(["run", "-e-A=b", "-eX=Y", "-ite", "Z"]).flags, {
    env: ["-A=b", "X=Y", "Z"],
    interactive: ["true"],
    tty: ["true"],
  });
});

Deno.test("C10: parseLine() leaves everything after -- alone", () => {
  const trailing = ["sh", "-c", "exit 37", "--", "--help", "-it", ""];
  assertEquals(given(["run", "-i", "--", ...trailing]), {
    ...nothing,
    path: "run",
    flags: { interactive: ["true"] },
    trailing,
  });
});

Deno.test("C10: the first word that is no flag begins the command of run, with or without --", () => {
  for (
    const [args, rest] of [
      [["run", "node", "--version"], {}],
      [["run", "--", "node", "--version"], {}],
      [["run", "-i", "-w", "/x", "npx", "prettier", "--help"], {
        flags: { interactive: ["true"], workdir: ["/x"] },
      }],
      [["-q", "run", "-v", "prettier", "--check", ".", "-j", "--", "--json", "--debug"], {
        globals: { quiet: ["true"], verbose: ["true"] },
      }],
    ] as const
  ) {
    const at = args.findIndex((arg) => /^(node|npx|prettier)$/.test(arg));
    assertEquals(given(args), { ...nothing, path: "run", ...rest, trailing: args.slice(at) });
    assertEquals(ownArguments(args, commands), args.slice(0, at));
  }
});

Deno.test("run answers docker's flags that it does not have with what to write instead", () => {
  for (
    const [args, hint] of [
      [["-v/data:/x", "sh"], "--volume /data:/x"],
      [["-v=.:/x", "sh"], "--volume .:/x"],
      [["-itv.:/x", "sh"], "--volume .:/x"],
      [["--memory", "1g", "sh"], "--engine-arg=--memory=1g"],
      [["--memory=1g", "sh"], "--engine-arg=--memory=1g"],
      [["-m1g", "sh"], "--engine-arg=--memory=1g"],
      [["-m", "1g", "sh"], "--engine-arg=--memory=1g"],
      [["--privileged", "sh"], "--engine-arg=--privileged"],
      [["-P", "sh"], "--engine-arg=--publish-all"],
      [["--label", "a=b", "sh"], "--engine-arg=--label=a=b"],
      [["-d", "sh"], "run -d"],
      [["--detach", "sh"], "run -d"],
      [["--engin", "docker", "sh"], "--engine?"],
    ] as const
  ) {
    const error = assertThrows(() => parseLine(["run", ...args], commands), MiseOciError);
    assertEquals(error.code, "usage");
    assertStringIncludes(error.hint ?? "", hint, args.join(" "));
  }
});

Deno.test("a command's flag goes before a global one of the same name, which keeps its letter", () => {
  assertEquals(given(["--env", "prod", "run", "--env", "A=b", "-E", "dev"]), {
    ...nothing,
    path: "run",
    globals: { env: ["prod", "dev"] },
    flags: { env: ["A=b"] },
  });
});

Deno.test("parseLine() names the mistake and what was probably meant", () => {
  for (
    const [args, message, hint] of [
      [["biuld"], 'Unknown command "biuld"', "mise-oci build?"],
      [["cache", "prun"], 'Unknown command "cache prun"', "mise-oci cache prune?"],
      [["zebra"], 'Unknown command "zebra"', "mise-oci --help"],
      [["build", "--fron", "x"], 'Unknown flag "--fron" of mise-oci build', "--from?"],
      [["build", "--zebra"], 'Unknown flag "--zebra"', "mise-oci build --help"],
      [["build", "-qZ"], 'Unknown flag "-Z" in "-qZ"', "--help"],
      [["--from", "x", "build"], 'Unknown flag "--from" of mise-oci', "mise-oci build --from"],
      [["build", "--from"], 'Flag "--from" needs a value', "--from REF"],
      [["build", "-o", "--", "x"], 'Flag "-o" needs a value', "-o DIR"],
      [["build", "-t", "--json"], 'Flag "-t" needs a value', "--tag=--json"],
      [["build", "--dry-run=maybe"], 'Flag "--dry-run" takes no value', "--dry-run alone"],
      [["--=x"], 'Unknown flag "--"', "--help"],
      [["--__proto__"], 'Unknown flag "--__proto__"', "--help"],
      [["constructor"], 'Unknown command "constructor"', "--help"],
    ] as const
  ) {
    const error = assertThrows(() => parseLine(args, commands), MiseOciError, message);
    assertEquals(error.code, "usage");
    assertStringIncludes(error.hint ?? "", hint);
  }
});

function convert(args: readonly string[], env: Record<string, string> = {}): unknown {
  const line = parseLine(args, commands);
  if (line.command === undefined) throw new Error("no command");
  const options = {
    env: (name: string) => env[name],
    place: { resolve: (path: string) => `/here/${path}` },
  };
  const globals = convertGlobals(line, options);
  return convertInput({ ...line, command: line.command }, { ...options, globals });
}

Deno.test("convertInput() counts arguments and knows their choices", () => {
  for (
    const [args, message, hint] of [
      [["push"], "Missing argument REF", "Write mise-oci push [FLAGS] REF"],
      [["load", "y"], 'Unexpected argument "y"', "Write --image y"],
      [["build", "x"], 'Unexpected argument "x"', "Write -C x"],
      [["completion", "bsh"], 'Unknown SHELL "bsh"', "bash?"],
      [["completion", "tcsh"], 'Unknown SHELL "tcsh"', "bash, zsh, fish"],
    ] as const
  ) {
    const error = assertThrows(() => convert(args), MiseOciError, message);
    assertStringIncludes(error.hint ?? "", hint);
  }
});

Deno.test("convertInput() names the flag whose value it cannot use", () => {
  for (
    const args of [
      ["build", "--jobs=0"],
      ["build", "--jobs=x"],
      ["build", "--progress=fast"],
      ["build", "--pull=sometimes"],
      ["build", "--owner=root"],
      ["build", "--owner=4294967296"],
      ["build", "--owner=1:"],
      ["build", "--compression=bzip2"],
      ["build", "--compression=none:1"],
      ["build", "--platform=linux/amd64/v1/x"],
      ["build", "--from=debian/UPPER"],
      ["build", "--from=debian@sha256:short"],
      ["build", "--from="],
      ["build", "--mount-point=/"],
      ["build", "--tag=a b"],
      ["build", "--output="],
      ["build", "--allow-env=A=b"],
      ["cache", "prune", "--older-than=soon"],
      ["cache", "prune", "--max-size=big"],
      ["run", "--volume=relative"],
      ["run", "--workdir=relative"],
      ["run", "--env==x"],
      ["run", "--name=-x"],
      ["run", "--env-file="],
    ]
  ) {
    const flag = args.at(-1)?.split("=")[0] ?? "";
    const error = assertThrows(() => convert(args), MiseOciError, `${flag}: `);
    assertEquals(error.code, "usage", args.join(" "));
  }
});

Deno.test("an environment variable stands in for a flag that is not given", () => {
  const misePath = (args: readonly string[], env: Record<string, string>): unknown =>
    (convert(args, env) as { globals: { mise?: string } }).globals.mise;
  assertEquals(misePath(["build"], { MISE_OCI_MISE: "/opt/mise" }), "/here//opt/mise");
  assertEquals(misePath(["build"], { MISE_OCI_MISE: "" }), undefined);
  assertEquals(misePath(["build", "--mise", "mise-beta"], { MISE_OCI_MISE: "/x" }), "mise-beta");
});

Deno.test("no command that exists is answered with what to type in its place", () => {
  const answered = COMMANDS.map(({ name }) => name)
    .filter((name) => maybeCommandHint([], name) !== undefined);
  assertEquals(answered, []);
});

Deno.test("commands and flags of docker, crane and mise are answered with what to type", () => {
  for (
    const [line, hint] of [
      ["login ghcr.io", "docker login"],
      ["images", "mise-oci inspect"],
      ["ps", "the engine's"],
      ["pull debian", "mise-oci load --image REF"],
      ["history x", "inspect -v"],
      ["digest x", "inspect -q"],
      ["manifest x", "inspect --raw"],
      ["config x", "inspect --config"],
      ["cp a b", "mise-oci copy IMAGE REF"],
      ["install", "mise itself"],
      ["cache clean", "mise-oci cache prune"],
      ["build -f Dockerfile", "-C DIR"],
      ["build --build-arg A=1", "--env NAME=VALUE"],
      ["build --target prod", "-E NAME"],
      ["build --no-cache-filter x", "--no-cache"],
      ["build --secret id=x", "mise-oci run -e NAME"],
      ["build --expose 80", "[_.oci]"],
      ["push --all-tags r.io/a", "REF REF"],
      ["push --tls-verify=false r.io/a", "oci.insecure_registries"],
      ["load -i x.tar", "--image oci-archive:FILE"],
      ["inspect --format x", "jq"],
      ["run --memory 1g true", "--engine-arg=--memory=1g"],
    ] as const
  ) {
    const error = assertThrows(() => parseLine(line.split(" "), COMMANDS), MiseOciError);
    assertStringIncludes(error.hint ?? "", hint, line);
  }
});
