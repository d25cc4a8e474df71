/**
 * Lint rules of this project: how long a file and a function may be. Longer ones carry a comment
 * `// Longer than …: why`.
 * @module
 */

/** Longest function, in lines. */
export const MAX_FUNCTION_LINES = 60;
/** Longest file, in lines. */
export const MAX_FILE_LINES = 400;

const EXCUSE = /\/\/ Longer than .*: \S/;

function lines(text: string): number {
  return text.trimEnd().split("\n").length;
}

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

function checkFunction(context: Deno.lint.RuleContext, node: FunctionNode): void {
  const { text } = context.sourceCode;
  const [start, end] = node.range;
  const count = lines(text.slice(start, end));
  if (count <= MAX_FUNCTION_LINES) return;
  const before = text.slice(0, start).split("\n").slice(-3).join("\n");
  if (EXCUSE.test(before) || EXCUSE.test(text.slice(start, end))) return;
  context.report({
    node,
    message: `Function of ${count} lines: at most ${MAX_FUNCTION_LINES}`,
    hint: 'Take a step out of it, or say why not in a comment "// Longer than 60 lines: why"',
  });
}

const plugin: Deno.lint.Plugin = {
  name: "mise-oci",
  rules: {
    "function-size": {
      create: (context) => ({
        FunctionDeclaration: (node) => checkFunction(context, node),
        FunctionExpression: (node) => checkFunction(context, node),
        ArrowFunctionExpression: (node) => checkFunction(context, node),
      }),
    },
    "file-size": {
      create: (context) => ({
        Program: (node) => {
          const { text } = context.sourceCode;
          const count = lines(text);
          if (count <= MAX_FILE_LINES || EXCUSE.test(text.slice(0, 2000))) return;
          context.report({
            node,
            message: `File of ${count} lines: at most ${MAX_FILE_LINES}`,
            hint:
              'Split it, or say why not at its top in a comment "// Longer than 400 lines: why"',
          });
        },
      }),
    },
  },
};

export default plugin;
