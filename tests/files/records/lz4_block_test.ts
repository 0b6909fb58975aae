import { assertEquals, assertThrows } from "@std/assert";
import { decompressLz4 } from "../../../src/files/records/lz4_block.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

// made by Arrow's lz4_raw codec
const BLOCK = fromBase64(
  "P2FiYwMA/1P/SyEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2BhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eloAv3B0aGUgZW5k",
);
const TEXT = "abcabcabc".repeat(40) +
  Array.from({ length: 300 }, (_, i) => String.fromCharCode(33 + i % 90))
    .join("") +
  "the end";

test({
  ...pure,
  name:
    "decompressLz4() gives what Arrow compressed, copies over themselves too",
  fn() {
    assertEquals(
      new TextDecoder().decode(decompressLz4(BLOCK, TEXT.length)),
      TEXT,
    );
  },
});

test({
  ...pure,
  name: "decompressLz4() refuses a block that is cut or of another size",
  fn() {
    for (const size of [TEXT.length - 1, TEXT.length + 1]) {
      assertThrows(() => decompressLz4(BLOCK, size), RangeError, "broken");
    }
    assertThrows(
      () => decompressLz4(BLOCK.subarray(0, 40), TEXT.length),
      RangeError,
      "broken",
    );
  },
});

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
