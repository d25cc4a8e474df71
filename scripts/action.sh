#!/usr/bin/env bash
# The steps of action.yml: `install` puts a verified mise-oci on PATH, `run` logs in, builds or pushes, and
# reports. Reads INPUT_* and the GITHUB_* files of a runner, and nothing else of GitHub.
set -euo pipefail

fail() {
  printf '::error::%s\n' "$1"
  exit 1
}

# Writes an output: name, value. The delimiter is random, so that no value can end it.
output() {
  local delimiter
  delimiter="end-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  printf '%s<<%s\n%s\n%s\n' "$1" "$delimiter" "$2" "$delimiter" >>"$GITHUB_OUTPUT"
}

is_true() {
  case "$2" in
    true) return 0 ;;
    false | "") return 1 ;;
    *) fail "Input \"$1\" is \"$2\": write true or false" ;;
  esac
}

install() {
  local root
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  if [ "${INPUT_VERSION:-latest}" = installed ]; then
    command -v mise-oci >/dev/null || fail "mise-oci is not on PATH, and \"version\" is \"installed\""
  else
    local directory="$RUNNER_TEMP/mise-oci-bin"
    sh "$root/install.sh" --version "${INPUT_VERSION:-latest}" --dir "$directory"
    printf '%s\n' "$directory" >>"$GITHUB_PATH"
    PATH="$directory:$PATH"
  fi
  output cache "$(mise-oci cache path)"
}

# An auth file of this job's own: that of the runner is neither read nor changed. Removed at the end.
log_in() {
  local registry=$1 password=${INPUT_PASSWORD:-} auth
  # The workflow's token goes to GitHub's registry and to no other.
  if [ -z "$password" ] && [ "$registry" = ghcr.io ]; then password=${INPUT_TOKEN:-}; fi
  if [ -z "$password" ]; then return 0; fi
  auth=$(printf '%s:%s' "${INPUT_USERNAME:-}" "$password" | base64 | tr -d '\n')
  printf '::add-mask::%s\n' "$password"
  printf '::add-mask::%s\n' "$auth"
  local directory
  directory=$(mktemp -d "$RUNNER_TEMP/mise-oci-login.XXXXXX")
  # shellcheck disable=SC2064 # The directory of now is meant.
  trap "rm -rf '${directory//\'/\'\\\'\'}'" EXIT
  export REGISTRY_AUTH_FILE="$directory/auth.json"
  (umask 077 && jq -n --arg registry "$registry" --arg auth "$auth" \
    '{auths: {($registry): {auth: $auth}}}' >"$REGISTRY_AUTH_FILE")
}

# The lower-case name that GitHub's registry wants, tagged by branch or tag.
default_image() {
  local tag
  tag=$(printf '%s' "${GITHUB_REF_NAME:-latest}" | tr -c 'A-Za-z0-9_.-' '-' | cut -c 1-128)
  printf 'ghcr.io/%s:%s' "$(printf '%s' "$GITHUB_REPOSITORY" | tr '[:upper:]' '[:lower:]')" "$tag"
}

