/** Kernels at shapes by chance, against their twins in float64. */
import {
  attention,
  attentionBackward,
} from "../../../kernels/attention/attention.ts";
import type { Device } from "../../../kernels/device/device.ts";
import { openDevice } from "../../../kernels/device/open_deno.ts";
import { columnSums } from "../../../kernels/launch/column_sums.ts";
import { linear, linearDw, linearDx } from "../../../kernels/matmul/linear.ts";
import {
  type Activation,
  gatedUnit,
  gatedUnitBackward,
} from "../../../kernels/rows/gated_unit.ts";
import { gatherRows } from "../../../kernels/rows/gather.ts";
import { rmsNorm, rmsNormBackward } from "../../../kernels/rows/rms_norm.ts";
import { softmax } from "../../../kernels/vocabulary/softmax.ts";
import { tokenLogps } from "../../../kernels/vocabulary/token_logps.ts";
import {
  packed,
  pairs,
  queryRangesOf,
  randomInputs,
} from "../../kernels/attention_case.ts";
import { seededCodes, seededMatrix } from "../../kernels/matrix_case.ts";
import { assertClose, seeded, seededIntegers } from "../../kernels/numbers.ts";
import { uploadMatrix } from "../../kernels/upload_matrix.ts";
import * as attentionTwins from "../../reference/attention.ts";
import { columnSumsTwin } from "../../reference/column_sums.ts";
import {
  gatedUnitBackwardTwin,
  gatedUnitTwin,
} from "../../reference/gated_unit.ts";
import { gatherRowsTwin } from "../../reference/gather.ts";
import { linearBackwardTwin, linearTwin } from "../../reference/linear.ts";
import { rmsNormBackwardTwin, rmsNormTwin } from "../../reference/rms_norm.ts";
import * as softmaxTwins from "../../reference/softmax.ts";
import { tokenLogpsReference } from "../../reference/token_logps.ts";
import type { Chance } from "../chance.ts";
import { Broken, type DrawInput } from "../fuzz_target.ts";

const EPS = 2 ** -24;

interface Case {
  readonly words: string;
  run(device: Device): Promise<void>;
}

const DTYPES = ["f32", "bf16", "f16", "nf4", "int8"] as const;

function products(chance: Chance): Case {
  const dtype = chance.pick(DTYPES);
  const isCodes = dtype === "nf4" || dtype === "int8";
  const [tokens, rows] = [chance.between(1, 150), chance.between(1, 150)];
  // rows of codes are whole blocks
  const cols = isCodes ? 64 * chance.between(1, 4) : chance.between(1, 200);
  const size = { tokens, rows, cols };
  return {
    words: `product ${tokens} x ${cols} by ${rows}, ${dtype}`,
    async run(device) {
      const { w, values } = isCodes
        ? seededCodes(device, rows, cols, dtype)
        : seededMatrix(device, rows, cols, dtype);
      const [x, dy] = [seeded(tokens * cols, 1), seeded(tokens * rows, 2)];
      const xTensor = device.upload(x, [tokens, cols]);
      const dyTensor = device.upload(dy, [tokens, rows]);
      // a sum of n products errs by about eps times the root of n; 8 leaves room
      const tolerance = (n: number) => EPS * 8 * Math.sqrt(n + 1);
      // the CPU's kernels of int8 round the inputs to 8 bits
      const own = dtype === "int8" ? 0.02 : 0;
      const y = await device.read(linear(device, xTensor, w));
      assertClose(y, linearTwin(x, values, size), tolerance(cols) + own, "y");
      const want = linearBackwardTwin(dy, x, values, size);
      const dx = await device.read(linearDx(device, dyTensor, w));
      assertClose(dx, want.dx, tolerance(rows) + own, "dx");
      if (isCodes) return;
      const dw = await device.read(linearDw(device, dyTensor, xTensor));
      assertClose(dw, want.dw, tolerance(tokens), "dw");
    },
  };
}

function norms(chance: Chance): Case {
  const [rows, cols] = [chance.between(1, 120), chance.between(2, 900)];
  const input = {
    x: seeded(rows * cols, 1),
    weight: seeded(cols, 2),
    eps: chance.pick([1e-6, 1e-5]),
    offset: chance.below(2),
  };
  return {
    words: `RMS norm [${rows}, ${cols}]`,
    async run(device) {
      const x = device.upload(input.x, [rows, cols]);
      const weight = device.upload(input.weight, [cols]);
      const { y, rstd } = rmsNorm(device, x, weight, input);
      const want = rmsNormTwin(input);
      assertClose(await device.read(y), want.y, (16 + cols) * EPS, "y");
      const dy = seeded(rows * cols, 3);
      const { dx, dWeight } = rmsNormBackward(
        device,
        { x, weight, rstd },
        device.upload(dy, [rows, cols]),
        { offset: input.offset, weightGradient: true },
      );
      const back = rmsNormBackwardTwin(input, dy);
      // with few columns the terms of dx cancel
      const room = 16 + 2 * cols + 4096 / cols;
      assertClose(await device.read(dx), back.dx, room * EPS, "dx");
      assertClose(
        await device.read(dWeight!),
        back.dWeight,
        (16 + rows + cols) * EPS,
        "dWeight",
      );
    },
  };
}

