import { assertEquals, assertThrows } from "@std/assert";
import {
  bfloat16ToFloat32,
  elementCount,
  float32ToBfloat16,
  type FloatDtype,
  fromFloat32,
  toFloat32,
} from "../../../src/files/safetensors/dtype.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "float32ToBfloat16() rounds to nearest, ties to even",
  OPTIONS,
  () => {
    const bits = (...words: number[]) =>
      new Float32Array(Uint32Array.from(words).buffer);
    const values = bits(
      0x3f800000, // 1
      0x3f808000, // halfway, the kept part is even: stays
      0x3f818000, // halfway, the kept part is odd: goes up
      0x3f808001, // just over halfway: goes up
      0x3f807fff, // just under: stays
      0x80000000, // -0
      0x7f7fffff, // the largest float32: infinity
      0xff800000, // -infinity
      0x7f800001, // a NaN whose upper half looks like infinity
    );
    assertEquals([...float32ToBfloat16(values)], [
      0x3f80,
      0x3f80,
      0x3f82,
      0x3f81,
      0x3f80,
      0x8000,
      0x7f80,
      0xff80,
      0x7fc0,
    ]);
  },
);

test(
  "bfloat16ToFloat32() undoes float32ToBfloat16() for all finite patterns",
  OPTIONS,
  () => {
    const patterns = Uint16Array.from({ length: 0x10000 }, (_, i) => i)
      .filter((bits) => (bits & 0x7f80) !== 0x7f80);
    assertEquals(float32ToBfloat16(bfloat16ToFloat32(patterns)), patterns);
  },
);

test(
  "fromFloat32() and toFloat32() agree for values that the type holds",
  OPTIONS,
  () => {
    const values = Float32Array.of(0, -1.5, 2 ** -14, 65504, -0.25);
    for (const dtype of ["F32", "F16"] satisfies FloatDtype[]) {
      assertEquals(toFloat32(fromFloat32(values, dtype), dtype), values);
    }
    const coarse = Float32Array.of(0, -1.5, 2 ** -126, 3e38);
    const stored = toFloat32(fromFloat32(coarse, "BF16"), "BF16");
    assertEquals(stored.subarray(0, 3), coarse.subarray(0, 3));
  },
);

test("fromFloat32() rounds halves to even in F16", OPTIONS, () => {
  // F16 has 10 bits behind the point: between 2048 and 4096 the step is 2
  const stored = fromFloat32(Float32Array.of(2049, 2051, 65520), "F16");
  assertEquals([...toFloat32(stored, "F16")], [2048, 2052, Infinity]);
});

test("toFloat32() reads bytes that are not aligned", OPTIONS, () => {
  const bytes = new Uint8Array(5);
  bytes.set(fromFloat32(Float32Array.of(1.25), "F32"), 1);
  assertEquals([...toFloat32(bytes.subarray(1), "F32")], [1.25]);
  assertThrows(() => toFloat32(bytes, "F32"), RangeError, "5 bytes");
});

test(
  "elementCount() is 1 for a scalar and 0 with an empty axis",
  OPTIONS,
  () => {
    assertEquals(
      [elementCount([]), elementCount([3, 0]), elementCount([2, 3])],
      [1, 0, 6],
    );
  },
);
