/** What ms-swift's recipes say of rows, of frozen parts and of the layers that are adapted. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { load, reasons } from "./import_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const HEAD = "model: m\nrlhf_type: dpo\n";
const ROWS = `${HEAD}dataset: [data/a.jsonl, data/b.jsonl]\n`;

async function optionsOf(yaml: string) {
  const { options, problem } = await load(yaml);
  assertEquals(problem, undefined, yaml);
  return options;
}

async function refusedKey(yaml: string) {
  const { refusals } = await load(yaml);
  return refusals.map(({ key }) => key);
}

test({
  ...pure,
  name: "importRecipe() mixes ms-swift's datasets by interleave_prob",
  async fn() {
    const { dataset_mixture } = await optionsOf(
      `${ROWS}interleave_prob: [0.7, 0.3]\nstopping_strategy: all_exhausted\ndata_seed: 5\n`,
    );
    assertEquals(dataset_mixture, {
      datasets: [
        { id: "data/a.jsonl", probability: 0.7 },
        { id: "data/b.jsonl", probability: 0.3 },
      ],
      seed: 5,
      stopping_strategy: "all_exhausted",
    });
    assertEquals(await refusedKey(`${ROWS}interleave_prob: [1]\n`), [
      "interleave_prob",
    ]);
  },
});

test({
  ...pure,
  name: "importRecipe() keeps the order of rows that ms-swift keeps",
  async fn() {
    const order = async (lines: string) => {
      const { dataset_mixture, shuffle } = await optionsOf(ROWS + lines);
      return [(dataset_mixture as { seed?: number }).seed, shuffle];
    };
    assertEquals(await order(""), [42, undefined]);
    assertEquals(await order("dataset_shuffle: false\n"), [
      undefined,
      undefined,
    ]);
    assertEquals(await order("train_dataloader_shuffle: false\n"), [42, false]);
  },
});

test({
  ...pure,
  name: "importRecipe() turns ms-swift's columns around",
  async fn() {
    const wanted = { query: "question", response: "good" };
    const both = [
      "columns: { question: query, good: response }\n",
      `columns: '{"question": "query", "good": "response"}'\n`,
    ];
    for (const line of both) {
      assertEquals((await optionsOf(ROWS + line)).columns, wanted);
    }
  },
});

test({
  ...pure,
  name:
    "importRecipe() says that ms-swift draws rows at random, and takes one file to evaluate on",
  async fn() {
    const imported = await load(
      `${HEAD}dataset: data/a.jsonl#500\nval_dataset: data/b.jsonl#20\n`,
    );
    assertStringIncludes(reasons(imported).dataset!, "at random");
    const { eval_dataset, max_eval_samples, eval_strategy, eval_steps } =
      imported.options;
    assertEquals([eval_dataset, max_eval_samples, eval_strategy, eval_steps], [
      "data/b.jsonl",
      20,
      "steps",
      500,
    ]);
    assertEquals(await refusedKey(`${ROWS}val_dataset: [a.jsonl, b.jsonl]\n`), [
      "val_dataset",
    ]);
  },
});

test({
  ...pure,
  name: "importRecipe() adapts the layers that ms-swift's target_regex names",
  async fn() {
    const { lora_target_modules } = await optionsOf(
      `${ROWS}target_modules: all-linear\ntarget_regex: .*q_proj\n`,
    );
    assertEquals(lora_target_modules, "(?:.*q_proj)");
    for (const name of ["all-embedding", "lm_head"]) {
      assertEquals(await refusedKey(`${ROWS}target_modules: [${name}]\n`), [
        "target_modules",
      ]);
    }
  },
});

test({
  ...pure,
  name: "importRecipe() refuses what ms-swift freezes, but for what is named",
  async fn() {
    const full = `${ROWS}tuner_type: full\n`;
    for (
      const line of [
        "freeze_parameters_ratio: 0.5",
        "freeze_parameters: [model.layers.0]",
        "freeze_parameters_regex: layers",
        "trainable_parameters: [lm_head]",
      ]
    ) {
      assertEquals(await refusedKey(`${full}${line}\n`), [line.split(":")[0]]);
    }
    const { unfrozen_parameters } = await optionsOf(
      `${full}freeze_parameters_ratio: 1\ntrainable_parameters: [model.norm]\n`,
    );
    assertEquals(unfrozen_parameters, ["model\\.norm"]);
    const lora = await load(`${ROWS}freeze_parameters_ratio: 0.5\n`);
    assertStringIncludes(reasons(lora).freeze_parameters_ratio!, "full only");
  },
});

test({
  ...pure,
  name:
    "importRecipe() says what ms-swift's ORPO learns and ORPO here does not",
  async fn() {
    const orpo = await load("model: m\nrlhf_type: orpo\ndataset: [a]\n");
    assertStringIncludes(reasons(orpo)["rlhf_type"]!, "it trains every one");
    const dpo = await load("model: m\nrlhf_type: dpo\ndataset: [a]\n");
    assertEquals(reasons(dpo)["rlhf_type"], undefined);
  },
});
