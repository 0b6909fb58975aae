/**
 * The rules that a program can hold a single file to: what it may name, how it is called, how long
 * it is, and how wide its comments are.
 */
import { assertEquals } from "@std/assert";
import {
  everySource,
  occurrences,
  ROOT,
  scripts,
  type Source,
} from "./sources.ts";
import { test } from "./test_case.ts";

const reading = { permissions: { read: [ROOT] } };

/** This file names what it forbids. */
const RULES = "tests/source_rules_test.ts";

const isTested = (path: string) => path.startsWith("tests/");
const isProgram = (path: string) =>
  path.startsWith("tasks/") || /^data\/.*\/(main|publish)\.ts$/.test(path);

test("only kernels/ and its tests name GPU types", reading, () => {
  const outside = scripts().filter(({ path }) =>
    !/^(tests\/)?kernels\//.test(path) && path !== RULES
  );
  assertEquals(occurrences(outside, /\bGPU[A-Z]\w*|navigator\.gpu/), []);
});

test("only tasks/ speak to the console and the process", reading, () => {
  const outside = scripts().filter(({ path }) =>
    !isProgram(path) && !isTested(path)
  );
  assertEquals(
    occurrences(outside, /\bconsole\.|\bDeno\.(args|exit|addSignalListener)\b/),
    [],
  );
});

test(
  "no source says any, hides an error or refers to one machine's folders",
  reading,
  () => {
    const banned =
      /\bas any\b|: any\b|<any>|@ts-ignore|@ts-nocheck|deno-lint-ignore-file|"\/(root|work|home)\//;
    const others = scripts().filter(({ path }) => path !== RULES);
    assertEquals(occurrences(others, banned), []);
  },
);

test(
  "tests are registered by test(), which heeds their permissions",
  reading,
  () => {
    const others = scripts().filter(({ path }) =>
      isTested(path) && !/^tests\/(test_case|source_rules_test)\.ts$/.test(path)
    );
    assertEquals(occurrences(others, /\bDeno\.test\b/), []);
  },
);

test("tables are looked into for their own entries alone", reading, () => {
  const inTable =
    /\b[A-Z][A-Z_]{2,}\[String\(|\b(key|name|word|value|one) in [A-Z][A-Z_]{2,}\b/;
  const others = scripts().filter(({ path }) => !isTested(path));
  assertEquals(occurrences(others, inTable), []);
});

test("no file is longer than 500 lines", reading, () => {
  const long = everySource().map(({ path, text }) => ({
    path,
    lines: text.split("\n").length - 1,
  }))
    .filter(({ lines }) => lines > 500);
  assertEquals(long, []);
});

test(
  "every file is named in snake_case after the one thing inside",
  reading,
  () => {
    const vague = /^(utils?|helpers?|common|index|manager|misc)$/;
    const wrong = everySource().map(({ path }) => path).filter((path) => {
      const name = (path.split("/").at(-1) ?? "").replace(/(\.d)?\.\w+$/, "");
      return vague.test(name) || !/^[a-z0-9_]+$/.test(name);
    });
    assertEquals(wrong, []);
  },
);

/** Columns of a comment, its marks included. */
const WIDEST = 100;

/**
 * `path:line` for each line that is a comment, or code with one behind it, and is too wide. In a
 * shader a binding is followed by its shape on the same line, however wide that is.
 */
function wideComments({ path, text }: Source): string[] {
  const whole = /^\s*(\/\/(?!#)|\/\*|\*( |\/|$))/;
  const behind = /[;,{})\]] \/\/ /;
  return text.split("\n").flatMap((line, i) => {
    const isComment = whole.test(line) ||
      (path.endsWith(".ts") && behind.test(line));
    return [...line].length > WIDEST && isComment ? [`${path}:${i + 1}`] : [];
  });
}

test("wideComments() finds comments beyond 100 columns, and no code", () => {
  const wide = (line: string) => wideComments({ path: "a.ts", text: line });
  const rest = "x".repeat(WIDEST);
  for (
    const line of [`// ${rest}`, ` * ${rest}`, `/** ${rest}`, `f(); // ${rest}`]
  ) {
    assertEquals(wide(line), ["a.ts:1"]);
    assertEquals(wide(line.slice(0, WIDEST)), []);
  }
  assertEquals(wide(`"http://${rest}"`), []);
  assertEquals(wide(`//#if ${rest}`), []);
});
test("comments are at most 100 columns wide", reading, () => {
  assertEquals(everySource().flatMap(wideComments), []);
});

/** Lines that spread a literal into another one: its fields could stand there themselves. */
function packedLiterals({ path, text }: Source): string[] {
  return text.split("\n").flatMap((line, i) =>
    /^\s*\.{3}\{ /.test(line) ? [`${path}:${i + 1}`] : []
  );
}

test("packedLiterals() finds fields that are packed to save lines", () => {
  const packed = (text: string) => packedLiterals({ path: "a.ts", text });
  assertEquals(packed("f({\n  ...{ a, b: 1 },\n});"), ["a.ts:2"]);
  assertEquals(packed("f({\n  ...(a ? { b: 1 } : {}),\n  ...c,\n});"), []);
});

test("literals are not packed into others", reading, () => {
  assertEquals(everySource().flatMap(packedLiterals), []);
});
