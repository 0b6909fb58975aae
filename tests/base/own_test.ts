import { assertEquals } from "@std/assert";
import { own } from "../../src/base/own.ts";
import { test } from "../test_case.ts";

test("own() finds the entries of a table and nothing that objects have besides", () => {
  const table = { a: 1, "2": 3 };
  assertEquals([own(table, "a"), own(table, 2)], [1, 3]);
  const foreign = ["b", "constructor", "toString", "__proto__", null, {}, []];
  for (const key of [...foreign, { toString: 1 }, undefined]) {
    assertEquals(own(table, key), undefined);
  }
});
