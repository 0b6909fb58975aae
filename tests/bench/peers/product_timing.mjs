/** Times one product of a peer for products.ts: random operands, one line of JSON with the seconds of the better run. */
import { cpuUsage } from "node:process";

export const [ROWS, LENGTH, COLS] = [512, 896, 4864];
const RUNS = 2;

export function randomNumbers(count) {
  return Float32Array.from({ length: count }, () => Math.random() - 0.5);
}

/** @param product runs to the end of a product and returns its first element's value */
export async function timeProduct(product) {
  await product();
  const runs = [];
  for (let i = 0; i < RUNS; i++) {
    const began = performance.now();
    const before = cpuUsage();
    const value = await product();
    const { user, system } = cpuUsage(before);
    if (!(Math.abs(value) > 0)) throw new Error(`The product is ${value}`);
    runs.push({
      wall: (performance.now() - began) / 1e3,
      cpu: (user + system) / 1e6,
    });
  }
  const better = (key) => Math.min(...runs.map((run) => run[key]));
  // deno-lint-ignore no-console
  console.log(JSON.stringify({ wall: better("wall"), cpu: better("cpu") }));
  Deno.exit(0);
}
