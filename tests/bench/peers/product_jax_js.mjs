/** The product in jax-js; argument: its package. */
import {
  COLS,
  LENGTH,
  randomNumbers,
  ROWS,
  timeProduct,
} from "./product_timing.mjs";

const jax = await import(Deno.args[0]);
const backends = await jax.init("webgpu");
if (!backends.includes("webgpu")) throw new Error(`Backends: ${backends}`);
jax.defaultDevice("webgpu");
const array = (rows, cols) =>
  jax.numpy.array(randomNumbers(rows * cols)).reshape([rows, cols]);
const a = array(ROWS, LENGTH);
const b = array(LENGTH, COLS);

await timeProduct(async () => {
  // an argument is consumed unless a reference to it is given
  const y = jax.numpy.matmul(a.ref, b.ref);
  await y.ref.blockUntilReady();
  const [first] = await y.slice(0).slice([0, 1]).data();
  return first;
});
