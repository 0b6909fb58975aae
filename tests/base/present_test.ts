import { assertEquals } from "@std/assert";
import { present } from "../../src/base/present.ts";
import { test } from "../test_case.ts";

test("present() leaves out what is undefined, and nothing else", () => {
  const given = { a: undefined, b: null, c: 0, d: "", e: false };
  assertEquals(present(given), { b: null, c: 0, d: "", e: false });
  assertEquals(Object.keys(present({ a: undefined })), []);
});
