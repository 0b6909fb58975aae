/**
 * Our blocks of GGUF beside those of ggml's own library: root mean square errors on drawn numbers,
 * time, and whether its reader gives our numbers. With a path, it writes the fixture of the tests.
 *
 *   npm install --prefix DIR @node-llama-cpp/linux-x64@3.22.1
 *   deno run -A tests/bench/peers/ggml_blocks.ts DIR [tests/fixtures/ggml_blocks.json]
 *
 * It loads a native library, so it is no sandbox.
 */
// deno-lint-ignore-file no-console
import { join } from "@std/path";
import { Random } from "../../../src/base/random.ts";
import { GGUF_TYPES } from "../../../src/files/gguf/gguf.ts";
import { fromGguf, toGguf } from "../../../src/files/gguf/gguf_blocks.ts";

const [folder, fixture] = Deno.args;
if (folder === undefined) {
  throw new TypeError("Cannot compare: expected the folder of the npm package");
}
const reader = {
  parameters: ["buffer", "buffer", "i64"],
  result: "void",
} as const;
const { symbols } = Deno.dlopen(
  join(
    folder,
    "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-base.so",
  ),
  {
    ggml_quantize_chunk: {
      parameters: ["i32", "buffer", "buffer", "i64", "i64", "i64", "pointer"],
      result: "usize",
    },
    dequantize_row_q4_K: reader,
    dequantize_row_q5_K: reader,
    dequantize_row_q6_K: reader,
    dequantize_row_q5_0: reader,
    dequantize_row_q5_1: reader,
  },
);

const TYPES = ["Q4_K", "Q5_K", "Q6_K", "Q5_0", "Q5_1"] as const;
type Type = typeof TYPES[number];

const DRAWS: Readonly<Record<string, (random: Random) => number>> = {
  normal: (random) => random.normal() * 0.02,
  "with outliers": (random) =>
    random.normal() * (random.float() < 0.01 ? 0.16 : 0.02),
  even: (random) => random.float() - 0.5,
  positive: (random) => random.float() + 1,
  negative: (random) => -random.float() - 1,
  shifted: (random) => random.normal() * 0.1 + 0.05,
  cubes: (random) => random.normal() ** 3,
};
const COLS = 256;

/** The bytes of ggml's own quantizer. */
function theirs(values: Float32Array<ArrayBuffer>, type: Type) {
  const rows = values.length / COLS;
  const { number, bytes, elements } = GGUF_TYPES[type];
  const into = new Uint8Array(values.length / elements * bytes);
  symbols.ggml_quantize_chunk(
    number,
    values,
    into,
    0n,
    BigInt(rows),
    BigInt(COLS),
    null,
  );
  return into;
}

/** What ggml reads. */
function read(bytes: Uint8Array<ArrayBuffer>, type: Type, count: number) {
  const values = new Float32Array(count);
  const name = type.replace("Q", "q") as "q4_K";
  symbols[`dequantize_row_${name}`](bytes, values, BigInt(count));
  return values;
}

const rms = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length);

function drawn(name: string, blocks: number): Float32Array<ArrayBuffer> {
  const random = new Random(5);
  return Float32Array.from(
    { length: blocks * COLS },
    () => DRAWS[name]!(random),
  );
}

for (const name of Object.keys(DRAWS)) {
  const values = drawn(name, 2000);
  for (const type of TYPES) {
    const begin = performance.now();
    const ours = toGguf(values, type);
    const between = performance.now();
    const other = theirs(values, type);
    const end = performance.now();
    const back = read(ours, type, values.length);
    const own = fromGguf(ours, type);
    const ratio = rms(values, back) /
      rms(values, read(other, type, values.length));
    console.log(
      `${name}, ${type}: error ${ratio.toFixed(4)} of ggml's, time ${
        ((between - begin) / (end - between)).toFixed(1)
      } of its, ${
        own.every((x, i) => x === back[i]) ? "read alike" : "READ OTHERWISE"
      }`,
    );
  }
}

if (fixture !== undefined) {
  const bytesOf = (values: Float32Array<ArrayBuffer>) =>
    new Uint8Array(values.buffer).toBase64();
  const cases = ["normal", "with outliers", "negative"].flatMap((name) => {
    const values = drawn(name, 2);
    return TYPES.map((type) => {
      const bytes = theirs(values, type);
      return {
        name,
        type,
        values: bytesOf(values),
        bytes: bytes.toBase64(),
        read: bytesOf(read(bytes, type, values.length)),
      };
    });
  });
  await Deno.writeTextFile(fixture, JSON.stringify(cases, null, 1) + "\n");
}