# The report that a workflow run shows: result of mise-oci, result of its check, name of the image.
summary() {
  jq -rn --slurpfile result "$1" --slurpfile check "$2" --arg image "$3" '
    def cell: tostring | gsub("[|\n\r]"; " ") | gsub("`"; "");
    def size: if . >= 1000000 then "\(. / 100000 | round / 10) MB"
      elif . >= 1000 then "\(. / 100 | round / 10) kB" else "\(.) B" end;
    def table: "| layer | size | how | digest |", "| --- | ---: | --- | --- |",
      (.[] | "| \([.name, .version // ""] | join(" ") | cell) | \(.size // 0 | size) | " +
        "\(.status // "" | cell) | `\(.digest // "" | .[0:19])` |");
    $result[0] as $r | ($r.images // [$r]) as $images
    | [$images[].layers // [] | .[]] as $layers
    | ([$layers[] | select(.status != "built")] | length) as $kept
    | "### mise-oci: `\($image | cell)`", "",
      "Digest `\($r.digest)`", "",
      "\($kept) of \($layers | length) layers were there already" +
        (if $r.blobs then "; \($r.blobs.uploaded) blobs sent, \($r.blobs.present) in the registry, " +
          "\($r.blobs.mounted) mounted." else "." end), "",
      ($images[] | (if .platform then "**\(.platform)**", "" else empty end),
        ((.layers // []) | table), ""),
      ($check[0] as $c | if $c == null then "Commands were not checked."
        elif $c.ok then "Check: all \($c.commands) commands start."
        else "Check: commands would not start.", "",
          ($c.problems[] | select(.ofBase | not) |
            "- \(.commands // [] | join(", ") | cell): \(.message // "" | cell)")
        end)'
}

run() {
  command -v mise >/dev/null ||
    fail "mise is not on PATH: set install-mise to true, or use jdx/mise-action before"
  local command=${INPUT_COMMAND:-push} image=${INPUT_IMAGE:-} args=()
  case "$command" in
    push)
      [ -n "$image" ] || image=$(default_image)
      # Of a reference without a registry mise-oci says what is wrong.
      log_in "${image%%/*}"
      ;;
    build) ;;
    *) fail "Input \"command\" is \"$command\": write push or build" ;;
  esac
  args+=("$command" --cd "${INPUT_WORKING_DIRECTORY:-.}" --json)
  if [ -n "${INPUT_FROM:-}" ]; then args+=(--from "$INPUT_FROM"); fi
  if [ -n "${INPUT_PLATFORMS:-}" ]; then args+=(--platform "$INPUT_PLATFORMS"); fi
  if is_true strict-env "${INPUT_STRICT_ENV:-true}"; then args+=(--strict-env); fi
  if [ "$command" = push ]; then
    if [ -n "${INPUT_CACHE_FROM:-}" ]; then args+=(--cache-from "$INPUT_CACHE_FROM"); fi
    if is_true update-index "${INPUT_UPDATE_INDEX:-false}"; then args+=(--update-index); fi
  else
    args+=(--output "$PWD/${INPUT_OUTPUT:-mise-oci}")
    if [ -n "$image" ]; then args+=(--tag "$image"); fi
  fi
  local line
  while IFS= read -r line; do
    if [ -n "$line" ]; then args+=("$line"); fi
  done <<<"${INPUT_ARGS:-}"
  if [ "$command" = push ]; then args+=("$image"); fi

  # The time of the commit: the same commit gives the same digest.
  if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git -C "${INPUT_WORKING_DIRECTORY:-.}" log -1 --format=%ct 2>/dev/null || true)
    if [ -n "$SOURCE_DATE_EPOCH" ]; then export SOURCE_DATE_EPOCH; else unset SOURCE_DATE_EPOCH; fi
  fi

  local result="$RUNNER_TEMP/mise-oci-result.json" check="$RUNNER_TEMP/mise-oci-check.json"
  if ! mise-oci "${args[@]}" >"$result"; then
    fail "$(jq -r '.error | "mise-oci: \(.message)\(if .hint then ". \(.hint)" else "" end)"' \
      "$result" 2>/dev/null | tr '\n' ' ')"
  fi

  local digest reference
  digest=$(jq -r .digest "$result")
  if [ "$command" = push ]; then
    reference=$(jq -r .reference "$result")
    reference="${reference%@*}"
    case "${reference##*/}" in *:*) reference=${reference%:*} ;; esac
    reference="$reference@$digest"
    mise-oci check --json "$reference" >"$check" || true
  else
    reference=$image
    mise-oci check --json "$PWD/${INPUT_OUTPUT:-mise-oci}" >"$check" || true
  fi
  if ! jq -e 'has("error") | not' "$check" >/dev/null 2>&1; then printf 'null\n' >"$check"; fi

  output digest "$digest"
  output reference "$reference"
  output metadata "$(jq -c . "$result")"
  summary "$result" "$check" "${image:-$digest}" >>"$GITHUB_STEP_SUMMARY"
  jq -r '"digest \(.digest)"' "$result"
}

case "${1:-}" in
  install) install ;;
  run) run ;;
  *) fail "Usage: action.sh install|run" ;;
esac
