import { assertEquals, assertThrows } from "@std/assert";
import { formatJsonLine, parseJsonLines } from "../../src/base/json_lines.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "parseJsonLines() gives values with their lines and passes over blank ones",
  pure,
  () => {
    assertEquals([...parseJsonLines('{"a":1}\r\n\n[2]\n')], [
      { line: 1, value: { a: 1 } },
      { line: 3, value: [2] },
    ]);
  },
);

test(
  "parseJsonLines() names source and line of text that is not JSON",
  pure,
  () => {
    assertThrows(
      () => [...parseJsonLines('1\n{"a":\n', { source: "x.jsonl" })],
      SyntaxError,
      'Cannot read "x.jsonl" line 2: ',
    );
  },
);

test(
  "parseJsonLines() leaves out a torn last line only where it is allowed",
  pure,
  () => {
    const torn = '{"step":1}\n{"st';
    assertEquals([...parseJsonLines(torn, { allowTorn: true })].length, 1);
    assertThrows(() => [...parseJsonLines(torn)], SyntaxError, "line 2");
    assertThrows(
      () => [...parseJsonLines("{\n1\n", { allowTorn: true })],
      SyntaxError,
      "line 1",
    );
  },
);

test(
  "formatJsonLine() keeps every digit and refuses NaN by its key",
  pure,
  () => {
    assertEquals(
      formatJsonLine({ loss: 0.1 + 0.2 }),
      '{"loss":0.30000000000000004}\n',
    );
    assertThrows(
      () => formatJsonLine({ a: { loss: NaN } }),
      RangeError,
      'Cannot write a JSON line: "loss" is NaN, expected a finite number',
    );
  },
);
