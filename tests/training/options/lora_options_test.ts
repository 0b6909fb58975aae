import { assertEquals, assertThrows } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { loraPlusFactor } from "../../../src/training/optimizer/rate_factor.ts";
import { newAdapter } from "../../../src/training/setup/run_model.ts";
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
  use_peft: true,
};
const read = (more: Record<string, unknown>) =>
  readOptions(trainSchema, [least, more]).options;

test(
  "newAdapter() reads one text with signs as an expression, names as names",
  pure,
  () => {
    const targets = (lora_target_modules: unknown) =>
      newAdapter(read({ lora_target_modules })).target_modules;
    assertEquals(targets(".*(q|v)_proj{1,1}"), ".*(q|v)_proj{1,1}");
    assertEquals(targets([".*_proj"]), ".*_proj");
    assertEquals(targets("q_proj,self_attn.v_proj"), [
      ...["q_proj", "self_attn.v_proj"],
    ]);
    assertEquals(targets("q_proj"), ["q_proj"]);
    assertEquals(targets('["q_proj"]'), ["q_proj"]);
    assertEquals(targets("all-linear"), "all-linear");
  },
);

test("newAdapter() takes PEFT's own names of its options", pure, () => {
  const adapter = newAdapter(read({
    lora_r: 8,
    lora_alpha: 16,
    use_rslora: true,
    use_dora: true,
    target_modules: ["q_proj"],
    exclude_modules: ".*\\.0\\..*",
    layers_to_transform: 1,
    modules_to_save: "norm",
    rank_pattern: { q_proj: 4 },
    alpha_pattern: "q_proj=2.5",
    init_lora_weights: "gaussian",
  }));
  assertEquals(adapter, {
    r: 8,
    lora_alpha: 16,
    lora_dropout: 0,
    use_rslora: true,
    use_dora: true,
    target_modules: ["q_proj"],
    exclude_modules: ".*\\.0\\..*",
    layers_to_transform: [1],
    modules_to_save: ["norm"],
    rank_pattern: { q_proj: 4 },
    alpha_pattern: { q_proj: 2.5 },
    init_lora_weights: "gaussian",
  });
});

test(
  "trainSchema refuses options of adapters that contradict each other",
  pure,
  () => {
    const refuses = (more: Record<string, unknown>, says: string) =>
      assertThrows(() => read(more), TypeError, says);
    refuses({ lora_bias: "all" }, '"lora_bias" cannot be "all"');
    refuses({ init_lora_weights: false }, '"init_lora_weights" must be one of');
    refuses(
      { create_new_adapter: true },
      '"create_new_adapter" needs "adapter_name_or_path"',
    );
    refuses(
      { use_dora: true, init_lora_weights: "pissa_niter_16" },
      '"use_dora", "init_lora_weights pissa" cannot go together',
    );
    refuses(
      { unfrozen_parameters: ["model.norm"] },
      '"unfrozen_parameters" is for training without "use_peft"',
    );
    refuses(
      { use_peft: false, init_from_config: true, freeze_trainable_layers: 1 },
      '"freeze_trainable_layers" would leave random weights',
    );
  },
);

test(
  "loraPlusFactor() makes half B and vectors faster, as PEFT does",
  pure,
  () => {
    const parameter = (name: string, ...shape: number[]) => ({
      name,
      value: { shape },
    });
    const path = "base_model.model.model.layers.0.self_attn.q_proj";
    const all = [
      parameter(`${path}.lora_A.weight`, 4, 8),
      parameter(`${path}.lora_B.weight`, 8, 4),
      parameter(`${path}.lora_magnitude_vector`, 8),
    ];
    assertEquals(all.map(loraPlusFactor(16)), [1, 16, 16]);
    assertEquals(all.map(loraPlusFactor(null)), [1, 1, 1]);
  },
);
