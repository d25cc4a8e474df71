/**
 * Images with everything that a project can put in them, as users build them, looked at from inside a
 * container and by other programs.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { buildProject, type BuiltImage, listLayer, tryBuild } from "../support/image_project.ts";
import { checkLayout, readImage } from "../support/layout.ts";
import { whyNoIsolation } from "../support/shell_rootfs.ts";
import {
  buildBase,
  copyBase,
  createMiseProject,
  type MiseProject,
  run,
  startPodman,
  testUnless,
  testWith,
} from "../support/testbed.ts";

const PACKAGES = `[bootstrap.packages]
"apt:hello" = "latest"
"apt:jq" = "latest"
"apt:nosuchpackage" = { version = "latest", os = ["macos", "linux/riscv64"] }
`;
const DOTFILES = `[dotfiles]
"~/.gitconfig" = { source = "dots/gitconfig", mode = "copy" }
"~/.config/linked" = { source = "dots/gitconfig", mode = "symlink" }
"~/.config/each" = { source = "dots/each", mode = "symlink-each", exclude = ["*.bak"] }
"~/.rendered" = { source = "dots/rendered", mode = "template" }
"~/.inline" = { content = "for my eyes" }
"/etc/motd" = { source = "dots/gitconfig", mode = "copy" }
`;
const FILES = {
  "dots/gitconfig": "[user]\n",
  "dots/each/one": "1\n",
  "dots/each/deep/two": "2\n",
  "dots/each/deep/two.bak": "old\n",
  "dots/rendered": "sum {{ 1 + 1 }}\n",
};

async function checkInside(output: string): Promise<void> {
  await using podman = await startPodman();
  const script = `hello -g hi; echo '{"a":7}' | jq .a; dpkg -l hello jq | grep -c ^ii; id -u
cd; pwd; cat .gitconfig .config/linked .config/each/one .config/each/deep/two .rendered .inline
find .config -name '*.bak'; stat -c '%a %u %n' .inline .gitconfig .config /etc/motd
find /var/cache/apt /var/lib/apt/lists -type f ! -name lock`;
  const ran = await podman.runLayout(`${output}:all`, ["sh", "-c", script]);
  assertEquals(ran.stdout.split("\n"), [
    "hi",
    "7",
    "2",
    "5",
    "/usr/games",
    "[user]",
    "[user]",
    "1",
    "2",
    "sum 2",
    "for my eyes600 5 .inline",
    "644 5 .gitconfig",
    "755 5 .config",
    "644 0 /etc/motd",
    "",
  ], ran.stderr);
}

testUnless(
  whyNoIsolation,
  {
    needs: ["linux", "root", "mise", "base", "podman", "runc"],
    name: "packages, dotfiles and copies work in the image, and are the same when built again",
  },
  async () => {
    await using project = await createMiseProject({
      toml: `${PACKAGES}${DOTFILES}[[oci.copy]]\nhost = "dots"\nimage = "/srv/dots"\n` +
        '[oci]\ntag = "all"\nuser = "games"\nworkdir = "/"\n',
      files: FILES,
    });
    const base = join(project.root, "base");
    await copyBase(base);
    const args = ["--from", `oci:${base}`, "--no-mise"];
    const built = await buildProject(project, args);
    assertEquals(built.layers.map(({ kind }) => kind), [
      "base",
      "packages",
      "copy",
      "dotfiles",
      "config",
    ]);
    await checkLayout(built.output);
    const { manifest, config } = await readImage(built.output, "all");
    assertEquals(manifest.layers[1]?.annotations?.["dev.mise.system.packages"], "apt");
    assertEquals(manifest.layers[3]?.annotations?.["dev.mise.dotfiles"], "true");
    assertEquals(config.history[1]?.created_by, "mise-oci: apt-get install hello jq");
    await checkInside(built.output);

    const statuses = ({ layers }: BuiltImage): string[] => layers.map(({ status }) => status);
    const again = await buildProject(project, args);
    assertEquals(statuses(again).slice(1), ["cached", "cached", "cached", "cached"]);
    assertEquals(again.digest, built.digest);
    const anew = await buildProject(project, [...args, "--no-cache"]);
    assertEquals(statuses(anew)[1], "built");
    assertEquals(anew.digest, built.digest);
  },
);

testWith(
  { needs: ["linux", "root", "mise", "base", "podman", "runc"] },
  "a copy below a link of the base leaves the link and what it leads to",
  async () => {
    await using project = await createMiseProject({ toml: "", files: { greeting: "hello\n" } });
    const base = `oci:${await buildBase()}`;
    const args = ["--from", base, "--no-mise", "-t", "all", "--copy", "greeting:/lib/app/greeting"];
    const built = await buildProject(project, args);
    await using podman = await startPodman();
    const script = "readlink /lib; cat /usr/lib/app/greeting";
    const ran = await podman.runLayout(`${built.output}:all`, ["sh", "-c", script]);
    assertEquals(ran.stdout, "usr/lib\nhello\n", ran.stderr);
  },
);

testWith(
  { needs: ["linux", "mise", "base"] },
  "packages that no image can have are refused before anything is fetched, with what to do",
  async () => {
    const base = `oci:${await buildBase()}`;
    for (
      const [toml, from, says] of [
        ['"brew:jq" = "latest"', base, "images can have apt and apk packages only"],
        ['"apt:jq" = "latest"\n"apk:jq" = "latest"', base, "an image has one package manager"],
        ['"apk:jq" = "latest"', base, 'write "apt:NAME" instead'],
        ['"apt:jq" = "latest"', "scratch", "Use a Debian or Ubuntu base image"],
        ['"apt:jq" = "1 2"', base, "is not a version"],
      ] as const
    ) {
      await using project = await createMiseProject({ toml: `[bootstrap.packages]\n${toml}\n` });
      const { code, stderr } = await tryBuild(project, ["--from", from]);
      assertEquals(code, 1, says);
      assertStringIncludes(stderr, says);
    }
    await using project = await createMiseProject({
      toml: '[bootstrap.macos.defaults]\n"com.apple.dock" = { autohide = true }\n',
    });
    const { stderr } = await tryBuild(project, ["--from", "scratch", "--dry-run"]);
    assertStringIncludes(stderr, "means nothing on Linux");
  },
);

async function makeCopyProject(): Promise<MiseProject> {
  const project = await createMiseProject({
    toml: '[[oci.copy]]\nhost = "app"\nimage = "/srv/app/"\n' +
      '[[oci.copy]]\nhost = "note"\nimage = "/etc/note"\n[_.oci]\nexclude = ["*.log"]\n',
    files: { "app/main": "#!/bin/sh\n", "app/sub/x": "config", "app/x.log": "log", note: "1\n" },
  });
  await Deno.chmod(join(project.directory, "app/main"), 0o750);
  await Deno.symlink("../main", join(project.directory, "app/sub/link"));
  await Deno.writeTextFile(join(project.directory, "x2"), "flag");
  return project;
}

testWith(
  { needs: ["linux", "mise", "base"] },
  "copies: later ones win, each in a layer of its own, links and modes kept, excluded files left out",
  async () => {
    await using project = await makeCopyProject();
    const copy = "x2:/srv/app/sub/x";
    const built = await buildProject(project, [
      "--from",
      `oci:${await buildBase()}`,
      "--no-mise",
      "--copy",
      copy,
      "--owner",
      "1000:50",
    ]);
    const { manifest } = await readImage(built.output);
    const copies = manifest.layers.filter(({ annotations }) => annotations?.["dev.mise.copy"]);
    assertEquals(copies.map(({ annotations }) => annotations?.["dev.mise.copy"]), [
      "/srv/app",
      "/etc/note",
      "/srv/app/sub/x",
    ]);
    const lists = await Promise.all(copies.map((layer) => listLayer(built.output, layer)));
    assertEquals(lists, [
      [
        "drwxr-xr-x 1000/50 srv/app/",
        "-rwxr-xr-x 1000/50 srv/app/main",
        "drwxr-xr-x 1000/50 srv/app/sub/",
        "lrwxrwxrwx 1000/50 srv/app/sub/link -> ../main",
        "-rw-r--r-- 1000/50 srv/app/sub/x",
      ],
      ["-rw-r--r-- 1000/50 etc/note"],
      [
        "drwxr-xr-x 1000/50 srv/app/",
        "drwxr-xr-x 1000/50 srv/app/sub/",
        "-rw-r--r-- 1000/50 srv/app/sub/x",
      ],
    ]);
  },
);

testWith(
  { needs: ["linux", "mise", "base"] },
  "copies that cannot be are refused, and nothing is built: missing, into a file, over a directory",
  async () => {
    await using project = await makeCopyProject();
    const from = `oci:${await buildBase()}`;
    for (
      const [copy, says] of [
        ["nope:/x", "no such file or directory"],
        ["x2:/srv/y/", 'ends with "/"'],
        ["x2:/etc", '"/etc" is a directory of the base image'],
        ["app:/etc/passwd", '"/etc/passwd" is a file of the base image'],
        ["x2:/etc/passwd/x", '"/etc/passwd" is a file of the base image'],
      ] as const
    ) {
      const { code, stderr } = await tryBuild(project, ["--from", from, "--copy", copy]);
      assertEquals(code, 1, copy);
      assertStringIncludes(stderr, says);
      const index = await Deno.readTextFile(join(project.root, "image/index.json")).catch(() => "");
      assertEquals(index.includes("sha256:"), false, copy);
    }
  },
);

testWith(
  { needs: ["linux", "root", "mise", "base", "podman", "runc", "umoci"] },
  "a directory that the base reserves for a user stays that user's below a mount point",
  async () => {
    await using project = await createMiseProject({
      tools: ["prettier"],
      toml: '[oci]\ntag = "r"\nmount_point = "/opt/app/mise"\nuser = "1000"\n',
    });
    const base = join(project.root, "base");
    await copyBase(base);
    const reserved = join(project.root, "reserved");
    await Deno.mkdir(reserved, { mode: 0o750 });
    await Deno.chown(reserved, 1000, 1000);
    await run(["umoci", "insert", "--image", `${base}:latest`, reserved, "/opt/app"]);
    const built = await buildProject(project, ["--from", `oci:${base}:latest`, "--no-mise"]);
    await using podman = await startPodman();
    const script =
      "stat -c '%a %u:%g' /opt/app; touch /opt/app/mine && stat -c %u /opt/app/mine; " +
      "stat -c %u:%g /opt/app/mise/installs; ls /opt/app/mise/installs";
    const ran = await podman.runLayout(`${built.output}:r`, ["sh", "-c", script]);
    assertEquals(ran.stdout, "750 1000:1000\n1000\n0:0\nnpm-prettier\n", ran.stderr);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "A17: credentials in copies and dotfiles are named in a warning, with --strict-env an error",
  async () => {
    const secret = "hunter2-sentinel";
    await using project = await createMiseProject({
      toml: '[dotfiles]\n"~/.netrc" = { source = "netrc", mode = "copy" }\n',
      files: {
        netrc: `machine example.com login me password ${secret}\n`,
        "app/.npmrc": `//example.com/:_authToken=${secret}\n`,
        "app/.git/config": `[remote "o"]\n\turl = https://me:${secret}@example.com/r\n`,
        "app/tls/key.pem": `-----BEGIN PRIVATE KEY-----\n${secret}\n`,
      },
    });
    const args = ["--from", "scratch", "--no-mise", "--copy", "app:/srv/app", "-vv"];
    const paths = [
      "/srv/app/.git/config",
      "/srv/app/.npmrc",
      "/srv/app/tls/key.pem",
      "/root/.netrc",
    ];
    for (const [more, code] of [[[], 0], [[], 0], [["--strict-env"], 1]] as const) {
      const result = await tryBuild(project, [...args, ...more]);
      assertEquals(result.code, code, result.stderr);
      for (const path of paths) assertStringIncludes(result.stderr, JSON.stringify(path));
      assert(!`${result.stdout}${result.stderr}`.includes(secret));
    }
  },
);
