/**
 * Scores of several sequences of different lengths in one batch without padding, against
 * transformers' padded ones.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { openSafetensors } from "../../src/files/safetensors/safetensors.ts";
import { putAdapter } from "../../src/model/opening/open_model.ts";
import { tokenPair } from "../../src/preference/tokens/token_examples.ts";
import { groupRows, scoreRows } from "../../src/scoring/score.ts";
import {
  checkLogitsSize,
  writeLogits,
} from "../../src/scoring/score_logits.ts";
import type { ScoreRow } from "../../src/scoring/score_rows.ts";
import { modelTest, openTestModel } from "../model/model_test_case.ts";
import { assertClose, readReferenceTokens } from "../model/reference_tokens.ts";
import { fixturePath } from "../fixture_path.ts";
import {
  compared,
  referenceEntries,
  type ReferenceEntry,
} from "../reference_dir.ts";
import { referenceGpuTest } from "../reference_gpu_test_case.ts";
import { eachCase, onRealData } from "../reference_test_case.ts";
import type { Device } from "../../kernels/device/device.ts";
import { openModelFolder } from "../../src/files/folders/model_folder.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";
import { test } from "../test_case.ts";

function idsRow(ids: readonly number[], line: number): ScoreRow {
  const sequence = { ids, completionStart: 0 };
  return { line, value: { input_ids: ids }, kind: "sequence", sequence };
}

function pairRow(
  prompt: readonly number[],
  chosen: readonly number[],
  rejected: readonly number[],
): ScoreRow {
  const half = (answer: readonly number[]) => ({
    ids: [...prompt, ...answer],
    completionStart: prompt.length,
  });
  const pair = tokenPair(half(chosen), half(rejected), 1);
  return { line: 1, value: {}, kind: "pair", pair };
}

/** A model of each way in which weights are stored: their type, in one file or in several. */
async function oneOfEachStorage(): Promise<ReferenceEntry[]> {
  const found = new Map<string, ReferenceEntry>();
  for (const entry of referenceEntries("models")) {
    const { weights } = await openModelFolder(entry.folder);
    const [first] = weights.tensors.values();
    const way = `${first!.dtype} ${weights.files.length > 1}`;
    if (!found.has(way)) found.set(way, entry);
  }
  return [...found.values()];
}

async function checkScores(device: Device, folder: string): Promise<void> {
  const model = await openTestModel(device, folder);
  const want = await readReferenceTokens(`${folder}/ref/io.safetensors`);
  const rows = want.sequences.map(idsRow);
  const logps = await want.rows("token_logprobs", 1);
  const scored = await Array.fromAsync(
    scoreRows(model, rows, { batchTokens: 10_000 }),
  );
  for (const [i, { row, score }] of scored.entries()) {
    assertEquals(row, rows[i]);
    const got = score["logps"] as readonly number[];
    assertClose(got, logps[i]!, 1e-4, `logps of line ${i}`);
    const sum = got.reduce((a, b) => a + b, 0);
    assertEquals(score["sum_logps"], sum);
  }
  await using temporary = await temporaryFolder();
  const path = temporary.file("logits.safetensors");
  await writeLogits(path, model, rows);
  const file = await openSafetensors(path);
  for (const [i, logits] of (await want.rows("logits")).entries()) {
    const { shape, dtype } = file.tensors.get(`logits.${i}`)!;
    assertEquals([dtype, ...shape], [
      "F32",
      want.sequences[i]!.length,
      model.config.vocab_size,
    ]);
    const bytes = await file.read(`logits.${i}`);
    const got = new Float32Array(bytes.buffer);
    assertClose(got, logits, 1e-4, `logits.${i}`);
  }
  compared("model runs");
}

await referenceGpuTest(
  "scoreRows() and writeLogits() give transformers' numbers, however weights are stored",
  async (device, context) => {
    const cases = await oneOfEachStorage();
    await eachCase(
      context,
      cases,
      ({ folder }) => checkScores(device, folder),
      device,
    );
  },
  { read: [TEMPORARY], write: [TEMPORARY], kinds: ["cpu"] },
);

