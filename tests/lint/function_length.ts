/**
 * A rule of `deno lint`: a function has at most 60 lines. The lines of a function inside it count
 * as one, since that is a thought of its own and is measured by itself.
 */

/** Most lines of a function, from the line of its head to that of its last brace. */
export const MOST_LINES = 60;

/** What the rule takes of the linter: its own types are in a library of Deno that is not stable. */
interface LintContext {
  readonly sourceCode: { getText(node: unknown): string };
  report(found: {
    readonly node: unknown;
    readonly message: string;
    readonly hint: string;
  }): void;
}

/** A function that is open while the tree is walked. */
interface Open {
  /** Lines of the functions directly inside it, but for one line each. */
  inside: number;
}

const plugin = {
  name: "house",
  rules: {
    "function-length": {
      create(context: LintContext) {
        const open: Open[] = [];
        const enter = () => void open.push({ inside: 0 });
        const leave = (node: unknown) => {
          const text = context.sourceCode.getText(node);
          const lines = text.split("\n").length;
          const own = lines - (open.pop()?.inside ?? 0);
          const around = open.at(-1);
          if (around !== undefined) around.inside += lines - 1;
          if (own <= MOST_LINES) return;
          context.report({
            node,
            message: `Function of ${own} lines, expected at most ${MOST_LINES}`,
            hint: "Give the parts that can be named functions of their own.",
          });
        };
        return {
          FunctionDeclaration: enter,
          FunctionExpression: enter,
          ArrowFunctionExpression: enter,
          "FunctionDeclaration:exit": leave,
          "FunctionExpression:exit": leave,
          "ArrowFunctionExpression:exit": leave,
        };
      },
    },
  },
};

export default plugin;
