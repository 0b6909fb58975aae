/** What a load says beside the rows that it keeps: columns, prompts, notes. */
import { assertEquals, assertRejects } from "@std/assert";
import type { LoadDataOptions } from "../../../src/preference/loading/load_options.ts";
import { loadPairs } from "../../../src/preference/loading/load.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";
import { characterEncoder } from "../tokens/character_encoder.ts";

const disk = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** Loads rows from a file; the name of the file is `FILE` in what it tells. */
async function load(
  rows: readonly unknown[],
  options: Partial<LoadDataOptions> = {},
) {
  await using folder = await temporaryFolder();
  const text = rows.map((row) => JSON.stringify(row) + "\n").join("");
  const path = await folder.write("train.jsonl", text);
  const encoder = characterEncoder();
  try {
    const sources = [{ path }];
    return await loadPairs(sources, { encoder, split: "train", ...options });
  } catch (error) {
    const { message } = error as Error;
    throw new TypeError(message.replaceAll(path, "FILE"));
  }
}

const PAIR = { prompt: "q", chosen: "a", rejected: "b" };

test({
  ...disk,
  name: "loadPairs() refuses columns that no row has, naming those there are",
  async fn() {
    await assertRejects(
      () => load([PAIR], { columns: { prompt: "question", chosen: "chosen" } }),
      TypeError,
      'Cannot read "FILE": "columns" names "question" (for "prompt"), which no row has, found columns "prompt", "chosen", "rejected"',
    );
    const two = [PAIR, { question: "q", chosen: "a", rejected: "b" }];
    const columns = { prompt: "question" };
    assertEquals((await load(two, { columns })).report.kept, 2);
    const other = await load([PAIR], { columns, mappedOnly: false });
    assertEquals(other.report.kept, 1);
  },
});

test({
  ...disk,
  name:
    "loadPairs() counts pairs without a prompt and refuses them unless told",
  async fn() {
    const rows = [PAIR, { chosen: "x", rejected: "y" }];
    await assertRejects(
      () => load(rows),
      TypeError,
      'Cannot read "FILE" line 2: no_common_prompt: the prompt is empty, or chosen and rejected have no start in common; --allow_empty_prompt trains',
    );
    const { report } = await load(rows, { allowEmptyPrompt: true });
    assertEquals(report.kept, 2);
    const { count } = report
      .told["no_common_prompt, trained without a prompt"]!;
    assertEquals(count, 1);
  },
});

test({
  ...disk,
  name: "loadPairs() names each column once that nothing reads",
  async fn() {
    const rows = [{ ...PAIR, id: 1 }, { ...PAIR, id: 2, source: "web" }];
    const { report } = await load(rows);
    assertEquals(report.unread, ["id", "source"]);
  },
});
