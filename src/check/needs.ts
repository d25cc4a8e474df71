/**
 * What programs open while they run and no file names: a table with its sources (spec section 13).
 * @module
 */
import { CERTIFICATE_BUNDLES } from "../oci/image_path.ts";
import type { ImageView } from "./image_view.ts";
import type { PackageNames } from "./packages_table.ts";

/** The image as needs are found in it. */
export interface NeedsImage {
  /** Its files. */
  readonly view: ImageView;
  /** A variable of its environment. */
  readonly variable: (name: string) => string | undefined;
  /** Names of the commands that its tools, or mise, bring along. */
  readonly commands: ReadonlySet<string>;
}

/** Something that commands open. */
export interface Need {
  /** Its name in `--json`. */
  readonly name: string;
  /** `part` if its users cannot do without, `need` if they open it for some of their work. */
  readonly severity: "part" | "need" | "detail";
  /** The commands that lack it; empty if none does. */
  readonly lacking: (image: NeedsImage) => readonly string[];
  /** What is missing: a sentence's beginning. */
  readonly what: string;
  /** What fails, before the names of the commands. */
  readonly effect: string;
  /** The packages that have it, by `VERSION_ID` where that decides. */
  readonly packages: readonly (PackageNames & { readonly versions?: RegExp })[];
  /** What else helps. */
  readonly otherwise: string;
}

/**
 * Commands that take the system's certificates. Node.js, Deno, Bun, uv and Java have certificates of their own
 * (Debian's Java has a link to the system's, which the check of links finds).
 */
const TLS_COMMANDS =
  /^(?:mise|git|curl|wget|python(?:3(?:\.\d+)?)?|ruby|go|php|gh|glab|kubectl|helm|k9s|kustomize|flux|argocd|terraform|tofu|terragrunt|packer|vault|consul|nomad|docker|crane|oras|regctl|skopeo|cosign|syft|grype|trivy|hugo|rclone|restic|aws-vault|cloudflared|flyctl|doctl|pulumi|caddy|cargo|rustup|openssl|yt-dlp)$/;

function matching({ commands }: NeedsImage, pattern: RegExp): readonly string[] {
  return [...commands].filter((name) => pattern.test(name)).sort();
}

function hasAny({ view }: NeedsImage, paths: readonly string[]): boolean {
  return paths.some((path) => view.resolve(path) !== undefined);
}

function hasCertificates(image: NeedsImage): boolean {
  const own = ["SSL_CERT_FILE", "SSL_CERT_DIR"].flatMap((name) => image.variable(name) ?? []);
  return hasAny(image, [...CERTIFICATE_BUNDLES, ...own]) ||
    image.view.list("/etc/ssl/certs").length > 0;
}

/** The locale that the image's variables ask for, unless every C library has it. */
function maybeLocale({ variable }: NeedsImage): string | undefined {
  const name = variable("LC_ALL") || variable("LANG") || "";
  return /^(?:|POSIX|C(?:\..*)?)$/.test(name) ? undefined : name;
}

