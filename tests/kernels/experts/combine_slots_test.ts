import {
  combineSlots,
  combineSlotsBackward,
} from "../../../kernels/experts/combine_slots.ts";
import { centralDifferences } from "../../reference/central_differences.ts";
import { combineTwin } from "../../reference/experts.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded } from "../numbers.ts";
import { test } from "../../test_case.ts";

const CASES = [
  { tokens: 1, k: 1, cols: 1 },
  { tokens: 7, k: 3, cols: 33 },
  { tokens: 33, k: 2, cols: 172 },
  { tokens: 257, k: 8, cols: 64 },
];

/** A permutation: 7 divides none of the counts. */
const slotsOf = (count: number) =>
  Uint32Array.from({ length: count }, (_, i) => (7 * i + 3) % count);

for (const { tokens, k, cols } of CASES) {
  const count = tokens * k;
  await gpuTest(
    `combineSlots() and its backward add ${k} rows of ${cols} for ${tokens} tokens`,
    async (device) => {
      const slots = count % 7 === 0
        ? Uint32Array.from({ length: count }, (_, i) => count - 1 - i)
        : slotsOf(count);
      const x = seeded(count * cols, 1);
      const gates = seeded(count, 2);
      const given = {
        x: device.upload(x, [count, cols]),
        slots: device.upload(slots, [tokens, k], "u32"),
        gates: device.upload(gates, [tokens, k]),
      };
      const shape = { k, cols, slots };
      const y = combineSlots(device, given.x, given.slots, given.gates);
      assertClose(await device.read(y), combineTwin(x, gates, shape), 1e-6);
      const ones = new Float32Array(count).fill(1);
      const sum = combineSlots(device, given.x, given.slots);
      assertClose(await device.read(sum), combineTwin(x, ones, shape), 1e-6);
      const dy = seeded(tokens * cols, 3);
      const { dx, dgates } = combineSlotsBackward(
        device,
        given,
        device.upload(dy, [tokens, cols]),
      );
      const slopes = slopesOf(x, gates, dy, shape);
      assertClose(await device.read(dx), slopes.dx, 1e-6, "dx");
      assertClose(
        await device.read(dgates),
        slopes.dgates,
        (cols + 8) * 2 ** -24,
        "dgates",
      );
    },
  );
}

type Shape = Parameters<typeof combineTwin>[2];

/** The sum is linear in each: its slope by x is a gate, its slope by a gate a row. */
function slopesOf(
  x: Float32Array,
  gates: Float32Array,
  dy: Float32Array,
  { k, cols, slots }: Shape,
) {
  const dx = new Float64Array(x.length);
  const dgates = new Float64Array(gates.length);
  for (const [choice, slot] of [...slots as Uint32Array].entries()) {
    for (let c = 0; c < cols; c++) {
      const slope = dy[Math.floor(choice / k) * cols + c]!;
      dx[slot * cols + c] = slope * gates[choice]!;
      dgates[choice]! += slope * x[slot * cols + c]!;
    }
  }
  return { dx, dgates };
}

test("the slopes of combineTwin() are those of central differences", {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
}, () => {
  const shape = { k: 2, cols: 3, slots: slotsOf(4) };
  const [x, gates, dy] = [seeded(12, 1), seeded(4, 2), seeded(6, 3)];
  const { dx, dgates } = slopesOf(x, gates, dy, shape);
  const byX = centralDifferences(
    (x) => combineTwin(x, gates, shape),
    Float64Array.from(x),
    dy,
  );
  assertClose(dx, byX, 1e-8);
  const byGates = centralDifferences(
    (gates) => combineTwin(x, gates, shape),
    Float64Array.from(gates),
    dy,
  );
  assertClose(dgates, byGates, 1e-8);
});
