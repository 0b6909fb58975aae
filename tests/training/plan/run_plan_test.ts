/** What planning a run asks of its examples. */
import { assert, assertEquals } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { openModelFiles } from "../../../src/files/folders/model_folder.ts";
import type { TokenPair } from "../../../src/preference/tokens/token_examples.ts";
import { methods } from "../../../src/training/method/methods.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { planRun } from "../../../src/training/plan/run_plan.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";

const MODEL = "model_hub/tiny";
const BATCH_SIZE = 2;

/** A pair whose answers have `tokens` tokens each. */
function pairOf(tokens: number, line: number): TokenPair {
  const half = (id: number) => ({
    ids: [1, ...new Array(tokens).fill(id)],
    completionStart: 1,
  });
  return { chosen: half(2), rejected: half(3), sharedLength: 1, line };
}

await gpuTest(
  "planRun() asks each example for its tokens once, and batches of the extremes for theirs",
  async (device) => {
    const lengths = Array.from({ length: 200 }, (_, i) => 1 + i * 37 % 100);
    const train = lengths.map(pairOf);
    const asked = new Map<TokenPair, number>();
    const batched: number[][] = [];
    const objective = methods.dpo.objective({
      beta: 0.1,
      loss_type: ["sigmoid"],
      loss_weights: null,
    });
    const { options } = readOptions(trainSchema, [{
      model_name_or_path: MODEL,
      dataset: "pairs.jsonl",
      output_dir: "run",
      per_device_train_batch_size: BATCH_SIZE,
      per_device_eval_batch_size: BATCH_SIZE,
      gradient_checkpointing: false,
    }]);
    await planRun(device, options, await openModelFiles(MODEL), {
      train,
      evaluation: [],
      objective: {
        ...objective,
        sequences(pair) {
          asked.set(pair, (asked.get(pair) ?? 0) + 1);
          return objective.sequences(pair);
        },
        batch(pairs) {
          batched.push(pairs.map(({ chosen }) => chosen.ids.length - 1));
          return objective.batch(pairs);
        },
      },
    });
    const extremes = 3 * BATCH_SIZE; // the largest, the middle and the smallest ones
    const more = [...asked.values()].filter((count) => count > 1).length;
    assertEquals(asked.size, train.length);
    assert(more <= extremes, `${more} examples were asked again`);
    // two answers of each length from 1 to 100: the forward batches go up, those of training down
    assertEquals(batched, [[1, 1], [51, 50], [100, 100], [100, 100], [51, 50], [
      1,
      1,
    ]]);
  },
  { read: [MODEL] },
);
