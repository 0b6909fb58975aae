import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import type { LogitOptions } from "../../../kernels/vocabulary/logit_options.ts";
import {
  STATE_SIZE,
  updateRowStates,
  vocabularyChunks,
} from "../../../kernels/vocabulary/vocabulary_chunks.ts";
import {
  tokenLogpOfProducts,
  type TokenLogpTwin,
} from "../../reference/token_logps.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded, seededIntegers } from "../numbers.ts";
import { test } from "../../test_case.ts";

interface Problem {
  readonly products: Float32Array;
  readonly targets: Uint32Array<ArrayBuffer>;
  readonly rows: number;
  readonly vocabulary: number;
  readonly chunk: number;
}

function problem(rows: number, vocabulary: number, chunk: number): Problem {
  return {
    products: seeded(rows * vocabulary, rows + vocabulary, 8),
    targets: seededIntegers(rows, vocabulary, vocabulary),
    rows,
    vocabulary,
    chunk,
  };
}

/** Runs all chunks. Returns the states, and p against the last maximum, `[rows, vocabulary]`. */
async function run(
  device: Device,
  { products, targets, rows, vocabulary, chunk }: Problem,
  options: LogitOptions = {},
): Promise<{ states: Float32Array; p: Float64Array }> {
  const targetTokens = device.upload(targets, [rows], "u32");
  const states = device.allocate([rows, STATE_SIZE]);
  const rowFactors = device.allocate([rows]);
  const carried = { targetTokens, states, rowFactors };
  const p = new Float64Array(rows * vocabulary);
  for (let first = 0; first < vocabulary; first += chunk) {
    const cols = Math.min(chunk, vocabulary - first);
    const part = Float32Array.from(
      { length: rows * cols },
      (_, i) => products[Math.floor(i / cols) * vocabulary + first + i % cols]!,
    );
    const logits = device.upload(part, [rows, cols]);
    const all = { ...options, first, gradient: true };
    updateRowStates(device, logits, carried, all);
    const factors = await device.read(rowFactors);
    const written = await device.read(logits);
    for (let i = 0; i < p.length; i++) {
      p[i]! *= factors[Math.floor(i / vocabulary)]!;
    }
    for (const [i, value] of written.entries()) {
      p[Math.floor(i / cols) * vocabulary + first + i % cols] = value;
    }
  }
  return { states: await device.read(states), p };
}

function wanted(twin: TokenLogpTwin, target: number): number[] {
  const { logits } = twin;
  const maximum = Math.max(...logits);
  const e = logits.map((l) => Math.exp(l - maximum));
  const sum = (f: (l: number, e: number) => number) =>
    logits.reduce((s, l, v) => s + f(l, e[v]!), 0);
  return [
    maximum,
    sum((_, e) => e),
    sum((l) => l),
    sum((l, e) => e * (l - maximum)),
    sum((_, e) => e * e),
    logits[target]!,
    logits.indexOf(maximum),
  ];
}

function assertStates(
  { states, p }: { states: Float32Array; p: Float64Array },
  { products, targets, rows, vocabulary }: Problem,
  options: { softcap?: number; logitScale?: number; bias?: Float32Array } = {},
): void {
  for (let row = 0; row < rows; row++) {
    const part = (all: ArrayLike<number>) =>
      Array.from(all).slice(row * vocabulary, (row + 1) * vocabulary);
    const twin = tokenLogpOfProducts(part(products), targets[row]!, options);
    const want = wanted(twin, targets[row]!);
    const got = [...states.subarray(row * STATE_SIZE, row * STATE_SIZE + 7)];
    for (const [i, value] of want.entries()) {
      // the error of a sum of n terms grows with the terms' size, not with the sum's: 2 is
      // cancelled to near zero
      const typical = i === 2 ? Math.sqrt(vocabulary) * 8 : Math.abs(value);
      assertAlmostEquals(
        got[i]!,
        value,
        4e-6 * typical + 1e-9,
        `state ${i} of row ${row}`,
      );
    }
    const wantP = twin.logits.map((l, v) =>
      Math.exp(l - want[0]!) * twin.logitSlopes[v]!
    );
    assertClose(part(p), wantP, 1e-5, "p");
  }
}

