import { assertEquals, assertThrows } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const least = {
  model_name_or_path: "m",
  dataset: "d.jsonl",
  output_dir: "output/x",
};
const read = (more: Record<string, unknown>) =>
  readOptions(trainSchema, [{ ...least, ...more }]);
const refuses = (more: Record<string, unknown>, says: string) =>
  assertThrows(() => read(more), TypeError, says);

test(
  "checkTrainOptions() refuses options that contradict each other",
  pure,
  () => {
    refuses(
      { dataset_mixer: { a: 1 } },
      'give one of "dataset_mixer", "dataset_mixture" or "dataset"',
    );
    refuses(
      { dataset: null },
      'give one of "dataset_mixer", "dataset_mixture" or "dataset"',
    );
    refuses({ bf16: true, fp16: true }, 'give either "bf16" or "fp16"');
    refuses(
      { adapter_name_or_path: "a" },
      '"adapter_name_or_path" needs "use_peft"',
    );
    refuses({ max_prompt_length: 1024 }, "leaves no room for an answer");
    refuses(
      { eval_strategy: "steps", dataset_splits: ["train"] },
      "names no evaluation split",
    );
    refuses(
      { lr_scheduler_type: "cosine_with_min_lr" },
      "either min_lr or min_lr_rate",
    );
    refuses(
      { optim: "lion_32bit", optim_args: "momentum=0.9" },
      'Cannot set "lion_32bit" by optim_args: found "momentum", expected none',
    );
    refuses(
      { learning_rate: 0, lr_groups: [{ modules: "lm_head", lr: 1 }] },
      "Cannot use lr_groups: learning_rate is 0",
    );
    refuses({ adafactor: true }, "write optim adafactor");
    refuses(
      { lr_scheduler_type: "reduce_lr_on_plateau" },
      'found "reduce_lr_on_plateau"',
    );
  },
);

test(
  "checkTrainOptions() tells of steps that the strategy passes over",
  pure,
  () => {
    const warned = (more: Record<string, unknown>) => read(more).warnings;
    assertEquals(
      warned({ save_steps: 10, eval_steps: 10, eval_strategy: "steps" }),
      [],
    );
    assertEquals(warned({ save_strategy: "epoch" }), []);
    assertEquals(warned({ save_strategy: "epoch", save_steps: 10 }), [
      '"save_steps" has no effect with "save_strategy" "epoch", it is for "steps"',
    ]);
    assertEquals(warned({ eval_steps: 10 }), [
      '"eval_steps" has no effect with "eval_strategy" "no", it is for "steps"',
    ]);
  },
);
