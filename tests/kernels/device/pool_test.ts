/** What a pool holds while batches of many lengths come and go. */
import { assert, assertEquals } from "@std/assert";
import { createPool } from "../../../kernels/device/pool.ts";
import { gpuTest } from "../gpu_test_case.ts";

const MB = 1 << 20;

await gpuTest(
  "buffer() gives again what is large enough, the smallest first, and nothing twice too large while there is room",
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
  { kinds: ["cpu"] },
);

await gpuTest(
  "buffer() gives a larger one rather than destroy it for a smaller one",
  ({ gpu }) => {
    const pool = createPool(gpu, 10 * MB);
    const large = pool.buffer(8 * MB);
    pool.giveBack(large);
    const small = pool.buffer(2 * MB);
    assert(small !== large);
    assert(pool.buffer(2 * MB) === large);
    pool.destroy();
    return Promise.resolve();
  },
  { kinds: ["cpu"] },
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
  { kinds: ["cpu"] },
);

await gpuTest(
  "buffer() destroys what lies idle beyond 64 MB, submitting first what may use it",
  ({ gpu }) => {
    let submissions = 0;
    const pool = createPool(gpu, Infinity, {
      beforeDestroy: () => void submissions++,
      allocating: (_, create) => create(),
    });
    // each too small for the next request: 20 MB, 24 MB, ... 40 MB; 180 MB in all
    for (let bytes = 20 * MB; bytes <= 40 * MB; bytes += 4 * MB) {
      pool.giveBack(pool.buffer(bytes));
    }
    assert(pool.memory.allocatedBytes <= (40 + 64) * MB);
    assert(submissions > 0);
    pool.trim();
    assertEquals(pool.memory.allocatedBytes, 0);
    return Promise.resolve();
  },
  { kinds: ["cpu"] },
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
  { kinds: ["cpu"] },
);

await gpuTest(
  "reserve() holds what was idle in another pool, in place of what is idle here, within the budget",
  ({ gpu }) => {
    const other = createPool(gpu, Infinity);
    const lent = [other.buffer(3 * MB), other.texture("rgba32float", 512, 256)];
    const used = other.buffer(5 * MB);
    for (const resource of lent) other.giveBack(resource);
    const pool = createPool(gpu, 8 * MB);
    pool.giveBack(pool.buffer(7 * MB));
    pool.memory.reserve(other.memory.idle());
    assertEquals(pool.memory.allocatedBytes, 5 * MB);
    assertEquals(pool.memory.usedBytes, 0);
    pool.texture("rgba32float", 512, 200);
    pool.buffer(3 * MB);
    assertEquals(pool.memory.allocatedBytes, 5 * MB);
    pool.memory.reserve([...other.memory.idle(), ...other.memory.idle()]);
    assertEquals(pool.memory.allocatedBytes, 8 * MB);
    other.giveBack(used);
    for (const each of [pool, other]) each.destroy();
    return Promise.resolve();
  },
  { kinds: ["cpu"] },
);