for (
  const [rows, vocabulary, chunk] of [
    [1, 1, 64],
    [3, 7, 64],
    [9, 257, 64],
    [33, 600, 128],
    [2, 5000, 4096],
  ] as const
) {
  await gpuTest(
    `updateRowStates() of ${rows} rows carries a vocabulary of ${vocabulary} in chunks of ${chunk}`,
    async (device) => {
      const given = problem(rows, vocabulary, chunk);
      assertStates(await run(device, given), given);
    },
  );
}

await gpuTest(
  "updateRowStates() applies bias, scale and softcap",
  async (device) => {
    const given = problem(5, 200, 64);
    const numbers = seeded(200, 9, 3);
    const options = { softcap: 5, logitScale: 0.7 };
    const bias = device.upload(numbers, [200]);
    const got = await run(device, given, { ...options, bias });
    assertStates(got, given, { ...options, bias: numbers });
  },
);

await gpuTest(
  "updateRowStates() takes the lowest of equally likely tokens",
  async (device) => {
    const given = problem(4, 192, 64);
    // the greatest twice in a chunk, in two chunks, next to each other, in the last place
    for (
      const [row, places] of [[70, 90], [10, 150], [2, 3], [191]].entries()
    ) {
      for (const place of places) given.products[row * 192 + place] = 50;
    }
    assertStates(await run(device, given), given);
  },
);

await gpuTest(
  "updateRowStates() stays finite for logits of 200 on either side",
  async (device) => {
    const given = problem(4, 192, 64);
    for (let i = 0; i < given.products.length; i++) {
      given.products[i] = given.products[i]! > 0 ? 200 : -200;
    }
    given.products.fill(-200, 192, 2 * 192); // all alike
    given.products[3 * 192 + 191] = 1000; // the last chunk outweighs all
    assertStates(await run(device, given), given);
  },
);

const LIMITS = { hiddenSize: 896, chunkBytes: 32 << 20, windowBytes: 1 << 27 };

function chunks(vocabulary: number, targets: number, limits = {}) {
  return vocabularyChunks({ vocabulary, targets, ...LIMITS, ...limits });
}

function pureTest(name: string, fn: () => void): void {
  const sanitizers = { sanitizeOps: true, sanitizeResources: true };
  test({ name, permissions: "none", ...sanitizers, fn });
}

pureTest(
  "vocabularyChunks() covers each vocabulary once, from multiples of 64",
  () => {
    for (const vocabulary of [1, 33, 64, 512, 600, 50_257, 151_936]) {
      for (const targets of [1, 7, 533, 4000, 1_000_000]) {
        let next = 0;
        for (const { first, rows } of chunks(vocabulary, targets)) {
          assertEquals(first, next);
          assertEquals(first % 64, 0);
          next += rows;
        }
        assertEquals(next, vocabulary);
      }
    }
  },
);

pureTest(
  "vocabularyChunks() keeps the logits of a chunk within the budget",
  () => {
    // 32 MiB / (4 * 533) = 15,738 -> 15,680 = 245 * 64
    assertEquals(chunks(151_936, 533)[0], { first: 0, rows: 15_680 });
    assertEquals(chunks(151_936, 533).length, 10);
  },
);

pureTest(
  "vocabularyChunks() keeps the head's part within the binding limit",
  () => {
    // 2^20 / (4 * 896) = 292 -> 256
    assertEquals(chunks(1000, 1, { windowBytes: 1 << 20 })[0]!.rows, 256);
  },
);

pureTest(
  "vocabularyChunks() takes 64 rows where the budget has no room for them",
  () => {
    assertEquals(chunks(128, 1_000_000).map(({ rows }) => rows), [64, 64]);
  },
);

pureTest(
  "vocabularyChunks() leaves columns that do not divide by four to a small chunk",
  () => {
    // 50,257 = 785 * 64 + 17
    assertEquals(chunks(50_257, 4).at(-1), { first: 50_240, rows: 17 });
  },
);
