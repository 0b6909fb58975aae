import { assertEquals, assertThrows } from "@std/assert";
import { splitSlice } from "../../../src/preference/loading/split_slice.ts";
import { sourceFiles } from "../../../src/preference/loading/dataset_rows.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const ROWS = Array.from({ length: 20 }, (_, i) => i);

/** First row, last row and number of rows of a slice of 20. */
function ends(split: string): [number | undefined, number | undefined, number] {
  const rows = splitSlice(split).rows(ROWS);
  return [rows[0], rows.at(-1), rows.length];
}

test({
  ...pure,
  name: "splitSlice() takes rows and percentages as the library datasets does",
  fn() {
    assertEquals(ends("train"), [0, 19, 20]);
    assertEquals(ends("train[:10%]"), [0, 1, 2]);
    assertEquals(ends("train[50%:]"), [10, 19, 10]);
    assertEquals(ends("train[25%:75%]"), [5, 14, 10]);
    assertEquals(ends("train[3:7]"), [3, 6, 4]);
    assertEquals(ends("train[-5:]"), [15, 19, 5]);
    assertEquals(ends("train[:-25%]"), [0, 14, 15]);
    assertEquals(ends("train[15:200]"), [15, 19, 5]);
    assertEquals(ends("train[:33%]").at(2), 7); // 6.6 rows, rounded
    assertEquals(splitSlice("train_prefs[:1]").split, "train_prefs");
  },
});

test({
  ...pure,
  name: "splitSlice() names a split whose brackets hold no slice",
  fn() {
    for (const split of ["train[10]", "train[:x]", "train[:1.5]", "train[:5"]) {
      assertThrows(() => splitSlice(split), SyntaxError, `"${split}"`);
    }
  },
});

test({
  ...pure,
  name: "splitSlice() stops at a slice that holds no row",
  fn() {
    for (
      const [split, says] of [
        ["train[5:2]", "from row 5 to row 2 of 20"],
        ["train[20:30]", "from row 20 to row 20 of 20"],
        ["train[:0]", "from row 0 to row 0 of 20"],
        ["train[:2%]", "from row 0 to row 0 of 20"], // 0.4 rows, rounded
      ] as const
    ) {
      assertThrows(() => splitSlice(split).rows(ROWS), RangeError, says);
    }
    assertEquals(splitSlice("train[:2%]").rows([]), []);
  },
});

test({
  name: "sourceFiles() finds the files of the split that a slice is of",
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  async fn() {
    await using folder = await temporaryFolder();
    for (const split of ["train", "test"]) {
      await folder.write(`${split}.jsonl`, "");
    }
    const filesOf = async (split: string, own?: string) =>
      (await sourceFiles([{ path: folder.path, split: own }], split))
        .map(({ path }) => path.slice(folder.path.length + 1));
    assertEquals(await filesOf("test[:50%]"), ["test.jsonl"]);
    assertEquals(await filesOf("train[3:]"), ["train.jsonl"]);
    assertEquals(await filesOf("train", "test[-2:]"), ["test.jsonl"]);
    assertEquals(await filesOf("test", "[:2]"), ["train.jsonl"]);
  },
});
