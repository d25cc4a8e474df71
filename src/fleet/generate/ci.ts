/**
 * CI pipelines that build and push the image of a project, for GitHub and GitLab.
 * @module
 */
import { namesHost } from "../../oci/reference.ts";
import type { GenerateInput } from "./generator.ts";

/** This project's action, by the tag that follows its releases. */
const ACTION = "mise-oci/mise-oci@v1";
const CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2";
const INSTALL = "https://github.com/mise-oci/mise-oci/releases/latest/download/install.sh";

/** The requested architectures, each of which gets a job on a native runner. */
function architectures(platforms: readonly string[]): readonly string[] {
  const found = platforms.map((platform) => platform.split("/")[1] ?? "amd64");
  return found.length === 0 ? ["amd64"] : [...new Set(found)];
}

/** The tag, if it names a registry. */
function maybeDestination({ plan: { tag } }: GenerateInput): string | undefined {
  return tag !== undefined && namesHost(tag) ? tag : undefined;
}

/** `generate github-action`. */
export function generateGithubAction([input]: readonly GenerateInput[]): string {
  if (input === undefined) throw new TypeError("No project");
  const archs = architectures(input.platforms);
  const image = maybeDestination(input) ?? "ghcr.io/${{ github.repository }}:latest";
  const registry = image.split("/")[0];
  const own = registry === "ghcr.io";
  const lines = [
    "name: image",
    "on:",
    "  push:",
    "    branches: [main]",
    "permissions: {}",
    "jobs:",
    "  image:",
    "    strategy:",
    "      matrix:",
    "        runner:",
    ...archs.map((arch) => `          - ubuntu-24.04${arch === "arm64" ? "-arm" : ""}`),
    "    runs-on: ${{ matrix.runner }}",
    "    permissions:",
    "      contents: read",
    ...(own ? ["      packages: write"] : []),
    "    steps:",
    `      - uses: ${CHECKOUT}`,
    "        with:",
    "          persist-credentials: false",
    `      - uses: ${ACTION}`,
    "        with:",
    `          image: ${JSON.stringify(image)}`,
    ...(input.path === "." ? [] : [`          working-directory: ${JSON.stringify(input.path)}`]),
    ...(archs.length > 1 ? ["          update-index: true"] : []),
    ...(own ? [] : [
      "          username: ${{ vars.REGISTRY_USER }}",
      "          password: ${{ secrets.REGISTRY_PASSWORD }}",
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

/** `generate gitlab-ci`. */
export function generateGitlabCi([input]: readonly GenerateInput[]): string {
  if (input === undefined) throw new TypeError("No project");
  const archs = architectures(input.platforms);
  const flags = [
    ...(input.path === "." ? [] : ["-C", `"${input.path}"`]),
    "--strict-env",
    ...(archs.length > 1 ? ["--update-index"] : []),
  ];
  const lines = [
    ".image:",
    "  image: debian:bookworm-slim",
    "  variables:",
    "    XDG_CACHE_HOME: $CI_PROJECT_DIR/.cache",
    "    MISE_DATA_DIR: $CI_PROJECT_DIR/.cache/mise-data",
    "    REGISTRY_AUTH_FILE: /tmp/auth.json",
    "  cache:",
    "    key: mise-oci-$CI_RUNNER_EXECUTABLE_ARCH",
    "    paths: [.cache]",
    "  before_script:",
    "    - apt-get update -qq && apt-get install -qq --no-install-recommends ca-certificates curl git",
    '    - export PATH="$HOME/.local/bin:$PATH"',
    "    - curl -fsSL https://mise.run | sh",
    `    - curl -fsSL ${INSTALL} | sh`,
    '    - auth=$(printf \'%s:%s\' "$CI_REGISTRY_USER" "$CI_REGISTRY_PASSWORD" | base64 -w0)',
    '    - \'printf \'\'{"auths":{"%s":{"auth":"%s"}}}\'\' "$CI_REGISTRY" "$auth" > "$REGISTRY_AUTH_FILE"\'',
    '    - git config --global --add safe.directory "$CI_PROJECT_DIR"',
    `    - mise trust --all && mise install${input.path === "." ? "" : ` -C "${input.path}"`}`,
    "  script:",
    "    - export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)",
    `    - mise-oci push ${flags.join(" ")} "$CI_REGISTRY_IMAGE:$CI_COMMIT_REF_SLUG"`,
    ...archs.flatMap((arch) => [
      "",
      `image-${arch}:`,
      "  extends: .image",
      `  tags: [saas-linux-small-${arch}]`,
    ]),
  ];
  return `${lines.join("\n")}\n`;
}
