/**
 * Bytes of blocks and headers as the format has them, worked out by hand, and what comes back from
 * them.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { GgufType, GgufValue } from "../../../src/files/gguf/gguf.ts";
import {
  firstBeyondBound,
  fromGguf,
  toGguf,
} from "../../../src/files/gguf/gguf_blocks.ts";
import { openGguf } from "../../../src/files/gguf/gguf_reader.ts";
import {
  encodeHeader,
  writeGguf,
} from "../../../src/files/gguf/gguf_writer.ts";
import { Random } from "../../../src/base/random.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { disk } from "../../../src/files/disk.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;
const writing = {
  ...pure,
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
};

/** A block of 32: the given numbers at their places, else 0. */
function block(given: Record<number, number>): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: 32 }, (_, i) => given[i] ?? 0);
}

const ONE = [0x00, 0x3c]; // float16 1.0

test(
  "toGguf() makes q8_0: scale max / 127, halves away from zero",
  pure,
  () => {
    const values = block({
      0: 127,
      1: -127,
      2: 0.5,
      3: 1.5,
      4: -0.5,
      31: -2.5,
    });
    const codes = [127, 256 - 127, 1, 2, 255, ...Array(26).fill(0), 256 - 3];
    assertEquals([...toGguf(values, "Q8_0")], [...ONE, ...codes]);
  },
);

test(
  "toGguf() makes q4_0: offset 8, halves of the block in half bytes, 15 at most",
  pure,
  () => {
    // the largest is -8, so d = -8 / -8 = 1; +8 would be 16 and becomes 15
    const values = block({ 0: -8, 1: 7, 2: 8, 17: 0.49, 18: 0.5, 19: -0.5 });
    assertEquals([...toGguf(values, "Q4_0")], [
      ...ONE,
      ...[0x80, 0x8f, 0x9f, 0x88],
      ...Array(12).fill(0x88),
    ]);
  },
);

test(
  "toGguf() gives q4_0 a negative scale where the largest is positive",
  pure,
  () => {
    const [low, high, first] = toGguf(block({ 0: 4, 16: -3.5 }), "Q4_0");
    assertEquals([low, high], [0x00, 0xb8]); // float16 -0.5
    assertEquals(first, 0 | 15 << 4); // 4 / -0.5 + 8 = 0, -3.5 / -0.5 + 8 = 15
  },
);

test("toGguf() makes zeros of zeros and wants whole blocks", pure, () => {
  for (const type of ["Q8_0", "Q4_0"] as const) {
    assertEquals(fromGguf(toGguf(block({}), type), type), block({}));
    assertThrows(() => toGguf(new Float32Array(33), type), RangeError, "33");
    assertThrows(() => fromGguf(new Uint8Array(33), type), RangeError, "33");
  }
});

test(
  "fromGguf() gives back what toGguf() took, within the type's bound",
  pure,
  () => {
    const random = new Random(1);
    const values = Float32Array.from(
      { length: 32 * 50 },
      (_, i) => (random.float() - 0.5) * 10 ** (Math.floor(i / 32) % 10 - 6),
    );
    const types: GgufType[] = ["F32", "F16", "BF16", "Q8_0", "Q4_0"];
    for (const type of types) {
      const usual = type === "F16" ? values.map((x) => x % 60000) : values;
      const restored = fromGguf(toGguf(usual, type), type);
      assertEquals(firstBeyondBound(usual, restored, type), undefined, type);
    }
  },
);

test(
  "firstBeyondBound() names the first number that is too far off",
  pure,
  () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => i - 30);
    const off = (type: GgufType, steps: number) => {
      const restored = fromGguf(toGguf(values, type), type);
      restored[40]! += steps;
      restored[41] = NaN;
      return firstBeyondBound(values, restored, type);
    };
    assertEquals(off("Q8_0", 0), 41);
    assertEquals(off("Q8_0", 0.5), 40); // steps are 33 / 127
    assertEquals(off("Q4_0", 6), 40); // steps are 33 / 8
    assertEquals(off("F16", 0.01), 40);
    assertEquals(firstBeyondBound(values, values, "F32"), undefined);
  },
);

