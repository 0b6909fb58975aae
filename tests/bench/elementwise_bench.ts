/** Norms, turns, gated units and sums at 512 tokens of Qwen2-0.5B's shape: what memory bounds. */
import { add } from "../../kernels/rows/elementwise.ts";
import { gatedUnit, gatedUnitBackward } from "../../kernels/rows/gated_unit.ts";
import { rmsNorm, rmsNormBackward } from "../../kernels/rows/rms_norm.ts";
import { rope } from "../../kernels/attention/rope.ts";
import { seeded, seededIntegers } from "../kernels/numbers.ts";
import { benchKernel, device } from "./bench_kernel.ts";

const [TOKENS, HIDDEN_SIZE, INTERMEDIATE_SIZE] = [512, 896, 4864] as const;
const HEAD_DIM = 64;

/**
 * So many tensors of `width` pass through memory, with some operations for each of their places.
 */
function work(width: number, tensors: number, operations: number) {
  const places = TOKENS * width;
  return { operations: places * operations, bytes: 4 * places * tensors };
}

function tensor(width: number, seed: number) {
  return device.upload(seeded(TOKENS * width, seed), [TOKENS, width]);
}

const narrow = () => ({
  a: tensor(HIDDEN_SIZE, 1),
  b: tensor(HIDDEN_SIZE, 2),
  weight: device.upload(seeded(HIDDEN_SIZE, 3), [HIDDEN_SIZE]),
  rstd: device.upload(seeded(TOKENS, 4), [TOKENS]),
});
const wide = () => ({
  gate: tensor(INTERMEDIATE_SIZE, 1),
  up: tensor(INTERMEDIATE_SIZE, 2),
  dy: tensor(INTERMEDIATE_SIZE, 3),
});
const turned = () => ({
  x: tensor(HIDDEN_SIZE, 1),
  cosSin: device.upload(seeded(TOKENS * HEAD_DIM, 2), [TOKENS, HEAD_DIM]),
  positions: device.upload(
    seededIntegers(TOKENS, 3, TOKENS),
    [TOKENS],
    "u32",
  ),
});

benchKernel(
  "add",
  work(HIDDEN_SIZE, 3, 1),
  narrow,
  ({ a, b }) => add(device, a, b),
);
benchKernel(
  "rmsNorm",
  work(HIDDEN_SIZE, 2, 4),
  narrow,
  ({ a, weight }) => rmsNorm(device, a, weight, { eps: 1e-6 }),
);
benchKernel(
  "rmsNormBackward, without dWeight",
  work(HIDDEN_SIZE, 3, 8),
  narrow,
  ({ a, b, weight, rstd }) =>
    rmsNormBackward(device, { x: a, weight, rstd }, b, {
      weightGradient: false,
    }),
);
benchKernel(
  "gatedUnit silu",
  work(INTERMEDIATE_SIZE, 3, 5),
  wide,
  ({ gate, up }) => gatedUnit(device, gate, up, "silu"),
);
benchKernel(
  "gatedUnitBackward silu",
  work(INTERMEDIATE_SIZE, 5, 12),
  wide,
  ({ gate, up, dy }) => gatedUnitBackward(device, gate, up, dy, "silu"),
);
benchKernel(
  "rope",
  work(HIDDEN_SIZE, 2, 3),
  turned,
  ({ x, cosSin, positions }) =>
    rope(device, x, cosSin, positions, {
      heads: HIDDEN_SIZE / HEAD_DIM,
      headDim: HEAD_DIM,
    }),
);
