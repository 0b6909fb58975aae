/** The product in onnxruntime-web's WebGPU provider, from a model of one node; argument: its package. */
import {
  COLS,
  LENGTH,
  randomNumbers,
  ROWS,
  timeProduct,
} from "./product_timing.mjs";

const FLOAT = 1;

// protocol buffers: a number as varint, a part as its length and bytes
const varint = (n) => n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)];
const number = (tag, n) => [...varint(tag << 3), ...varint(n)];
const part = (tag, bytes) => [
  ...varint((tag << 3) | 2),
  ...varint(bytes.length),
  ...bytes,
];
const text = (tag, value) => part(tag, new TextEncoder().encode(value));

/** ValueInfoProto: name and tensor type. */
function value(name, dims) {
  const shape = dims.flatMap((size) => part(1, number(1, size)));
  return [
    ...text(1, name),
    ...part(2, part(1, [...number(1, FLOAT), ...part(2, shape)])),
  ];
}

/** ModelProto: y = MatMul(a, b), opset 13. */
function matMulModel() {
  const node = [
    ...text(1, "a"),
    ...text(1, "b"),
    ...text(2, "y"),
    ...text(4, "MatMul"),
  ];
  const graph = [
    ...part(1, node),
    ...text(2, "product"),
    ...part(11, value("a", [ROWS, LENGTH])),
    ...part(11, value("b", [LENGTH, COLS])),
    ...part(12, value("y", [ROWS, COLS])),
  ];
  const opset = part(8, number(2, 13));
  return Uint8Array.from([...number(1, 8), ...part(7, graph), ...opset]);
}

const ort = await import(Deno.args[0]);
const session = await ort.InferenceSession.create(matMulModel(), {
  executionProviders: ["webgpu"],
  preferredOutputLocation: "gpu-buffer",
});
const upload = (rows, cols) =>
  new ort.Tensor("float32", randomNumbers(rows * cols), [rows, cols]);
const a = upload(ROWS, LENGTH);
const b = upload(LENGTH, COLS);

await timeProduct(async () => {
  const { y } = await session.run({ a, b });
  if (y.location !== "gpu-buffer") throw new Error(`y is on ${y.location}`);
  const [first] = await y.getData(true);
  return first;
});