function units(chance: Chance): Case {
  const shape = [chance.between(1, 200), chance.between(1, 300)];
  const activation: Activation = chance.pick([
    "silu",
    "gelu_tanh",
    "relu2",
    "sigmoid",
  ]);
  return {
    words: `gated unit [${shape}], ${activation}`,
    async run(device) {
      const count = shape[0]! * shape[1]!;
      const [gate, up, dy] = [
        seeded(count, 1, 6),
        seeded(count, 2),
        seeded(count, 3),
      ];
      const [g, u] = [device.upload(gate, shape), device.upload(up, shape)];
      const y = gatedUnit(device, g, u, activation);
      const want = gatedUnitTwin(gate, up, activation);
      assertClose(await device.read(y), want, 64 * EPS, "y");
      const slopes = device.upload(dy, shape);
      const made = gatedUnitBackward(device, g, u, slopes, activation);
      const back = gatedUnitBackwardTwin(gate, up, dy, activation);
      assertClose(await device.read(made.dGate), back.dGate, 64 * EPS, "dGate");
      assertClose(await device.read(made.dUp), back.dUp, 64 * EPS, "dUp");
    },
  };
}

function attentions(chance: Chance): Case {
  const kvHeads = chance.between(1, 4);
  const heads = kvHeads * chance.between(1, 3);
  const headDim = chance.pick([8, 16, 20, 32, 64]);
  const window = chance.pick([Infinity, Infinity, 1, 3, 17]);
  const size = () => chance.between(1, 50);
  const layout = chance.oneIn(2)
    ? packed([size(), size()], window)
    : pairs([[size(), size(), size()]], window);
  const shape = {
    heads,
    kvHeads,
    headDim,
    scale: 1 / Math.sqrt(headDim),
    softcap: chance.pick([0, 0, 5]),
  };
  return {
    words:
      `attention of ${layout.keys} keys, ${heads} heads on ${kvHeads} of ${headDim}`,
    async run(device) {
      const inputs = randomInputs(layout, shape);
      const queries = layout.ranges.length / 4;
      const kvShape = [layout.keys, kvHeads * headDim];
      const q = device.upload(inputs.q, [queries, heads * headDim]);
      const k = device.upload(inputs.k, kvShape);
      const v = device.upload(inputs.v, kvShape);
      const ranges = device.upload(
        Uint32Array.from(layout.ranges),
        [queries, 4],
        "u32",
      );
      const { o, lse } = attention(device, q, k, v, ranges, shape);
      const want = attentionTwins.attention(inputs, shape);
      assertClose(await device.read(o), want.o, 2e-5, "o");
      assertClose(await device.read(lse), want.lse, 2e-5, "lse");
      const seen = queryRangesOf(layout);
      const queryRanges = device.upload(seen, [layout.keys, 2], "u32");
      const made = attentionBackward(
        device,
        { q, k, v, o, lse, ranges, queryRanges },
        device.upload(inputs.dO, [queries, heads * headDim]),
        shape,
      );
      const back = attentionTwins.attentionBackward(inputs, inputs.dO, shape);
      for (const name of ["dq", "dk", "dv"] as const) {
        assertClose(await device.read(made[name]), back[name], 1e-4, name);
      }
    },
  };
}

function sums(chance: Chance): Case {
  const [rows, cols] = [chance.between(1, 400), chance.between(1, 300)];
  const chosen = chance.between(1, 200);
  return {
    words: `column sums, softmax and gather of [${rows}, ${cols}]`,
    async run(device) {
      const x = seeded(rows * cols, 1, 4);
      const given = device.upload(x, [rows, cols]);
      const sum = await device.read(columnSums(device, given));
      assertClose(sum, columnSumsTwin(x, cols), rows * EPS, "sums");
      const likely = await device.read(softmax(device, given));
      assertClose(likely, softmaxTwins.softmax(x, cols), 2e-5, "softmax");
      const index = seededIntegers(chosen, 1, rows);
      const picked = await device.read(
        gatherRows(device, given, device.upload(index, [chosen], "u32")),
      );
      assertClose(picked, gatherRowsTwin(x, index, cols), 0, "gather");
    },
  };
}

function logps(chance: Chance): Case {
  const [targets, vocabulary] = [chance.between(1, 40), chance.between(2, 900)];
  const hiddenSize = chance.between(1, 100);
  const softcap = chance.pick([undefined, undefined, 5]);
  return {
    words:
      `log-probabilities of ${targets} in ${vocabulary}, ${hiddenSize} wide`,
    async run(device) {
      const hidden = seeded(targets * hiddenSize, targets, 3);
      const head = seeded(vocabulary * hiddenSize, vocabulary);
      const targetTokens = seededIntegers(targets, hiddenSize, vocabulary);
      const { logps } = tokenLogps(
        device,
        device.upload(hidden, [targets, hiddenSize]),
        uploadMatrix(device, head, [vocabulary, hiddenSize]),
        device.upload(targetTokens, [targets], "u32"),
        { gradient: false, softcap },
      );
      const twins = tokenLogpsReference({
        hidden,
        head,
        targetTokens,
        vocabulary,
        hiddenSize,
        ...softcap === undefined ? {} : { softcap },
      });
      const want = twins.map(({ logp }) => logp);
      assertClose(await device.read(logps), want, 5e-5, "logps");
    },
  };
}

const CASES = [products, products, norms, units, attentions, sums, logps];

/** The target. */
export async function kernels(): Promise<DrawInput> {
  const devices = await Promise.all(
    (["cpu", "gpu"] as const).map((kind) => openDevice({ kind })),
  );
  return (chance) => {
    const device = chance.pick(devices);
    const { words, run } = chance.pick(CASES)(chance);
    const whole = `${words}, kind ${device.kind}`;
    return {
      words: whole,
      async run() {
        using _scope = device.scope();
        try {
          await run(device);
        } catch (error) {
          // every shape that is drawn is served, so a refusal is a fault too
          throw new Broken(error instanceof Error ? error.message : `${error}`);
        }
      },
      show: () => whole,
    };
  };
}
