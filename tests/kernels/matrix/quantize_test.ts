import { assert, assertEquals } from "@std/assert";
import {
  CODEBOOKS,
  type CodeDType,
  DYNAMIC_MAP,
} from "../../../kernels/matrix/codebooks.ts";
import {
  dequantize,
  nestScales,
  quantize,
  restoreScales,
} from "../../../kernels/matrix/quantize.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { assertClose } from "../numbers.ts";
import { compared, referencePath } from "../../reference_dir.ts";
import { eachCase, referenceTest } from "../../reference_test_case.ts";
import { test } from "../../test_case.ts";

const sanitized = { sanitizeOps: true, sanitizeResources: true };

/** The reference's matrices and what became of them. */
async function open() {
  const file = await openSafetensors(referencePath("quant/quant.safetensors"));
  const bytes = (name: string) => file.read(name);
  const floats = async (name: string) =>
    new Float32Array((await bytes(name)).buffer);
  const cases = [...file.tensors].flatMap(([tensor, { shape }]) => {
    const [, name] = tensor.match(/^(.*)\.input$/) ?? [];
    return name === undefined ? [] : [{ name, cols: shape[1]! }];
  });
  return { bytes, floats, cases };
}

type Matrices = Awaited<ReturnType<typeof open>>;
type MatrixCase = Matrices["cases"][number];

function assertWithin(got: Float32Array, want: Float32Array) {
  assertEquals(got.length, want.length);
  for (const [i, value] of want.entries()) {
    assert(Math.abs(got[i]! - value) <= 1e-6, `[${i}] ${got[i]} ${value}`);
  }
}

referenceTest(
  "CODEBOOKS and DYNAMIC_MAP are those of the reference",
  async () => {
    const { floats } = await open();
    assertEquals(CODEBOOKS.nf4, await floats("nf4_codebook"));
    // that map was made in float32
    const map = await floats("dynamic_map_signed_8bit");
    assertClose(DYNAMIC_MAP, map, 2 ** -22);
  },
);

async function checkNf4(
  { name, cols }: MatrixCase,
  { bytes, floats }: Matrices,
): Promise<void> {
  const input = await floats(`${name}.input`);
  const codes = quantize(input, cols, "nf4");
  assertEquals(codes.bytes, await bytes(`${name}.nf4_packed`));
  assertEquals(codes.absmax, await floats(`${name}.nf4_absmax`));
  const back = dequantize(codes, [input.length / cols, cols], "nf4");
  assertWithin(back, await floats(`${name}.nf4_dequant`));
}

async function checkNested(
  { name, cols }: MatrixCase,
  { bytes, floats }: Matrices,
): Promise<void> {
  const input = await floats(`${name}.input`);
  const { absmax, bytes: packed } = quantize(input, cols, "nf4");
  const nested = nestScales(absmax);
  const [offset] = await floats(`${name}.dq_offset`);
  assertWithin(Float32Array.of(nested.offset), Float32Array.of(offset!));
  assertEquals(nested.codes, await bytes(`${name}.dq_absmax_codes`));
  assertWithin(nested.absmax, await floats(`${name}.dq_absmax2`));
  const restored = restoreScales(nested);
  assertWithin(restored, await floats(`${name}.dq_absmax_restored`));
  const shape = [input.length / cols, cols] as const;
  const back = dequantize({ bytes: packed, absmax: restored }, shape, "nf4");
  assertWithin(back, await floats(`${name}.dq_dequant`));
}

async function checkInt8(
  { name, cols }: MatrixCase,
  { bytes, floats }: Matrices,
): Promise<void> {
  const input = await floats(`${name}.int8_input`);
  const codes = quantize(input, cols, "int8");
  assertEquals(codes.bytes, await bytes(`${name}.int8_codes`));
  assertEquals(codes.absmax, await floats(`${name}.int8_row_absmax`));
  const back = dequantize(codes, [input.length / cols, cols], "int8");
  assertWithin(back, await floats(`${name}.int8_dequant`));
}

for (
  const [what, check] of [
    ["quantize() to nf4", checkNf4],
    ["nestScales()", checkNested],
    ["quantize() to int8", checkInt8],
  ] as const
) {
  referenceTest(`${what} gives the codes of the reference`, async (context) => {
    const matrices = await open();
    await eachCase(context, matrices.cases, async (one) => {
      await check(one, matrices);
      compared("quantised weights");
    });
  });
}

test({
  name: "quantize() to fp4 takes the nearest number, the lower one of two",
  permissions: "none",
  ...sanitized,
  fn() {
    // the largest magnitude is 12, so that numbers are what CODEBOOKS holds times 12
    const halfway = (3 + 4) / 2;
    const values = [12, -12, 0, 0.07, -0.07, 3.4, -3.6, 5.1, 7.9, halfway];
    const { bytes, absmax } = quantize(Float32Array.from(values), 10, "fp4");
    assertEquals([...absmax], [12]);
    const codes = [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
    assertEquals(codes, [3, 11, 0, 1, 9, 7, 12, 5, 2, 7]);
    const back = dequantize({ bytes, absmax }, [1, 10], "fp4");
    assertWithin(
      back,
      Float32Array.of(12, -12, 0, 0.0625, -0.0625, 3, -4, 6, 8, 3),
    );
  },
});

for (const dtype of ["int8", "nf4", "fp4"] as const satisfies CodeDType[]) {
  test({
    name: `quantize() to ${dtype} keeps zeros, and shows a NaN`,
    permissions: "none",
    ...sanitized,
    fn() {
      const values = new Float32Array(192);
      values[130] = NaN;
      const shape = [3, 64] as const;
      const back = dequantize(quantize(values, 64, dtype), shape, dtype);
      assert(back.subarray(0, 128).every((value) => value === 0));
      assert(back.subarray(128).some(Number.isNaN));
    },
  });
}
