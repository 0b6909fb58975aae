import { assert, assertEquals } from "@std/assert";
import {
  chooseProduct,
  chosenProduct,
} from "../../../kernels/matmul/matmul.ts";
import { lanesOf } from "../../../kernels/device/lanes.ts";
import { cpuTileShapes } from "../../../kernels/matmul/cpu/cpu_tile.ts";
import {
  gpuTileName,
  gpuTileSizes,
  gpuTiling,
} from "../../../kernels/matmul/gpu/gpu_tile.ts";
import { partsOf } from "../../../kernels/matmul/gpu/split_sums.ts";
import { linear, linearDw, linearDx } from "../../../kernels/matmul/linear.ts";
import { tuneProducts } from "../../../kernels/matmul/tune_products.ts";
import {
  tuningKey,
  type TuningStore,
} from "../../../kernels/matmul/tuning_store.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { seededMatrix } from "../matrix_case.ts";
import { seeded } from "../numbers.ts";
import { keptTexts } from "../../../src/files/disk/kept_texts.ts";
import { test } from "../../test_case.ts";

/** As they are stored: -0 is not 0. */
function sameBits(a: Float32Array, b: Float32Array): boolean {
  const [left, right] = [a, b].map(({ buffer }) => new Uint32Array(buffer));
  return left!.every((word, i) => word === right![i]);
}

const probe = { tokens: 33, rows: 130, cols: 36 };

// odd, and 13 x 11 of the largest tile, so that every candidate comes to its turn
const [ROWS, LENGTH, COLS] = [1537, 37, 1290];

await gpuTest(
  "candidates of tuneProducts() give the same bits, those of float64 within rounding",
  async (device) => {
    const w = seededMatrix(device, COLS, LENGTH, "bf16");
    const v = seededMatrix(device, LENGTH, COLS, "f16");
    const xNumbers = seeded(ROWS * LENGTH, 1);
    const zNumbers = seeded(LENGTH * COLS, 2);
    const x = device.upload(xNumbers, [ROWS, LENGTH]);
    const dy = device.upload(xNumbers, [LENGTH, ROWS]);
    const z = device.upload(zNumbers, [LENGTH, COLS]);
    const products = async () =>
      await device.readAll([
        linear(device, x, w.w),
        linearDx(device, x, v.w),
        linearDw(device, dy, z),
      ]);
    const first = await products();
    const at = (i: number, j: number) => i * COLS + j;
    for (const [i, j] of [[0, 0], [ROWS - 1, COLS - 1], [700, 641]] as const) {
      const terms = Array.from({ length: LENGTH }, (_, k) => [
        xNumbers[i * LENGTH + k]! * w.values[j * LENGTH + k]!,
        xNumbers[i * LENGTH + k]! * v.values[k * COLS + j]!,
        xNumbers[k * ROWS + i]! * zNumbers[k * COLS + j]!,
      ]);
      for (const n of first.keys()) {
        const want = terms.reduce((sum, term) => sum + term[n]!, 0);
        const found = first[n]![at(i, j)]!;
        assert(
          Math.abs(found - want) < 2 ** -24 * 8 * LENGTH,
          `${n} ${i} ${j}`,
        );
      }
    }
    const count = device.kind === "cpu"
      ? cpuTileShapes(lanesOf(device))
      : gpuTileSizes(device);
    for (const i of count.keys()) {
      if (i === 0) continue;
      chooseProduct(device, i);
      const same = (await products()).map((y, n) => sameBits(y, first[n]!));
      assertEquals(same, [true, true, true], `candidate ${i}`);
    }
    chooseProduct(device, 0);
  },
  { long: true },
);

test("gpuTiling() takes the wanted tile where that fills a card", () => {
  const wanted = { rows: 8, cols: 8, words: 4 } as const;
  const chosen = ({ rows, cols }: { rows: number; cols: number }) => {
    const { size, grid } = gpuTiling({ rows, cols }, wanted);
    return [gpuTileName(size), ...grid];
  };
  assertEquals(chosen({ rows: 512, cols: 4864 }), ["128x128x16", 4, 38]);
  assertEquals(chosen({ rows: 512, cols: 896 }), ["64x64x16", 8, 14]);
  assertEquals(chosen({ rows: 7, cols: 16 }), ["64x64x16", 1, 1]);
});

test("partsOf() divides sums that are long and few, without a rest", () => {
  for (
    const [groups, length, room, ...want] of [
      [7, 896, Infinity, 14, 16],
      [7, 896, 3.5, 3, 80],
      [98, 896, Infinity, 2, 112],
      [14, 4864, Infinity, 17, 72],
      [1, 130, Infinity, 2, 24],
      [7, 100, Infinity, 1, 25],
      [127, 151_936, Infinity, 2, 18_992],
    ] as const
  ) {
    const { count, words } = partsOf(groups, length, room);
    assertEquals([count, words], want, `${groups} groups, ${length}`);
    const all = Math.ceil(length / 4);
    assert(count * words >= all && (count - 1) * words < all);
  }
});

/** Keeps texts in memory; what is kept can be looked at. */
function memoryStore(): TuningStore & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>();
  return {
    texts,
    read: (key) => Promise.resolve(texts.get(key)),
    write: async (key, text) =>
      void await Promise.resolve(texts.set(key, text)),
  };
}

await gpuTest(
  "tuneProducts() measures once and keeps its choice",
  async (device) => {
    const store = memoryStore();
    const tuned = await tuneProducts(device, { store, probe });
    assertEquals(tuned.origin, "measured");
    const [[key, text]] = [...store.texts] as [[string, string]];
    assertEquals(JSON.parse(text), {
      device: device.description,
      name: tuned.chosen,
    });
    chooseProduct(device, 1);
    const again = await tuneProducts(device, { store, probe });
    assertEquals(again, { chosen: tuned.chosen, origin: "known" });
    const retuned = await tuneProducts(device, { store, probe, retune: true });
    assertEquals(retuned.origin, "measured");
    store.texts.set(key, "{");
    const { origin } = await tuneProducts(device, { store, probe });
    assertEquals(origin, "measured");
    chooseProduct(device, 0);
  },
  { kinds: ["cpu"] },
);

await gpuTest(
  "tuneProducts() goes without a file where it may not write",
  async (device) => {
    const store = keptTexts("/nowhere/kernels");
    const { origin } = await tuneProducts(device, { store, probe });
    assertEquals(origin, "measured");
    assert(chosenProduct(device) < gpuTileSizes(device).length);
    chooseProduct(device, 0);
  },
  { kinds: ["gpu"] },
);

await gpuTest(
  "tuneProducts() measures for little work only where it is told to",
  async (device) => {
    const little = { store: memoryStore(), probe, operations: 1e9 };
    const first = await tuneProducts(device, little);
    const usual = lanesOf(device) === 16 ? "24x128" : "16x128";
    assertEquals(first, { chosen: usual, origin: "untuned" });
    const told = await tuneProducts(device, { ...little, retune: true });
    assertEquals(told.origin, "measured");
    const { origin } = await tuneProducts(device, little);
    assertEquals(origin, "known");
    chooseProduct(device, 0);
  },
  { kinds: ["cpu"] },
);

test("tuningKey() differs by device, platform and each text", async () => {
  const keys = [
    await tuningKey("a", ["x", "y"]),
    await tuningKey("b", ["x", "y"]),
    await tuningKey("a", ["x", "z"]),
    await tuningKey("a", ["x", "y"], "Deno/1.0.0"),
  ];
  assertEquals(new Set(keys).size, keys.length);
  assertEquals(await tuningKey("a", ["x", "y"]), keys[0]);
});
