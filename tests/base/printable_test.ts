import { assertEquals } from "@std/assert";
import { hasUnseen, printable } from "../../src/base/printable.ts";
import { test } from "../test_case.ts";

test("printable() writes what a terminal obeys or hides as escapes", () => {
  const cases = [
    ["plain, 模型 и ümläut 🙂", "plain, 模型 и ümläut 🙂"],
    ["می\u200cخواهم", "می\u200cخواهم"],
    ["\u202egnp.exe", "\\u{202e}gnp.exe"],
    ["\u001b[2J", "\\u{1b}[2J"],
    ["a\nb\r\u0085c\u2028", "a\\u{a}b\\u{d}\\u{85}c\\u{2028}"],
    ["zero\u200bwidth\ufeff", "zero\\u{200b}width\\u{feff}"],
    ["half \ud83d here", "half \\u{d83d} here"],
  ] as const;
  for (const [text, shown] of cases) {
    assertEquals(printable(text), shown);
    assertEquals(hasUnseen(text), shown !== text);
  }
});

test("printable() cuts a long text and says so", () => {
  assertEquals(printable("abcdef", 4), "abcd...");
  assertEquals(printable("abcd", 4), "abcd");
});
