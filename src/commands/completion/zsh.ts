/**
 * Completion for zsh 5.
 * @module
 */
import { type CompletionFlag, type CompletionNode, PATH_PREFIXES } from "./words.ts";

/** Escapes a text for a specification of `_arguments` in single quotes. */
function escape(text: string): string {
  return text.replace(/[\[\]:\\]/g, "\\$&").replaceAll("'", "'\\''");
}

function action(flag: CompletionFlag): string {
  if (flag.choices.length > 0) return `(${flag.choices.join(" ")})`;
  if (flag.completes === "directory") return "_files -/";
  if (flag.completes === "image") return "_mise_oci_image";
  return flag.completes === "file" ? "_files" : " ";
}

/** `'(-o --output)'{-o+,--output=}'[…]:DIR:_files -/'`. */
function flagSpec(flag: CompletionFlag): string {
  const { short, long, value, repeats } = flag;
  const spellings = [
    ...(short === undefined ? [] : [value ? `${short}+` : short]),
    ...(long === undefined ? [] : [value ? `${long}=` : long]),
  ];
  const names = [short, long].filter((name) => name !== undefined);
  const before = repeats ? "'*'" : `'(${names.join(" ")})'`;
  const spelling = spellings.length > 1 ? `{${spellings.join(",")}}` : spellings.join("");
  const rest = value ? `:${escape(flag.valueName)}:${action(flag)}` : "";
  return `${before}${spelling}'[${escape(flag.help)}]${rest}'`;
}

function functionName(path: readonly string[]): string {
  return ["_mise_oci", ...path].join("_").replaceAll("-", "_");
}

function commandFunction(node: CompletionNode): string {
  const specs = node.flags.map(flagSpec);
  if (node.commands.length > 0) {
    specs.push("'1: :->command'", "'*:: :->rest'");
  } else {
    if (node.words.length > 0) specs.push(`'1: :(${node.words.join(" ")})'`);
    if (node.files) specs.push(`'*: :${node.images ? "_mise_oci_image" : "_files"}'`);
    if (node.trailing) specs.push("'(-)*::command:_normal'");
  }
  const list = node.commands.map(({ name, summary }) => `'${escape(name)}:${escape(summary)}'`);
  const dispatch = node.commands.map(({ name }) =>
    `        ${name}) ${functionName([...node.path, name])} ;;`
  );
  const state = node.commands.length === 0 ? "" : `
  case $state in
    command)
      local -a commands=(
        ${list.join("\n        ")}
      )
      _describe -t commands command commands
      ;;
    rest)
      case $words[1] in
${dispatch.join("\n")}
      esac
      ;;
  esac`;
  return `${functionName(node.path)}() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -s -S -C \\
    ${specs.join(" \\\n    ")}
${state}
}`;
}

/** The completion script. */
export function zshScript(nodes: readonly CompletionNode[]): string {
  const pathCases = PATH_PREFIXES.map(({ prefix, isFile }) =>
    `  elif compset -P ${prefix}; then\n    _files${isFile ? "" : " -/"}`
  ).join("\n");
  return `#compdef mise-oci
# zsh completion for mise-oci; made by: mise-oci completion zsh

# Files; directories after oci:, and the tags of a layout after oci:DIR:.
_mise_oci_image() {
  if [[ $PREFIX == oci:*:* ]]; then
    local dir=\${\${PREFIX#oci:}%%:*}
    local -a tags=(\${(f)"$(mise-oci tag ls -q "oci:$dir" 2>/dev/null)"})
    compadd -- "oci:$dir:"\${^tags}
  elif compset -P oci:; then
    _files -/
${pathCases}
  else
    _files
  fi
}

${nodes.map(commandFunction).join("\n\n")}

if [[ $funcstack[1] == _mise-oci ]]; then
  _mise_oci "$@"
else
  compdef _mise_oci mise-oci
fi
`;
}
