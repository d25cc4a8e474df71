/**
 * `docs/json.md` against what the program prints: no field without a line there.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { writeKeyPair } from "../support/attest/keys.ts";
import { runProgramJson } from "../support/cli.ts";
import { buildBase, createMiseProject, startDockerRegistry, testWith } from "../support/testbed.ts";

/** The documented fields of a section; `""` is what every result has. */
async function documented(section: string): Promise<ReadonlySet<string>> {
  const text = await Deno.readTextFile(new URL("../../docs/json.md", import.meta.url));
  const sections = text.split(/^## /m);
  const own = sections.find((one) => one.startsWith(`${section}\n`));
  assert(own !== undefined, `docs/json.md has no section ${section}`);
  const fields = [sections[0] ?? "", own].flatMap((one) => [...one.matchAll(/^\| `([^`]+)`/gm)]);
  return new Set(fields.map(([, field]) => field ?? ""));
}

/** Paths of a value that are not documented; what is below a documented path needs no line. */
function undocumented(value: unknown, path: string, known: ReadonlySet<string>): string[] {
  if (known.has(path)) return [];
  if (Array.isArray(value)) return value.flatMap((one) => undocumented(one, `${path}[]`, known));
  if (typeof value !== "object" || value === null) return [path];
  const inside = Object.entries(value);
  return inside.flatMap(([key, one]) =>
    undocumented(one, path === "" ? key : `${path}.${key}`, known)
  );
}

testWith(
  { needs: ["linux", "mise", "base", "docker-registry"] },
  "docs/json.md has every field that --json prints",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({
      toml: '[env]\nA = "1"\n[oci]\nentrypoint = ["sh"]\ncmd = ["-c"]\nuser = "root"\ntag = "t"\n' +
        'workdir = "/srv"\n[[oci.copy]]\nhost = "x"\nimage = "/srv/x"\n[oci.labels]\nl = "1"\n',
      files: { x: "1", y: "2" },
    });
    const [one, two] = [join(project.root, "one"), join(project.root, "two")];
    const from = ["--from", `oci:${await buildBase()}`, "--no-mise"];
    const archive = ["--output-archive", join(project.root, "a.tar"), "--compression", "gzip:1"];
    const reference = `${registry.host}/team/json:1`;
    const other = ["--copy", "y:/srv/x", "--copy", "y:/opt/y"];
    const both = ["--platform", "linux/amd64,linux/arm64", "--from", "scratch", "--no-mise"];
    const { key, pub } = await writeKeyPair(project.root, { password: "x" });
    const calls: readonly (readonly [section: string, args: readonly string[]])[] = [
      ["`build`", ["build", ...from, ...archive, "-o", one]],
      ["`build`", ["build", ...from, ...other, "-o", two, "--copy", "y:/srv/y"]],
      ["`build`", ["build", ...both, "-o", join(project.root, "both")]],
      ["`build --dry-run`", ["build", "--dry-run", ...from, "--compression", "gzip:1"]],
      ["`build --dry-run`", ["build", "--dry-run", ...both]],
      ["`push`", ["push", ...from, reference]],
      ["`push`", ["push", "--image-dir", one, "--sbom", "--sign", key, reference]],
      ["`sign`", ["sign", "--key", key, reference]],
      ["`verify`", ["verify", "--key", pub, reference]],
      ["`sbom`", ["sbom", one]],
      ["`inspect`", ["inspect", reference]],
      ["`inspect`", ["inspect", "--html", join(project.root, "x.html"), one]],
      ["`diff`", ["diff", "--files", "--packages", one, two]],
      ["`check`", ["check", one]],
      ["`cache`", ["cache", "ls"]],
      ["`cache`", ["cache", "path"]],
      ["`cache`", ["cache", "prune", "--dry-run"]],
      ["`completion` and `--version`", ["completion", "bash"]],
      ["`completion` and `--version`", ["--version"]],
    ];
    const options = { cwd: project.directory, env: { ...project.env, COSIGN_PASSWORD: "x" } };
    for (const [section, args] of calls) {
      const result = await runProgramJson<Record<string, unknown>>(args, options);
      assertEquals(undocumented(result, "", await documented(section)), [], args.join(" "));
      if (args[0] !== "--version") assert(Array.isArray(result["warnings"]), args.join(" "));
    }
  },
);
