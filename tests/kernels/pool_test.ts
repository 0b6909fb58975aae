/** What a pool holds while batches of many lengths come and go. */
import { assert, assertEquals } from "@std/assert";
import { createPool } from "../../kernels/pool.ts";
import { gpuTest } from "./gpu_test_case.ts";

const MB = 1 << 20;

await gpuTest(
  "buffer() gives again what is large enough, the smallest first, and nothing twice too large",
  ({ gpu }) => {
    const pool = createPool(gpu, Infinity);
    const [large, small] = [pool.buffer(500_000), pool.buffer(300_000)];
    pool.giveBack(large);
    pool.giveBack(small);
    assert(pool.buffer(290_000) === small);
    assert(pool.buffer(290_000) === large);
    pool.giveBack(large);
    assert(pool.buffer(100_000) !== large);
    pool.destroy();
    return Promise.resolve();
  },
  { variants: ["panel"] },
);

await gpuTest(
  "texture() gives again what is tall enough, of the same format and width",
  ({ gpu }) => {
    const pool = createPool(gpu, Infinity);
    const tall = pool.texture("rgba32float", 512, 20);
    pool.giveBack(tall);
    assert(pool.texture("rgba32uint", 512, 20) !== tall);
    assert(pool.texture("rgba32float", 256, 20) !== tall);
    assert(pool.texture("rgba32float", 512, 11) === tall);
    pool.destroy();
    return Promise.resolve();
  },
  { variants: ["panel"] },
);

await gpuTest(
  "buffer() destroys what lies idle beyond 128 MB, submitting first what may use it",
  ({ gpu }) => {
    let submissions = 0;
    const pool = createPool(gpu, Infinity, () => void submissions++);
    // each too small for the next request: 20 MB, 24 MB, ... 40 MB; 180 MB in all
    for (let bytes = 20 * MB; bytes <= 40 * MB; bytes += 4 * MB) {
      pool.giveBack(pool.buffer(bytes));
    }
    assert(pool.memory.allocatedBytes <= (40 + 128) * MB);
    assert(submissions > 0);
    pool.trim();
    assertEquals(pool.memory.allocatedBytes, 0);
    return Promise.resolve();
  },
  { variants: ["panel"] },
);

await gpuTest(
  "buffer() makes room within the budget from what is free",
  ({ gpu }) => {
    const pool = createPool(gpu, 10 * MB);
    const first = pool.buffer(8 * MB);
    pool.giveBack(first);
    const second = pool.buffer(9 * MB);
    assert(second !== first);
    assertEquals(pool.memory.allocatedBytes, 9 * MB);
    pool.destroy();
    return Promise.resolve();
  },
  { variants: ["panel"] },
);