const NEEDS: readonly Need[] = [
  {
    // With host_links a path of the host leads to the tools; /root of most bases has mode 0700.
    name: "open-prefix",
    severity: "need",
    // Starter finds it.
    lacking: () => [],
    what: "Only root can enter the directory of this machine that leads to the tools",
    effect: "other users of the image cannot load the library of",
    packages: [],
    otherwise: "Install the tools in a MISE_DATA_DIR that every user can enter",
  },
  {
    name: "ca-certificates",
    severity: "need",
    lacking: (image) => hasCertificates(image) ? [] : matching(image, TLS_COMMANDS),
    what: "The image has no CA certificates",
    effect: "HTTPS fails for",
    packages: [{ apt: "ca-certificates", apk: "ca-certificates-bundle" }],
    otherwise: 'Name certificates under [_.oci]: ca = ["FILE.pem"]',
  },
  {
    // docs.microsoft.com: "Install .NET on Linux distributions", dependencies; dotnet/core#2186.
    name: "icu",
    severity: "part",
    lacking: (image) => {
      const invariant = image.variable("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT") ?? "";
      if (/^(?:1|true)$/i.test(invariant)) return [];
      const directories = ["/usr/lib", "/lib", "/usr/lib64", "/usr/local/lib"].flatMap((one) => [
        one,
        ...image.view.list(one).filter((name) => name.includes("-linux-"))
          .map((name) => `${one}/${name}`),
      ]);
      const has = directories.some((one) =>
        image.view.list(one).some((name) => name.startsWith("libicuuc.so."))
      );
      return has ? [] : matching(image, /^(?:dotnet|pwsh)$/);
    },
    what: "The image has no ICU libraries",
    effect: ".NET opens them when a program starts, so programs do not start with",
    packages: [
      { apt: "libicu67", versions: /^11$/ },
      { apt: "libicu70", versions: /^22\.04$/ },
      { apt: "libicu72", versions: /^12$/ },
      { apt: "libicu74", versions: /^24\.04$/ },
      { apt: "libicu76", versions: /^13$/ },
      { apk: "icu-libs" },
    ],
    otherwise: 'Set DOTNET_SYSTEM_GLOBALIZATION_INVARIANT = "1" in [oci.env]',
  },
  {
    // tzset(3), time.LoadLocation of Go, zoneinfo of Python.
    name: "time-zones",
    severity: "need",
    lacking: (image) => {
      const zone = image.variable("TZ")?.replace(/^:/, "") ?? "";
      if (!/^[A-Za-z]+\/[\w/+-]+$/.test(zone)) return [];
      const directory = image.variable("TZDIR") ?? "/usr/share/zoneinfo";
      return hasAny(image, [`${directory}/${zone}`]) ? [] : ["TZ"];
    },
    what: "The image has no time zones",
    effect: "its own variable is not understood:",
    packages: [{ apt: "tzdata", apk: "tzdata" }],
    otherwise: 'Set TZ = "UTC" in [oci.env]',
  },
  {
    // setlocale(3), locale(7); musl has its own in /usr/share/i18n/locales/musl.
    name: "locales",
    severity: "need",
    lacking: (image) => {
      const locale = maybeLocale(image);
      if (locale === undefined) return [];
      const places = ["/usr/lib/locale", "/usr/share/i18n/locales/musl"];
      const has = places.some((one) => image.view.list(one).some((name) => !/^C\./.test(name)));
      return has ? [] : ["LC_ALL", "LANG"].filter((name) => image.variable(name));
    },
    what: "The image has no locales but C",
    effect: "its own variables are not understood:",
    packages: [{ apt: "locales-all", apk: "musl-locales" }],
    otherwise: 'Set LANG = "C.UTF-8" in [oci.env]',
  },
  {
    // terminfo(5).
    name: "terminfo",
    severity: "need",
    lacking: (image) => {
      const has = hasAny(image, ["/usr/share/terminfo", "/lib/terminfo", "/etc/terminfo"]);
      return has ? [] : matching(image, /^(?:vim|nvim|tmux|htop|fish|zsh)$/);
    },
    what: "The image has no terminal descriptions",
    effect: "they are needed by",
    packages: [{ apt: "ncurses-base", apk: "ncurses-terminfo-base" }],
    otherwise: "Use a base that has /usr/share/terminfo",
  },
  {
    // Fonts of java.awt: containerbase#406; nothing else of Java needs them.
    name: "fonts",
    severity: "detail",
    lacking: (image) =>
      hasAny(image, ["/usr/share/fonts", "/etc/fonts"]) ? [] : matching(image, /^java$/),
    what: "The image has no fonts",
    effect: "drawing text (java.awt) fails with",
    packages: [{ apt: "fonts-dejavu-core" }, { apk: "font-dejavu" }],
    otherwise: "Use a base that has fonts",
  },
  {
    // Each of them runs git for nearly all of its work.
    name: "git",
    severity: "need",
    lacking: (image) =>
      image.commands.has("git") || hasAny(image, ["/usr/bin/git", "/usr/local/bin/git", "/bin/git"])
        ? []
        : matching(image, /^(?:pre-commit|prek|lefthook|lazygit|gitui|tig|gh|glab|git-.*|jj)$/),
    what: "The image has no git",
    effect: "it is run by",
    packages: [{ apt: "git", apk: "git" }],
    otherwise: "Use a base that has git",
  },
  {
    // Scripts of Rust's distribution: src/etc/rust-gdb, rust-gdbgui and rust-lldb.
    name: "debugger",
    severity: "detail",
    lacking: (image) =>
      ["gdb", "gdbgui", "lldb"].flatMap((name) => {
        const has = image.commands.has(name) ||
          hasAny(image, [`/usr/bin/${name}`, `/usr/local/bin/${name}`]);
        return has ? [] : matching(image, new RegExp(`^rust-${name}$`));
      }),
    what: "The image has no debugger",
    effect: "they start the one of their name:",
    packages: [{ apt: "gdb", apk: "gdb" }],
    otherwise: "Add the debugger to the base",
  },
  {
    // npm's script-shell, make's SHELL, system(3).
    name: "sh",
    severity: "need",
    lacking: (image) =>
      hasAny(image, ["/bin/sh"])
        ? []
        : matching(image, /^(?:npm|npx|pnpm|yarn|make|just|task|lefthook|pre-commit)$/),
    what: "The image has no /bin/sh",
    effect: "scripts and tasks cannot be run by",
    packages: [{ apt: "dash", apk: "busybox" }],
    otherwise: "Use a base with a shell, such as debian:bookworm-slim",
  },
];

/** A need by its name. */
export function needNamed(name: string): Need | undefined {
  return NEEDS.find((need) => need.name === name);
}

/** What an image lacks, and who would open it. */
export function missingNeeds(
  image: NeedsImage,
): readonly { readonly need: string; readonly commands: readonly string[] }[] {
  return NEEDS.map((need) => ({ need: need.name, commands: need.lacking(image) }))
    .filter(({ commands }) => commands.length > 0);
}
