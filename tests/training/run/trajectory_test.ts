/** The reader of TRL's runs takes every option from the run, whatever its values. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type Hyperparameters,
  optimizerName,
  pairOptions,
  trajectoryDemonstrations,
} from "./trajectory.ts";
import { test } from "../../test_case.ts";

const RUN: Hyperparameters = {
  learning_rate: 1e-3,
  lr_scheduler_type: "cosine",
  warmup_steps: 0.1,
  warmup_steps_resolved: 1,
  max_grad_norm: 1,
  gradient_accumulation_steps: 2,
  per_device_train_batch_size: 3,
  max_steps: 7,
  optim: "adamw_torch_fused",
  weight_decay: 0,
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
  beta: 0.3,
  loss_type: "sigmoid",
};

test("pairOptions() takes TRL's defaults for what a run does not name", () => {
  assertEquals(pairOptions(RUN), {
    beta: 0.3,
    loss_type: ["sigmoid"],
    loss_weights: null,
    label_smoothing: 0,
    ld_alpha: null,
    use_weighting: false,
  });
});

test("pairOptions() takes weights, ld_alpha, WPO and the divergence from the run", () => {
  const named = {
    loss_type: ["sigmoid", "sft"],
    loss_weights: [0.8, 0.2],
    ld_alpha: 0.4,
    use_weighting: true,
    f_divergence_type: "js_divergence",
  } as const;
  assertEquals(pairOptions({ ...RUN, ...named }), {
    beta: 0.3,
    label_smoothing: 0,
    ...named,
    loss_type: [...named.loss_type],
  });
});

test("pairOptions() smooths labels only where TRL does", () => {
  for (const [loss_type, want] of [["sigmoid", 0], ["robust", 0.2]] as const) {
    const options = pairOptions({ ...RUN, loss_type, label_smoothing: 0.2 });
    assertEquals(options.label_smoothing, want, loss_type);
  }
});

test("optimizerName() takes a fused optimizer for the plain one, and refuses what is not served", () => {
  assertEquals(optimizerName(RUN), "adamw_torch");
  assertEquals(optimizerName({ ...RUN, optim: "adafactor" }), "adafactor");
  assertThrows(
    () => optimizerName({ ...RUN, optim: "lion_of_tomorrow" }),
    RangeError,
    'found optimizer "lion_of_tomorrow"',
  );
});

test("trajectoryDemonstrations() trains from the first label on", () => {
  const [one] = trajectoryDemonstrations({
    trainer: "SFT",
    base_model: "models/any",
    lora: null,
    hyperparameters: RUN,
    optimizer_groups: [],
    dataset: [],
    tokenized: [{ input_ids: [4, 5, 6], labels: [-100, 5, 6] }],
    steps: [],
  });
  assertEquals(one, { ids: [4, 5, 6], completionStart: 1, line: 0 });
});