test(
  "encodeHeader() writes magic, counts, values, tensors, padding",
  pure,
  () => {
    const metadata = new Map<string, GgufValue>([
      ["n", { type: "uint32", value: 7 }],
      ["l", { type: "string", list: ["é"] }],
    ]);
    const bytes = encodeHeader(metadata, [
      { name: "a", type: "F32", shape: [3] },
      { name: "b", type: "Q8_0", shape: [2, 64] },
    ]);
    const u32 = (value: number) => [value, 0, 0, 0];
    const u64 = (value: number) => [...u32(value), 0, 0, 0, 0];
    const text = (...codes: number[]) => [...u64(codes.length), ...codes];
    const wanted = [
      ...[0x47, 0x47, 0x55, 0x46, ...u32(3), ...u64(2), ...u64(2)], // GGUF
      ...[...text(0x6e), ...u32(4), ...u32(7)],
      ...[...text(0x6c), ...u32(9), ...u32(8), ...u64(1), ...text(0xc3, 0xa9)],
      ...[...text(0x61), ...u32(1), ...u64(3), ...u32(0), ...u64(0)],
      // the fast axis first; the 12 bytes before it are padded to 32
      ...[
        ...text(0x62),
        ...u32(2),
        ...u64(64),
        ...u64(2),
        ...u32(8),
        ...u64(32),
      ],
    ];
    assertEquals(bytes.length % 32, 0);
    assert(bytes.length - wanted.length < 32);
    assertEquals([...bytes.subarray(0, wanted.length)], wanted);
    assert(bytes.subarray(wanted.length).every((byte) => byte === 0));
  },
);

async function* once(bytes: Uint8Array) {
  yield await Promise.resolve(bytes);
}

const TENSORS = [
  { name: "a", type: "F16", shape: [3] },
  { name: "b", type: "F32", shape: [2, 4] },
] as const;

async function writeTo(path: string, bytes: Record<string, Uint8Array>) {
  using file = await disk().open(path, { write: true, create: true });
  const metadata = new Map<string, GgufValue>([
    ["s", { type: "string", value: "x".repeat(2 << 20) }], // longer than is read at first
    ["f", { type: "float32", list: [0.5] }],
    ["i", { type: "int32", value: -3 }],
    ["b", { type: "bool", value: true }],
  ]);
  await writeGguf(file, metadata, TENSORS, ({ name }) => once(bytes[name]!));
}

test("openGguf() finds what writeGguf() wrote", writing, async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("x.gguf");
  const b = Uint8Array.from({ length: 32 }, (_, i) => i);
  await writeTo(path, { a: new Uint8Array(6).fill(9), b });
  const file = await openGguf(path);
  assertEquals(file.metadata.get("s")?.toString().length, 2 << 20);
  assertEquals(["f", "i", "b"].map((key) => file.metadata.get(key)), [
    ...[[0.5], -3, true],
  ]);
  assertEquals(file.tensors.get("b")?.shape, [2, 4]);
  assertEquals(await file.read("b"), b);
  assertEquals(await file.read("b", 30), b.subarray(30));
  assertEquals((await Deno.stat(path)).size % 32, 0);
});

test(
  "writeGguf() refuses bytes that do not fit, openGguf() a file cut off",
  writing,
  async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("x.gguf");
    const wrong = { a: new Uint8Array(6), b: new Uint8Array(31) };
    await assertRejects(
      () => writeTo(path, wrong),
      RangeError,
      'tensor "b" F32 [2, 4] got 31 bytes, expected 32',
    );
    await Deno.truncate(path, 1 << 20);
    await assertRejects(() => openGguf(path), SyntaxError, "cut off");
    await Deno.writeTextFile(path, "no GGUF file at all");
    await assertRejects(() => openGguf(path), SyntaxError, "GGUF");
  },
);
