import { assertEquals } from "@std/assert";
import plugin, { MOST_LINES } from "./function_length.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** The part of `Deno.lint` that tests need; it is there while `deno test` runs. */
const { runPlugin } = (Deno as unknown as {
  lint: {
    runPlugin(
      rules: typeof plugin,
      file: string,
      source: string,
    ): { readonly message: string }[];
  };
}).lint;

const messages = (source: string) =>
  runPlugin(plugin, "file.ts", source).map(({ message }) => message);

/** So many lines that each do something. */
const filled = (lines: number) => "  work();\n".repeat(lines);

test(
  "function-length refuses a function of 61 lines, and not one of 60",
  pure,
  () => {
    const longest = MOST_LINES - 2; // beside the head and the last brace
    for (
      const [head, end] of [
        ["function long() {\n", "}"],
        ["const long = () => {\n", "};"],
        ["const long = function () {\n", "};"],
        ["class A { long() {\n", "} }"],
      ]
    ) {
      assertEquals(messages(`${head}${filled(longest)}${end}`), []);
      assertEquals(messages(`${head}${filled(longest + 1)}${end}`), [
        "Function of 61 lines, expected at most 60",
      ]);
    }
  },
);

test(
  "function-length counts a function inside another as one line",
  pure,
  () => {
    const inner = `const inner = () => {\n${filled(50)}};\n`;
    assertEquals(messages(`function outer() {\n${inner}${inner}}`), []);
    assertEquals(messages(`function outer() {\n${inner}${filled(60)}}`), [
      "Function of 63 lines, expected at most 60",
    ]);
  },
);
