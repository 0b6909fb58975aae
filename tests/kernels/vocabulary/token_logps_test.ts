import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { uploadMatrix } from "../upload_matrix.ts";
import { tokenLogps } from "../../../kernels/vocabulary/token_logps.ts";
import { tokenLogpsBackward } from "../../../kernels/vocabulary/token_logps_backward.ts";
import { tokenStatistics } from "../../../kernels/vocabulary/token_statistics.ts";
import {
  tokenLogpsBackwardReference,
  type TokenLogpsProblem,
  tokenLogpsReference,
} from "../../reference/token_logps.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded, seededIntegers } from "../numbers.ts";

type Problem = TokenLogpsProblem & {
  readonly hidden: Float32Array<ArrayBuffer>;
  readonly head: Float32Array<ArrayBuffer>;
  readonly targetTokens: Uint32Array<ArrayBuffer>;
  readonly bias?: Float32Array<ArrayBuffer>;
};

function problem(
  targets: number,
  vocabulary: number,
  hiddenSize: number,
  more: Partial<Problem> = {},
): Problem {
  return {
    hidden: seeded(targets * hiddenSize, targets, 3),
    head: seeded(vocabulary * hiddenSize, vocabulary),
    targetTokens: seededIntegers(targets, hiddenSize, vocabulary),
    vocabulary,
    hiddenSize,
    ...more,
  };
}

function upload(device: Device, p: Problem) {
  const targets = p.targetTokens.length;
  const bias = p.bias && device.upload(p.bias, [p.vocabulary]);
  return {
    hidden: device.upload(p.hidden, [targets, p.hiddenSize]),
    head: uploadMatrix(device, p.head, [p.vocabulary, p.hiddenSize]),
    targetTokens: device.upload(p.targetTokens, [targets], "u32"),
    options: { softcap: p.softcap, logitScale: p.logitScale, bias },
  };
}

/** Compares logps, statistics and the unit gradient with the twin's. */
async function check(
  device: Device,
  p: Problem,
  chunkBytes?: number,
): Promise<void> {
  const { hidden, head, targetTokens, options } = upload(device, p);
  const all = { ...options, gradient: true, chunkBytes };
  const made = tokenLogps(device, hidden, head, targetTokens, all);
  const twins = tokenLogpsReference(p);
  const logps = await device.read(made.logps);
  for (const [t, twin] of twins.entries()) {
    assert(
      Math.abs(logps[t]! - twin.logp) < 5e-5,
      `logps[${t}] is ${logps[t]}, expected ${twin.logp}`,
    );
  }
  const got = tokenStatistics(await device.read(made.statistics));
  // sums of `hidden_size` products in f32, then of the vocabulary's exponentials
  const near = (values: Float32Array, name: keyof typeof twins[0]) =>
    assertClose(values, twins.map((twin) => twin[name] as number), 2e-5, name);
  near(got.lse, "lse");
  near(got.meanLogits, "meanLogit");
  near(got.entropies, "entropy");
  near(got.sumSquares, "sumSquares");
  assertEquals([...got.correct], twins.map(({ correct }) => correct));
  const ones = new Float32Array(twins.length).fill(1);
  const { dHidden } = tokenLogpsBackwardReference(p, ones);
  assertClose(await device.read(made.dHidden!), dHidden, 2e-5, "dHidden");
}

/** Bytes of chunks of 64 columns for so many targets. */
const small = (targets: number) => targets * 64 * 4;

for (
  const [targets, vocabulary, hiddenSize] of [
    [1, 7, 8],
    [7, 33, 172],
    [33, 257, 8],
    [5, 512, 172],
    [9, 600, 64],
    [257, 130, 16],
  ] as const
) {
  await gpuTest(
    `tokenLogps() of ${targets} targets equals its twin at [${vocabulary}, ${hiddenSize}], whatever the chunks`,
    async (device) => {
      const p = problem(targets, vocabulary, hiddenSize);
      await check(device, p);
      await check(device, p, small(targets));
    },
  );
}

await gpuTest(
  "tokenLogps() reads a head that lies in several windows",
  // 64 KiB hold 256 rows of 64 numbers: 600 rows lie in three windows
  (device) => check(device, problem(9, 600, 64)),
  { windowBytes: 1 << 16 },
);

await gpuTest(
  "tokenLogps() applies softcap, scale and bias",
  async (device) => {
    const p = problem(9, 200, 16, {
      softcap: 6,
      logitScale: 0.8,
      bias: seeded(200, 3, 2),
    });
    await check(device, p, small(9));
  },
);

await gpuTest(
  "tokenLogps() without gradient gives the same and no dHidden",
  async (device) => {
    const p = problem(9, 200, 16);
    const { hidden, head, targetTokens } = upload(device, p);
    const run = (gradient: boolean) =>
      tokenLogps(device, hidden, head, targetTokens, { gradient });
    const { logps, dHidden } = run(false);
    assertEquals(dHidden, undefined);
    assertEquals(
      await device.read(logps),
      await device.read(run(true).logps),
    );
  },
);

