/**
 * Files that programs open at run time and that no file refers to: a table with its sources (spec section
 * 13).
 * @module
 */
import { CERTIFICATE_BUNDLES } from "../oci/image_path.ts";
import type { ImageView } from "./image_view.ts";

/** The image in which needs are checked. */
export interface NeedsImage {
  /** Its files. */
  readonly view: ImageView;
  /** A variable of its environment. */
  readonly variable: (name: string) => string | undefined;
  /** Names of the commands provided by its tools or mise. */
  readonly commands: ReadonlySet<string>;
}

/** Something that commands open at run time. */
export interface Need {
  /** Its name in `--json`. */
  readonly name: string;
  /** `part` if its users cannot work without it, `need` if they open it for some tasks. */
  readonly severity: "part" | "need" | "detail";
  /** The commands that lack it, if any. */
  readonly lacking: (image: NeedsImage) => readonly string[];
  /** What is missing, as the start of a sentence. */
  readonly what: string;
  /** What fails, as text before the names of the commands. */
  readonly effect: string;
  /** Another remedy than the packages of `NEED_PACKAGES`. */
  readonly otherwise: string;
}

/**
 * Commands that use the system's certificates. Node.js, Deno, Bun, uv and Java have their own (Debian's
 * Java links to the system's, which the check of links covers).
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

/** The locale set by the image's variables, unless every C library includes it. */
function maybeLocale({ variable }: NeedsImage): string | undefined {
  const name = variable("LC_ALL") || variable("LANG") || "";
  return /^(?:|POSIX|C(?:\..*)?)$/.test(name) ? undefined : name;
}

const NEEDS: readonly Need[] = [
  {
    // With host_links, a host path links to the tools; /root has mode 0700 in most bases.
    name: "open-prefix",
    severity: "need",
    // Starter finds it.
    lacking: () => [],
    what: "Only root can enter the directory of this machine that leads to the tools",
    effect: "other users of the image cannot load the library of",
    otherwise: "Install the tools in a MISE_DATA_DIR that every user can enter",
  },
  {
    name: "ca-certificates",
    severity: "need",
    lacking: (image) => hasCertificates(image) ? [] : matching(image, TLS_COMMANDS),
    what: "The image has no CA certificates",
    effect: "HTTPS fails for",
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
    otherwise: "Use a base that has /usr/share/terminfo",
  },
  {
    // java.awt needs fonts (containerbase#406); the rest of Java does not.
    name: "fonts",
    severity: "detail",
    lacking: (image) =>
      hasAny(image, ["/usr/share/fonts", "/etc/fonts"]) ? [] : matching(image, /^java$/),
    what: "The image has no fonts",
    effect: "drawing text (java.awt) fails with",
    otherwise: "Use a base that has fonts",
  },
  {
    // They run git for nearly all of their work.
    name: "git",
    severity: "need",
    lacking: (image) =>
      image.commands.has("git") || hasAny(image, ["/usr/bin/git", "/usr/local/bin/git", "/bin/git"])
        ? []
        : matching(image, /^(?:pre-commit|prek|lefthook|lazygit|gitui|tig|gh|glab|git-.*|jj)$/),
    what: "The image has no git",
    effect: "it is run by",
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
    otherwise: "Use a base with a shell, such as debian:bookworm-slim",
  },
];

/** Finds a need by name. */
export function needNamed(name: string): Need | undefined {
  return NEEDS.find((need) => need.name === name);
}

/** The needs that an image lacks, with the commands affected. */
export function missingNeeds(
  image: NeedsImage,
): readonly { readonly need: string; readonly commands: readonly string[] }[] {
  return NEEDS.map((need) => ({ need: need.name, commands: need.lacking(image) }))
    .filter(({ commands }) => commands.length > 0);
}
