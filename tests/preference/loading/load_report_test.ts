import { assertEquals } from "@std/assert";
import { lengthsOf } from "../../../src/preference/loading/load_report.ts";
import { test } from "../../test_case.ts";

test({
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  name: "lengthsOf() gives nearest-rank quantiles",
  fn() {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    assertEquals(lengthsOf(hundred), {
      min: 1,
      median: 50,
      p90: 90,
      p99: 99,
      max: 100,
      mean: 50.5,
    });
    assertEquals(lengthsOf([]), {
      min: 0,
      median: 0,
      p90: 0,
      p99: 0,
      max: 0,
      mean: 0,
    });
  },
});