await gpuTest(
  "tokenLogps() of no targets makes empty tensors",
  async (device) => {
    const p = problem(1, 70, 8);
    const { head } = upload(device, p);
    const hidden = device.zeros([0, 8]);
    const targetTokens = device.zeros([0], "u32");
    const options = { gradient: true };
    const made = tokenLogps(device, hidden, head, targetTokens, options);
    assertEquals(made.logps.shape, [0]);
    const record = { hidden, head, targetTokens, ...made };
    const dHidden = tokenLogpsBackward(
      device,
      { ...record, dHidden: made.dHidden! },
      device.zeros([0]),
      { headGradient: device.zeros([70, 8]) },
    );
    assertEquals(dHidden.shape, [0, 8]);
    await device.finish();
  },
);

await gpuTest(
  "tokenLogps() stays finite for logits of 200 on either side",
  async (device) => {
    const [targets, vocabulary] = [4, 192];
    const head = seeded(vocabulary * 4, 1).map((x) => Math.sign(x) * 50);
    const hidden = new Float32Array(targets * 4).fill(1);
    const p = problem(targets, vocabulary, 4, { head, hidden });
    const { options, ...given } = upload(device, p);
    const made = tokenLogps(
      device,
      given.hidden,
      given.head,
      given.targetTokens,
      { ...options, gradient: true, chunkBytes: small(targets) },
    );
    const want = tokenLogpsReference(p).map(({ logp }) => logp);
    assert(Math.min(...want) < -99, `${want}`);
    assertClose(await device.read(made.logps), want, 1e-6, "logps");
    const { dHidden } = tokenLogpsBackwardReference(p, want.map(() => 1));
    assertClose(await device.read(made.dHidden!), dHidden, 2e-5, "dHidden");
  },
);

for (const numbers of [{}, { softcap: 6, logitScale: 0.8 }]) {
  await gpuTest(
    `tokenLogpsBackward() adds the gradients of hidden states, head and bias, ${
      JSON.stringify(numbers)
    }`,
    async (device) => {
      const [targets, vocabulary, hiddenSize] = [9, 200, 16] as const;
      const p = problem(targets, vocabulary, hiddenSize, {
        ...numbers,
        bias: seeded(vocabulary, 7),
      });
      const { options, ...given } = upload(device, p);
      const slopes = seeded(targets, 5, 2);
      const chunkBytes = small(targets);
      const { statistics, dHidden } = tokenLogps(
        device,
        given.hidden,
        given.head,
        given.targetTokens,
        { ...options, gradient: true, chunkBytes },
      );
      const start = seeded(vocabulary * hiddenSize, 6);
      const headGradient = device.upload(start, [vocabulary, hiddenSize]);
      const biasGradient = device.zeros([vocabulary]);
      const got = tokenLogpsBackward(
        device,
        { ...given, statistics, dHidden: dHidden! },
        device.upload(slopes, [targets]),
        { ...options, headGradient, biasGradient, chunkBytes },
      );
      const want = tokenLogpsBackwardReference(p, slopes);
      assertClose(await device.read(got), want.dHidden, 2e-5, "dHidden");
      const sum = want.dHead.map((d, i) => d + start[i]!);
      assertClose(await device.read(headGradient), sum, 1e-5, "dHead");
      const dBias = await device.read(biasGradient);
      assertClose(dBias, want.dBias, 2e-5, "dBias");
    },
  );
}

await gpuTest(
  "tokenLogps() holds no buffer of [targets, vocabulary]",
  async (device) => {
    const [targets, vocabulary, hiddenSize] = [64, 20_000, 8] as const;
    const p = problem(targets, vocabulary, hiddenSize);
    const { hidden, head, targetTokens } = upload(device, p);
    const headGradient = device.zeros([vocabulary, hiddenSize]);
    device.trim();
    const before = device.memory.allocatedBytes;
    const chunkBytes = 256 << 10;
    const all = { gradient: true, chunkBytes };
    const made = tokenLogps(device, hidden, head, targetTokens, all);
    tokenLogpsBackward(
      device,
      { hidden, head, targetTokens, ...made, dHidden: made.dHidden! },
      device.upload(seeded(targets, 1), [targets]),
      { headGradient, chunkBytes },
    );
    await device.finish();
    // the logits would be 5 MB; a chunk lies in a buffer, a texture and what the products pack
    const held = device.memory.allocatedBytes - before;
    assert(held < targets * vocabulary * 4 / 2, `${held} bytes are held`);
    const logps = await device.read(made.logps);
    const want = tokenLogpsReference(p).map(({ logp }) => logp);
    assertClose(logps, want, 5e-6, "logps");
  },
);

await gpuTest("tokenLogps() names a shape that does not fit", (device) => {
  const p = problem(3, 70, 8);
  const { hidden, head, targetTokens } = upload(device, p);
  const options = { gradient: false };
  assertThrows(
    () => tokenLogps(device, device.zeros([3, 9]), head, targetTokens, options),
    TypeError,
    'tensor "hidden": shape [3, 9], expected [3, 8]',
  );
  assertThrows(
    () => tokenLogps(device, hidden, head, device.zeros([4], "u32"), options),
    TypeError,
    'tensor "targetTokens": shape [4], expected [3]',
  );
  return Promise.resolve();
}, { kinds: ["gpu"] });
