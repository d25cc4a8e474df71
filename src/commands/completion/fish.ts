/**
 * Completion for fish 3.0 and later.
 * @module
 */
import { type CompletionFlag, type CompletionNode, PATH_PREFIXES } from "./words.ts";

/** Quotes a literal for fish. */
function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function flagLine(flag: CompletionFlag, when: string): string {
  const words = [
    `complete -c mise-oci -n ${quote(when)}`,
    ...(flag.short === undefined ? [] : [`-s ${flag.short.slice(1)}`]),
    ...(flag.long === undefined ? [] : [`-l ${flag.long.slice(2)}`]),
    `-d ${quote(flag.help)}`,
  ];
  if (flag.value) {
    if (flag.choices.length > 0) words.push(`-x -a ${quote(flag.choices.join(" "))}`);
    else if (flag.completes === "directory") words.push(`-x -a '(__fish_complete_directories)'`);
    else if (flag.completes === "file") words.push("-r -F");
    else if (flag.completes === "image") words.push("-x -a '(__mise_oci_images)'");
    else words.push("-x");
  }
  return words.join(" ");
}

function nodeLines(node: CompletionNode): readonly string[] {
  const when = `__mise_oci_at ${quote(node.path.join(" "))}`;
  return [
    ...node.commands.map(({ name, summary }) =>
      `complete -c mise-oci -n ${quote(when)} -a ${quote(name)} -d ${quote(summary)}`
    ),
    ...node.words.map((word) => `complete -c mise-oci -n ${quote(when)} -a ${quote(word)}`),
    ...(node.files
      ? [
        `complete -c mise-oci -n ${quote(when)} ${node.images ? "-a '(__mise_oci_images)'" : "-F"}`,
      ]
      : []),
    ...node.flags.map((flag) => flagLine(flag, when)),
  ];
}

/** The part of `__mise_oci_images` that completes paths after the prefix of a transport. */
function pathCases(): string {
  return PATH_PREFIXES.map(({ prefix, isFile }) => {
    const complete = isFile ? "__fish_complete_path" : "__fish_complete_directories";
    return `    else if string match -q -- '${prefix}*' $word
        for path in (${complete} (string replace -- ${prefix} '' $word) '')
            echo ${prefix}$path
        end`;
  }).join("\n");
}

/** The completion script. */
export function fishScript(nodes: readonly CompletionNode[]): string {
  const commands = nodes.filter(({ path }) => path.length > 0)
    .map(({ path }) => quote(path.join(" "))).join(" ");
  const withValue = nodes.flatMap((node) =>
    node.flags.filter(({ value }) => value).flatMap(({ short, long }) =>
      [short, long].filter((name) => name !== undefined)
        .map((name) => quote(`${node.path.join(" ")}:${name}`))
    )
  ).join(" ");
  return `# fish completion for mise-oci; made by: mise-oci completion fish

# Whether the words so far lead to this command: flags and their values do not count.
function __mise_oci_at
    set -l path ''
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if test "$word" = --
            return 1
        else if string match -q -- '-*' $word
            contains -- "$path:$word" ${withValue}
            and set skip 1
        else
            set -l next (string trim -- "$path $word")
            contains -- $next ${commands}
            and set path $next
        end
    end
    test "$path" = "$argv[1]"
end

# Files; directories after oci:, and the tags of a layout after oci:DIR:.
function __mise_oci_images
    set -l word (commandline -ct)
    if string match -q -- 'oci:*:*' $word
        set -l directory (string split -- : $word)[2]
        for tag in (mise-oci tag ls -q oci:$directory 2>/dev/null)
            echo oci:$directory:$tag
        end
    else if string match -q -- 'oci:*' $word
        for directory in (__fish_complete_directories (string replace -- oci: '' $word) '')
            echo oci:$directory
        end
${pathCases()}
    else
        __fish_complete_path $word ''
    end
end

function __mise_oci_trailing
    contains -- -- (commandline -opc)
end

complete -c mise-oci -n 'not __mise_oci_trailing' -f
${nodes.flatMap(nodeLines).join("\n")}
`;
}
