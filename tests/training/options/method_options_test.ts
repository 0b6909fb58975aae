/** The options of the method: every loss with its trainer, what contradicts, what has no effect. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { lossNames, lossRows } from "../../../src/training/loss/losses.ts";
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
  readOptions(trainSchema, [least, more]);
const refuses = (more: Record<string, unknown>, says: string) =>
  assertThrows(() => read(more), TypeError, says);

test(
  "trainSchema offers every loss of the table and refuses others",
  pure,
  () => {
    const more = { label_smoothing: 0.1 };
    for (const name of lossNames) {
      const [trainer = "dpo"] = lossRows[name].trainers ?? [];
      const { options } = read({ ...more, trainer, loss_type: name });
      assertEquals(options.loss_type, [name]);
    }
    assertEquals(
      read({ ...more, loss_type: "sigmoid,sft" }).options.loss_type,
      ["sigmoid", "sft"],
    );
    refuses(
      { loss_type: "no_such_loss" },
      `"loss_type[0]" must be one of ${lossNames.join(", ")}`,
    );
    refuses(
      { loss_type: "sigmoid", loss_weights: [1, 2] },
      "one per loss, found 2 for 1",
    );
  },
);

test(
  "checkTrainOptions() warns where label_smoothing has no effect",
  pure,
  () => {
    assertEquals(read({ label_smoothing: 0.1 }).warnings, []);
    assertEquals(read({ label_smoothing: 0.1, loss_type: "ipo" }).warnings, [
      '"label_smoothing" has no effect on "ipo"',
    ]);
  },
);

test(
  "checkTrainOptions() refuses losses that a trainer does not take",
  pure,
  () => {
    refuses(
      { loss_type: "simpo" },
      '"trainer" "dpo" takes "loss_type" "sigmoid", ',
    );
    refuses(
      { trainer: "cpo", loss_type: "exo_pair,simpo" },
      '"trainer" "cpo" takes "loss_type" "sigmoid", "ipo", "hinge", "simpo", "simper", found "exo_pair"',
    );
    refuses({ trainer: "orpo", loss_type: "sft" }, 'takes "loss_type" "orpo"');
    refuses({ trainer: "kto", loss_type: "apo_zero" }, 'found "apo_zero"');
    for (const trainer of ["dpo", "cpo", "orpo", "kto", "sft"]) {
      assertEquals(read({ trainer }).warnings, []);
    }
  },
);

test(
  "checkTrainOptions() refuses what a loss cannot do, all at once",
  pure,
  () => {
    const wrong = {
      loss_type: "exo_pair,aot,bco_pair",
      use_weighting: true,
      f_divergence_type: "forward_kl",
      loss_weights: [1],
    };
    refuses(wrong, '"loss_weights" must be one per loss, found 1 for 3');
    refuses(
      wrong,
      '"f_divergence_type" "forward_kl" is not defined for "aot", "bco_pair"',
    );
    refuses(
      wrong,
      '"use_weighting" weighs pairs one by one, which "aot" does not have',
    );
    refuses(wrong, '"label_smoothing" must be above 0 for "exo_pair"');
    refuses(
      { loss_type: "robust", label_smoothing: 0.5 },
      'must be below 0.5 for "robust"',
    );
    refuses(
      { trainer: "kto", per_device_train_batch_size: 1 },
      '"per_device_train_batch_size" must be 2 or more for "kto"',
    );
    refuses(
      { trainer: "cpo", loss_type: "sigmoid,simpo" },
      'takes means per token with "trainer" "cpo"',
    );
  },
);

test(
  "checkTrainOptions() warns of options that the trainer does not look at",
  pure,
  () => {
    assertEquals(read({ ld_alpha: 0.5, use_weighting: true }).warnings, []);
    const warnsOf = (options: Record<string, unknown>, words: string) => {
      const { warnings } = read(options);
      assertEquals(warnings.length, 1);
      assertStringIncludes(warnings[0]!, words);
    };
    warnsOf(
      { simpo_gamma: 1, trainer: "dpo" },
      '"simpo_gamma" has no effect with "trainer" "dpo", it is for "cpo"',
    );
    warnsOf(
      { trainer: "kto", ld_alpha: 0.5, desirable_weight: 2 },
      '"ld_alpha" has no effect with "trainer" "kto", it is for "dpo"',
    );
  },
);
