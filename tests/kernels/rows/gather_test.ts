import { assertEquals, assertThrows } from "@std/assert";
import {
  gatherRows,
  groupByKey,
  sumRowsByKey,
  uploadGroups,
} from "../../../kernels/rows/gather.ts";
import { centralDifferences } from "../../reference/central_differences.ts";
import { gatherRowsTwin, scatterAddTwin } from "../../reference/gather.ts";
import { gpuTest } from "../gpu_test_case.ts";
import { assertClose, seeded, seededIntegers } from "../numbers.ts";
import { test } from "../../test_case.ts";

const CASES = [
  { n: 1, rows: 1, cols: 1 },
  { n: 7, rows: 33, cols: 7 },
  { n: 257, rows: 9, cols: 33 },
  { n: 65, rows: 200, cols: 172 },
  { n: 20, rows: 512, cols: 896 },
];

for (const { n, rows, cols } of CASES) {
  const index = seededIntegers(n, 1, rows);
  const name = `${n} rows of [${rows}, ${cols}]`;

  await gpuTest(`gatherRows() picks ${name}`, async (device) => {
    const x = seeded(rows * cols, 2);
    const y = gatherRows(
      device,
      device.upload(x, [rows, cols]),
      device.upload(index, [n], "u32"),
    );
    assertEquals(
      [...await device.read(y)],
      [...gatherRowsTwin(x, index, cols)],
    );
  });

  for (const windowBytes of [undefined, 64 * cols * 4]) {
    await gpuTest(
      `sumRowsByKey() adds to ${name}, windows of ${windowBytes} bytes`,
      async (device) => {
        const x = seeded(n * cols, 3);
        const before = seeded(rows * cols, 4);
        const target = device.upload(before, [rows, cols]);
        const rowsIn = device.upload(x, [n, cols]);
        sumRowsByKey(device, rowsIn, groupByKey(index), target);
        const want = scatterAddTwin(before, x, index, cols);
        const tolerance = (n + 1) * 2 ** -24;
        assertClose(await device.read(target), want, tolerance);
      },
      windowBytes === undefined ? {} : { windowBytes },
    );
  }
}

await gpuTest("sumRowsByKey() takes groups that are uploaded once", async (
  device,
) => {
  const groups = uploadGroups(device, groupByKey(Uint32Array.of(2, 0, 2)));
  const x = device.upload(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
  const target = device.zeros([3, 2]);
  sumRowsByKey(device, x, groups, target);
  sumRowsByKey(device, x, groups, target);
  assertEquals([...await device.read(target)], [6, 8, 0, 0, 12, 16]);
});

await gpuTest("gatherRows() and sumRowsByKey() accept no rows", (device) => {
  const x = device.zeros([3, 2]);
  const index = device.allocate([0], "u32");
  assertEquals(gatherRows(device, x, index).shape, [0, 2]);
  const none = device.allocate([0, 2]);
  sumRowsByKey(device, none, groupByKey(new Uint32Array()), x);
  assertThrows(
    () => gatherRows(device, x, device.zeros([1])),
    TypeError,
    '"index": type f32, expected u32',
  );
  assertThrows(
    () => sumRowsByKey(device, x, groupByKey(Uint32Array.of(0)), x),
    TypeError,
    '"order": shape [1], expected [3]',
  );
  return Promise.resolve();
});

test({
  name: "groupByKey() orders keys, and places within a key",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    assertEquals(groupByKey(Uint32Array.of(7, 2, 7, 9, 2, 7)), {
      keys: Uint32Array.of(2, 7, 9),
      starts: Uint32Array.of(0, 2, 5, 6),
      order: Uint32Array.of(1, 4, 0, 2, 5, 3),
    });
    assertEquals(groupByKey(new Uint32Array()), {
      keys: new Uint32Array(),
      starts: Uint32Array.of(0),
      order: new Uint32Array(),
    });
  },
});

test({
  name: "scatterAddTwin() is the gradient of gatherRowsTwin()",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    const index = [1, 0, 1];
    const dy = seeded(6, 5);
    const slopes = centralDifferences(
      (x) => Float64Array.from(gatherRowsTwin(x, index, 2)),
      Float64Array.from(seeded(8, 6)),
      dy,
    );
    assertClose(
      scatterAddTwin(new Float64Array(8), dy, index, 2),
      slopes,
      1e-8,
    );
  },
});
