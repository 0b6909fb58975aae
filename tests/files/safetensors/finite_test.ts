/** Numbers that are not finite, found by their bits in each float type and at each place. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  type FloatDtype,
  fromFloat32,
} from "../../../src/files/safetensors/dtype.ts";
import { firstNotFinite } from "../../../src/files/safetensors/finite.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const FLOATS: readonly FloatDtype[] = ["F32", "F16", "BF16"];

/** The largest and the least numbers that each type has, and others between them. */
const FINITE: Readonly<Record<FloatDtype, readonly number[]>> = {
  F32: [3.4028234663852886e38, -3.4028234663852886e38, 1e-45, -0, 1],
  F16: [65504, -65504, 6e-8, -0, 1],
  BF16: [3.3895313892515355e38, -3.3895313892515355e38, 1e-40, -0, 1],
};

for (const dtype of FLOATS) {
  test(`firstNotFinite() finds each number that is none in ${dtype}`, () => {
    for (const length of [1, 2, 3, 4, 7, 64]) {
      const values = Float32Array.from(
        { length },
        (_, i) => FINITE[dtype][i % 5]!,
      );
      assertEquals(
        firstNotFinite(fromFloat32(values, dtype), dtype),
        undefined,
      );
      for (let index = 0; index < length; index++) {
        for (const value of [NaN, Infinity, -Infinity]) {
          const bytes = fromFloat32(values.with(index, value), dtype);
          assertEquals(firstNotFinite(bytes, dtype), { index, value });
        }
      }
    }
  });
}

test("firstNotFinite() looks at no whole numbers", () => {
  const bytes = new Uint8Array(16).fill(0xff);
  assertEquals(firstNotFinite(bytes, "I64"), undefined);
  assertEquals(firstNotFinite(bytes, "U8"), undefined);
});

test(
  "openSafetensors() names file, tensor and number of what is not finite, whole and in chunks",
  {
    permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  },
  async () => {
    await using folder = await temporaryFolder();
    const values = new Float32Array(24).fill(0.5).with(17, -Infinity);
    const header = JSON.stringify({
      good: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
      bad: { dtype: "F32", shape: [6, 4], data_offsets: [8, 104] },
    });
    const text = new TextEncoder().encode(header);
    const size = new Uint8Array(8);
    new DataView(size.buffer).setBigUint64(0, BigInt(text.length), true);
    const path = folder.file("x.safetensors");
    const file = [size, text, new Uint8Array(8), new Uint8Array(values.buffer)];
    await Deno.writeFile(path, new Uint8Array(file.flatMap((one) => [...one])));
    const reader = await openSafetensors(path);
    const says =
      `Cannot read "${path}": in tensor "bad" of shape [6, 4] number 17 is -Infinity, expected finite numbers`;
    await reader.read("good");
    await assertRejects(() => reader.read("bad"), RangeError, says);
    await assertRejects(
      async () => {
        for await (const { offset } of reader.chunks("bad", 16)) {
          if (offset > 64) throw new Error("too late");
        }
      },
      RangeError,
      says,
    );
  },
);
