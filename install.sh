#!/bin/sh
# Installs the executable of mise-oci for this machine, without root, from a release page:
#   curl -fsSL https://github.com/mise-oci/mise-oci/releases/latest/download/install.sh | sh
# Nothing is put in place before its checksum was verified and it has started once.
set -eu

REPOSITORY="mise-oci/mise-oci"
PAGE="https://github.com/$REPOSITORY/releases"

usage() {
  cat <<EOF
Usage: install.sh [--version VERSION] [--dir DIR] [--attestation]

  --version VERSION  the release to install: 1.2.3 or v1.2.3 (default: the latest)
  --dir DIR          where to put mise-oci (default: ~/.local/bin)
  --attestation      fail unless GitHub's attestation of the file can be verified (needs gh);
                     without this it is verified where gh is installed and logged in
  --help             show this help

  MISE_OCI_RELEASES  address of another release page (default: $PAGE)

Run it again to upgrade.
EOF
}

fail() {
  printf 'install.sh: error: %s\n' "$1" >&2
  if [ $# -gt 1 ]; then printf '  hint: %s\n' "$2" >&2; fi
  exit 1
}

wrong_usage() {
  printf 'install.sh: error: %s\n  hint: Run install.sh --help\n' "$1" >&2
  exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

# The machine as names of release files have it: linux-amd64.
target() {
  case "$(uname -s)" in
    Linux) os=linux ;;
    Darwin) os=macos ;;
    *) fail "There is no executable for $(uname -s) in a shell" \
      "On Windows download mise-oci-windows-amd64.exe, or use WSL" ;;
  esac
  case "$(uname -m)" in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) fail "There is no executable for $(uname -m)" "Install it with Deno: jsr:@mise/oci" ;;
  esac
  # A shell under Rosetta says x86_64 on an arm64 machine.
  if [ "$os-$arch" = macos-amd64 ] && [ "$(sysctl -n hw.optional.arm64 2>/dev/null)" = 1 ]; then
    arch=arm64
  fi
  if [ "$os" = linux ] && [ ! -e /lib64/ld-linux-x86-64.so.2 ] &&
    [ ! -e /lib/ld-linux-aarch64.so.1 ] && ls /lib/ld-musl-* >/dev/null 2>&1; then
    fail "The executable needs glibc, and this system has musl" \
      "Install gcompat, or use an image with glibc"
  fi
  printf '%s-%s\n' "$os" "$arch"
}

# Only HTTPS, redirections included; plain HTTP from this machine itself.
download() {
  case "$1" in
    https://*) protocols="=https" ;;
    http://127.0.0.1[:/]* | http://localhost[:/]* | http://\[::1\][:/]*) protocols="=http" ;;
    *) fail "Cannot download $1: neither HTTPS nor this machine" "Correct MISE_OCI_RELEASES" ;;
  esac
  if has curl; then
    curl --fail --silent --show-error --location --retry 3 \
      --proto "$protocols" --proto-redir "$protocols" --output "$2" "$1"
  elif has wget; then
    wget -q -O "$2" "$1"
  else
    fail "Neither curl nor wget is installed" "Install one of the two"
  fi || fail "Cannot download $1" "Check the version and the network"
}

sha256() {
  if has sha256sum; then sha256sum <"$1"
  elif has shasum; then shasum -a 256 <"$1"
  elif has openssl; then openssl dgst -sha256 -r <"$1"
  else fail "No program computes SHA-256" "Install coreutils or openssl"
  fi | cut -d ' ' -f 1
}

verify_checksum() {
  wanted=$(awk -v name="$3" '$2 == name || $2 == "*" name { print $1 }' "$2")
  if [ -z "$wanted" ]; then
    fail "SHA256SUMS has no checksum of $3" "This release has no executable for your machine"
  fi
  found=$(sha256 "$1")
  if [ "$found" != "$wanted" ]; then
    fail "The checksum of $3 is $found, not $wanted: nothing was installed" \
      "Try again; if it stays so, report it and do not use the file"
  fi
}

# $2: 1 if it must be verified.
verify_attestation() {
  if ! has gh || ! gh auth status >/dev/null 2>&1; then
    if [ "$2" = 1 ]; then
      fail "Cannot verify the attestation: gh is not installed or not logged in" \
        "Install GitHub's gh and run gh auth login"
    fi
    return 0
  fi
  if [ "$2" != 1 ] && [ "${MISE_OCI_RELEASES:-$PAGE}" != "$PAGE" ]; then return 0; fi
  gh attestation verify "$1" --repo "$REPOSITORY" >/dev/null ||
    fail "The attestation does not fit the file: nothing was installed" "Report it"
}

main() {
  version=latest
  directory="${HOME:-}/.local/bin"
  attestation=0
  while [ $# -gt 0 ]; do
    case "$1" in
      --version=*) version=${1#*=} ;;
      --dir=*) directory=${1#*=} ;;
      --version | --dir)
        [ $# -ge 2 ] || wrong_usage "Missing value of $1"
        if [ "$1" = --dir ]; then directory=$2; else version=$2; fi
        shift
        ;;
      --attestation) attestation=1 ;;
      -h | --help) usage; exit 0 ;;
      *) wrong_usage "Unknown argument \"$1\"" ;;
    esac
    shift
  done
  case "$version" in
    latest) path=latest/download ;;
    v[0-9]*) path=download/$version ;;
    [0-9]*) path=download/v$version ;;
    *) wrong_usage "\"$version\" is not a version" ;;
  esac
  case "$version" in *[!0-9A-Za-z.+-]*) wrong_usage "\"$version\" is not a version" ;; esac
  case "$directory" in "" | /.local/bin) wrong_usage "HOME is not set: give --dir" ;; esac

  name="mise-oci-$(target)"
  page="${MISE_OCI_RELEASES:-$PAGE}"
  page="${page%/}/$path"
  mkdir -p "$directory" || fail "Cannot make $directory" "Choose another one with --dir"
  # In the directory itself: only within one file system a rename is atomic.
  work=$(mktemp -d "$directory/.mise-oci.XXXXXX") ||
    fail "Cannot write to $directory" "Choose another one with --dir"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM

  download "$page/SHA256SUMS" "$work/SHA256SUMS"
  download "$page/$name" "$work/mise-oci"
  verify_checksum "$work/mise-oci" "$work/SHA256SUMS" "$name"
  verify_attestation "$work/mise-oci" "$attestation"
  chmod 755 "$work/mise-oci"
  said=$("$work/mise-oci" --version) || fail "$name does not start on this machine"
  mv -f "$work/mise-oci" "$directory/mise-oci"

  printf 'installed %s as %s\n' "$said" "$directory/mise-oci"
  case ":${PATH:-}:" in
    *":$directory:"*) ;;
    *) printf 'Put %s on PATH to use it.\n' "$directory" ;;
  esac
}

# Called at the end: a download that breaks off runs nothing.
main "$@"
