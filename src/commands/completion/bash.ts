/**
 * Completion for bash 3.2 and later, without the bash-completion package.
 * @module
 */
import { type CompletionFlag, type CompletionNode, PATH_PREFIXES } from "./words.ts";

function names(flag: CompletionFlag): readonly string[] {
  return [flag.short, flag.long].filter((name) => name !== undefined);
}

/** The `case` clauses for flag values: `-o|--output) …`. */
function valueCases(node: CompletionNode): readonly string[] {
  return node.flags.filter(({ value }) => value).map((flag) => {
    const pattern = names(flag).map((name) => `"${node.path.join(" ")}:${name}"`).join("|");
    const reply = flag.choices.length > 0
      ? `COMPREPLY=($(compgen -W "${flag.choices.join(" ")}" -- "$value"))`
      : flag.completes === "directory"
      ? `_mise_oci_files -d "$value"`
      : flag.completes === "file" || flag.completes === "image"
      ? `_mise_oci_files -f "$value"`
      : "COMPREPLY=()";
    return `    ${pattern}) ${reply}; return ;;`;
  });
}

function wordCase(node: CompletionNode): string {
  const flags = node.flags.flatMap(names).join(" ");
  const words = [...node.commands.map(({ name }) => name), ...node.words].join(" ");
  const files = node.files ? " files=1" : "";
  return `    "${node.path.join(" ")}") flags="${flags}"; words="${words}";${files} ;;`;
}

/** Quoted patterns of a `case` clause. */
function patterns(texts: readonly string[]): string {
  return texts.map((text) => `"${text}"`).join("|");
}

// Longer than 50 lines: it is one text.
/** The completion script. */
export function bashScript(nodes: readonly CompletionNode[]): string {
  const paths = nodes.map(({ path }) => path.join(" "));
  const commands = patterns(paths.filter((path) => path !== ""));
  const withValue = patterns(
    nodes.flatMap((node) =>
      node.flags.filter(({ value }) => value).flatMap(names)
        .map((name) => `${node.path.join(" ")}:${name}`)
    ),
  );
  const pathCases = PATH_PREFIXES.map(({ prefix, isFile }) =>
    `    ${prefix}*) _mise_oci_path -${isFile ? "f" : "d"} "\${word##*=}"; return ;;`
  ).join("\n");
  return `# bash completion for mise-oci; made by: mise-oci completion bash

_mise_oci_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "$2"))
}

# The tags of a layout after oci:DIR:, directories after oci:. Bash makes words of their own of colons; what
# stands before the last one is not replaced.
_mise_oci_layout() {
  local dir="\${1#oci:}" before="\${1%"\${1##*:}"}" tag
  if [[ $dir != *:* ]]; then
    COMPREPLY=()
    while IFS= read -r tag; do COMPREPLY+=("oci:$tag"); done < <(compgen -d -- "$dir")
    compopt -o nospace 2>/dev/null
  else
    COMPREPLY=()
    while IFS= read -r tag; do
      [[ "oci:\${dir%%:*}:$tag" == "$1"* ]] && COMPREPLY+=("oci:\${dir%%:*}:$tag")
    done < <(mise-oci tag ls -q "oci:\${dir%%:*}" 2>/dev/null)
  fi
  [[ $COMP_WORDBREAKS == *:* ]] && COMPREPLY=("\${COMPREPLY[@]#"$before"}")
}

# Files (-f) or directories (-d) after the prefix of another transport.
_mise_oci_path() {
  local IFS=$'\\n' before="\${2%"\${2##*:}"}"
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "\${2#*:}"))
  COMPREPLY=("\${COMPREPLY[@]/#/\${2%%:*}:}")
  [[ $COMP_WORDBREAKS == *:* ]] && COMPREPLY=("\${COMPREPLY[@]#"$before"}")
}

_mise_oci() {
  local cur="\${COMP_WORDS[COMP_CWORD]}"
  local path="" flag="" value="$cur" word next at flags words files=""
  COMPREPLY=()
  local line="\${COMP_LINE:0:COMP_POINT}"
  word="\${line##*[[:space:]]}"
  case "\${word##*=}" in
    oci:*) _mise_oci_layout "\${word##*=}"; return ;;
${pathCases}
  esac
  # Bash makes words of their own of = and :, so --flag=val comes as three.
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    [[ $word == -- ]] && { compopt -o default 2>/dev/null; return; }
    if [[ -n $flag ]]; then
      [[ $word == "=" ]] || flag=""
      continue
    fi
    if [[ $word == -* ]]; then
      case "$path:$word" in
        ${withValue}) flag="$word" ;;
      esac
      continue
    fi
    next="\${path:+$path }$word"
    case "$next" in
      ${commands}) path="$next" ;;
    esac
  done
  [[ -n $flag && $value == "=" ]] && value=""
  case "$path:$flag" in
${nodes.flatMap(valueCases).join("\n")}
  esac
  case "$path" in
${nodes.map(wordCase).join("\n")}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ -n $files ]]; then
    _mise_oci_files -f "$cur"
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}

complete -F _mise_oci mise-oci
`;
}
