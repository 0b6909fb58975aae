/**
 * What a recipe asks for and is not served stops it by name, and what a tool does by default is
 * written down.
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { load, reasons } from "./import_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const AXOLOTL = `
base_model: m
datasets: [{ path: data/a.jsonl, type: chat_template }]
output_dir: ./outputs/x
`;
const FACTORY = "model_name_or_path: m\nstage: sft\ndataset: a\n";
const SWIFT = "model: m\ndataset: [data/a.jsonl]\n";

/** Recipes that say nothing of the router of a mixture of experts. */
const SILENT = {
  "ms-swift": "model: m\ndataset: [data/a.jsonl]\nrlhf_type: dpo\n",
  "LLaMA-Factory": "model_name_or_path: m\nstage: dpo\ndataset: a\n",
  "LLaMA-Factory v1": "model: m\nmodel_class: llm\n",
  "mlx-lm": "model: m\nnum_layers: -1\nfine_tune_type: full\ndata: d\n",
  "open-instruct": "model_name_or_path: m\nexp_name: dpo\n",
  "Axolotl": AXOLOTL,
};

test({
  ...pure,
  name: "importRecipe() adds no router's loss where the tool adds none",
  async fn() {
    for (const [tool, recipe] of Object.entries(SILENT)) {
      const { options } = await load(recipe);
      assertEquals(options.router_aux_loss_coef, 0, tool);
    }
    const { options } = await load(
      `${
        SILENT["open-instruct"]
      }load_balancing_loss: true\nload_balancing_weight: 0.5\n`,
    );
    assertEquals(options.router_aux_loss_coef, 0.5);
    for (const [stage, coefficient] of [["sft", 0.5], ["dpo", 0]]) {
      const { options } = await load(
        `model_name_or_path: m\nstage: ${stage}\ndataset: a\nmoe_aux_loss_coef: 0.5\n`,
      );
      assertEquals(options.router_aux_loss_coef, coefficient, `${stage}`);
    }
    for (
      const [name, coefficient] of [
        ["dpo", undefined],
        ["kto", undefined],
        ["sft", undefined],
        ["orpo", 0],
        ["cpo", 0],
      ]
    ) {
      const { options } = await load(
        `model_name_or_path: m\ndataset_name: d\ntrainer_type: ${name}\n`,
      );
      assertEquals(options.router_aux_loss_coef, coefficient, `TRL ${name}`);
    }
  },
});

test({
  ...pure,
  name: "importRecipe() refuses by name what would be left out",
  async fn() {
    const cases = [
      [AXOLOTL, "rl: gdpo"],
      [AXOLOTL, "rl: ebft"],
      [AXOLOTL, "optimizer: muon"],
      [AXOLOTL, "qat: { weight_dtype: int4 }"],
      [AXOLOTL, "processor_type: AutoProcessor"],
      [AXOLOTL, "tokens: ['<|a|>']"],
      [AXOLOTL, "plugins: [axolotl.integrations.diffusion.DiffusionPlugin]"],
      [FACTORY, "finetuning_type: oft"],
      [FACTORY, "use_asft_loss: true"],
      [FACTORY, "use_galore: true"],
      [SWIFT, "rlhf_type: grpo"],
      [SWIFT, "tuner_type: longlora"],
      [SWIFT, "init_weights: olora"],
    ] as const;
    for (const [head, line] of cases) {
      const { problem } = await load(`${head}${line}\n`);
      const [key = ""] = line.split(":");
      assertStringIncludes(problem ?? "", `"${key}": `, line);
    }
    const off = await load(`${AXOLOTL}qat:\ntokens: []\nrelora: false\n`);
    assertEquals([off.problem, Object.keys(reasons(off))], [
      undefined,
      ["output_dir"],
    ]);
  },
});

test({
  ...pure,
  name: "importRecipe() writes down when Axolotl saves and evaluates",
  async fn() {
    const when = async (lines: string) => {
      const { options } = await load(`${AXOLOTL}num_epochs: 2\n${lines}`);
      const { save_strategy, save_steps, eval_strategy, eval_steps } = options;
      return [save_strategy, save_steps, eval_strategy, eval_steps];
    };
    assertEquals(await when(""), ["epoch", undefined, "no", undefined]);
    assertEquals(
      await when("saves_per_epoch: 2\nevals_per_epoch: 4\n"),
      ["steps", 1 / 4, "no", undefined],
    );
    assertEquals(
      await when("val_set_size: 0.1\nevals_per_epoch: 4\n"),
      ["epoch", undefined, "steps", 1 / 8],
    );
    assertEquals(
      await when(
        "save_steps: 50\neval_steps: 10\ntest_datasets: [{path: b}]\n",
      ),
      ["steps", 50, "steps", 10],
    );
  },
});

test({
  ...pure,
  name: "importRecipe() brings output_dir under output/ and says so",
  async fn() {
    const imported = await load(AXOLOTL);
    assertEquals(imported.options.output_dir, "output/x");
    assertStringIncludes(reasons(imported)["output_dir"]!, "./outputs/x");
    const kept = await load(
      "model_name_or_path: m\ndataset_name: d\noutput_dir: ./output/a/b\n",
    );
    assertEquals(kept.options.output_dir, "./output/a/b");
  },
});

test({
  ...pure,
  name: "importRecipe() says which trainer is taken where TRL's file does not",
  async fn() {
    const trl = "model_name_or_path: m\ndataset_name: d\nbeta: 0.05\n";
    const trainers = await Promise.all(
      ["output/a-orpo", "output/kto-a", "output/a"].map(async (folder) => {
        const imported = await load(`${trl}output_dir: ${folder}\n`);
        assertMatch(reasons(imported)["trainer"]!, /taken to be/);
        return imported.options.trainer;
      }),
    );
    assertEquals(trainers, ["orpo", "kto", "dpo"]);
    const sure = await load(`${trl}trainer: cpo\n`);
    assertEquals([sure.options.trainer, reasons(sure)["trainer"]], [
      "cpo",
      undefined,
    ]);
  },
});

test({
  ...pure,
  name: "importRecipe() takes ms-swift and LLaMA-Factory v1 for what they are",
  async fn() {
    const swift = await load(`
rlhf_type: dpo
model: m
dataset: ["data/a.jsonl#20"]
lora_rank: 9
rpo_alpha: 0.5
system: You are curt.
loss_scale: last_round+ignore_empty_think
output_dir: output/s
`);
    assertEquals([swift.tool, swift.problem], ["ms-swift", undefined]);
    const { system, ignore_empty_think } = swift.options;
    assertEquals([system, ignore_empty_think], ["You are curt.", true]);
    const files = await load("rlhf_type: dpo\nmodel: m\nsystem: a.txt\n");
    assertEquals(files.refusals.map(({ key }) => key), ["system"]);
    const { trainer, lora_r, loss_type, loss_weights } = swift.options;
    assertEquals([trainer, lora_r, loss_type, loss_weights], [
      "dpo",
      9,
      ["sigmoid", "sft"],
      [1, 0.5],
    ]);
    assertEquals(swift.options.dataset_mixture, {
      datasets: [{ id: "data/a.jsonl", split: "train[:20]" }],
      seed: 42,
    });
    const v1 = await load(`
model: m
peft_config: { name: lora, r: 14, lora_alpha: 21, target_modules: all }
train_dataset: data/a.jsonl
micro_batch_size: 3
output_dir: output/v1
`);
    assertEquals([v1.tool, v1.problem], ["LLaMA-Factory", undefined]);
    assertEquals(
      [v1.options.lora_r, v1.options.per_device_train_batch_size],
      [14, 3],
    );
  },
});
