import { assertEquals, assertThrows } from "@std/assert";
import { tokenStatistics } from "../../../kernels/vocabulary/token_statistics.ts";
import { test } from "../../test_case.ts";

test({
  name: "tokenStatistics() splits rows of five numbers into columns",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    const got = tokenStatistics(
      Float32Array.of(1, 2, 3, 1, 5, 6, 7, 8, 0, 10),
    );
    assertEquals(got, {
      lse: Float32Array.of(1, 6),
      meanLogits: Float32Array.of(2, 7),
      entropies: Float32Array.of(3, 8),
      correct: Float32Array.of(1, 0),
      sumSquares: Float32Array.of(5, 10),
    });
    assertThrows(
      () => tokenStatistics(new Float32Array(7)),
      RangeError,
      "7 numbers, expected a multiple of 5",
    );
  },
});
