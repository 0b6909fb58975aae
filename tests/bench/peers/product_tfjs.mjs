/** The product in tfjs's WebGPU backend; arguments: its core and the backend. */
import {
  COLS,
  LENGTH,
  randomNumbers,
  ROWS,
  timeProduct,
} from "./product_timing.mjs";

const [core, backend] = Deno.args;
// it looks for a browser's window
globalThis.window ??= globalThis;
const tf = await import(core);
await import(backend);
await tf.setBackend("webgpu");
const a = tf.tensor(randomNumbers(ROWS * LENGTH), [ROWS, LENGTH]);
const b = tf.tensor(randomNumbers(LENGTH * COLS), [LENGTH, COLS]);

await timeProduct(async () => {
  const y = tf.matMul(a, b);
  const [first] = await tf.slice(y, [0, 0], [1, 1]).data();
  y.dispose();
  return first;
});