await referenceGpuTest(
  "scoreRows() gives the float64 log-probabilities of a real model to 5e-5",
  (device, context) =>
    onRealData(context, "stories260k-hf", async (folder) => {
      const model = await openTestModel(device, folder);
      const { texts } = JSON.parse(
        Deno.readTextFileSync(`${folder}/expected.json`),
      ) as { texts: { ids: number[]; logprobs_f64: number[] }[] };
      const rows = texts.map(({ ids }, line) => idsRow(ids, line));
      const scores = await Array.fromAsync(
        scoreRows(model, rows, { batchTokens: 10_000 }),
      );
      assertEquals(scores.length, texts.length);
      for (const [i, { score }] of scores.entries()) {
        const got = score["logps"] as readonly number[];
        assertClose(got, texts[i]!.logprobs_f64, 5e-5, `text ${i}`);
      }
      compared("model runs");
    }),
  { kinds: ["cpu"] },
);

const lora = fixturePath("peft/lora");
await modelTest(
  "scoreRows() gives a pair what its sequences have alone, and rewards against the base",
  "models/qwen2",
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const [prompt, chosen, rejected] = [[5, 6, 7], [8, 9, 599], [10, 599]];
    const alone = [[...prompt, ...chosen], [...prompt, ...rejected]].map(
      idsRow,
    );
    const score = async (rows: ScoreRow[], beta?: number) =>
      (await Array.fromAsync(
        scoreRows(model, rows, { batchTokens: 100, beta }),
      )).map(({ score }) => score);
    const tail = (logps: unknown) =>
      (logps as number[]).slice(prompt.length - 1);
    const off = (await score(alone)).map(({ logps }) => tail(logps));
    await putAdapter(model, lora);
    const on = (await score(alone)).map(({ logps }) => tail(logps));
    const pair = pairRow(prompt, chosen, rejected);
    const [got] = await score([pair], 0.2);
    assertClose(got!["chosen_logps"] as number[], on[0]!, 2e-5, "chosen");
    assertClose(got!["rejected_logps"] as number[], on[1]!, 2e-5, "rejected");
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    const rewards = [0, 1].map((i) => 0.2 * (sum(on[i]!) - sum(off[i]!)));
    assert(Math.abs(rewards[0]!) > 0.01, `the adapter changes nothing`);
    assertClose(
      ["chosen", "rejected", "margins"].map((name) =>
        got![`rewards/${name}`] as number
      ),
      [...rewards, rewards[0]! - rewards[1]!],
      2e-5,
      "rewards",
    );
    assertEquals(Object.keys((await score([pair]))[0]!), [
      "chosen_logps",
      "rejected_logps",
      "sum_chosen_logps",
      "sum_rejected_logps",
    ]);
  },
  { read: [lora], kinds: ["cpu", "gpu"] },
);

await modelTest(
  "scoreRows() gives a single token no log-probability",
  "models/qwen2",
  async (device, folder) => {
    const model = await openTestModel(device, folder);
    const rows = scoreRows(model, [idsRow([7], 1)], { batchTokens: 10 });
    const [got] = await Array.fromAsync(rows);
    assertEquals(got!.score, { logps: [], sum_logps: 0 });
  },
);

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "groupRows() keeps order and kinds apart, at most so many tokens",
  pure,
  () => {
    const four = idsRow([1, 2, 3, 4], 1);
    const pair = pairRow([1], [2], [3]);
    const groups = [...groupRows([four, four, four, pair, pair, four], 9)];
    assertEquals(groups.map((group) => group.length), [2, 1, 2, 1]);
    assertEquals([...groupRows([four], 1)], [[four]]);
    assertEquals([...groupRows([], 1)], []);
  },
);

test(
  "checkLogitsSize() refuses more than its limit, telling the bytes",
  pure,
  () => {
    const rows = [idsRow([1, 2], 1), pairRow([1], [2], [3])];
    checkLogitsSize(rows, 10, 240);
    const error = assertThrows(
      () => checkLogitsSize(rows, 10, 239),
      RangeError,
    );
    assert(error.message.includes("240 bytes"), error.message);
  },
);
