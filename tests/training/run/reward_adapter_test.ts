/** Reward models as adapters: the head beside them, what a run leaves, and what it goes on from. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import { putAdapter } from "../../../src/model/opening/open_model.ts";
import { dryRun } from "../../../src/training/run/dry_run.ts";
import { scoreFile } from "../../../src/scoring/score_file.ts";
import { scoreSchema } from "../../../src/scoring/score_options.ts";
import {
  LORA,
  MODEL,
  PAIRS,
  readNumbers,
  type Recipe,
  runTest,
  type Scene,
  writeRows,
} from "./run_scene.ts";

const REWARD: Recipe = {
  trainer: "reward",
  max_steps: 4,
  save_strategy: "steps",
  save_steps: 2,
  center_rewards_coefficient: 0.01,
  learning_rate: 5e-3,
};

/** Mean distance of the rewards that the task score gives the pairs by the adapter of `run`. */
async function meanMargin(scene: Scene): Promise<number> {
  const { options } = readOptions(scoreSchema, [{
    model_name_or_path: MODEL,
    adapter_name_or_path: scene.path("run"),
    input: scene.path("pairs.jsonl"),
    output: scene.path("scores.jsonl"),
  }]);
  await scoreFile(scene.device, options);
  const lines = Deno.readTextFileSync(options.output).trimEnd().split("\n");
  const margins = lines.map((line) => {
    const { chosen_reward, rejected_reward } = JSON.parse(line);
    return chosen_reward - rejected_reward;
  });
  return margins.reduce((sum, margin) => sum + margin, 0) / margins.length;
}

await runTest(
  "runTraining() by reward saves an adapter with its head as PEFT does",
  async (scene) => {
    const recipe = {
      ...REWARD,
      ...LORA,
      eval_strategy: "steps",
      eval_steps: 4,
    };
    const eval_dataset = scene.path("pairs.jsonl");
    const { rows } = await scene.train("run", { ...recipe, eval_dataset });
    assert("eval_accuracy" in rows.at(-1)!);
    const numbers = await readNumbers(
      scene.path("run/adapter_model.safetensors"),
    );
    const score = numbers["base_model.model.score.weight"];
    assertEquals(score?.length, 64);
    const config = JSON.parse(
      Deno.readTextFileSync(scene.path("run/adapter_config.json")),
    );
    assertEquals(
      [config.task_type, config.modules_to_save],
      ["SEQ_CLS", ["score"]],
    );
    const margin = await meanMargin(scene);
    assertAlmostEquals(rows.at(-1)!["eval_margin"]!, margin, 1e-4);
    // continued, it starts where it ended; elsewhere it is refused, since a head would be lost
    const continued = await scene.train("continued", {
      ...REWARD,
      ...LORA,
      max_steps: 1,
      learning_rate: 1e-5,
      adapter_name_or_path: scene.path("run"),
      eval_dataset,
      eval_strategy: "steps",
      eval_on_start: true,
    });
    assertAlmostEquals(continued.rows[0]!["eval_margin"]!, margin, 1e-4);
    const { config: json, weights } = await openModelFolder(MODEL);
    const policy = await loadModel(
      scene.device,
      readModelConfig(json),
      weights,
    );
    await assertRejects(
      () => putAdapter(policy, scene.path("run")),
      TypeError,
      '"modules_to_save" is ["score"]',
    );
    writeRows(
      scene.path("margins.jsonl"),
      PAIRS.map((pair) => ({ ...pair, margin: 3 })),
    );
    const asked = await scene.train("asked", {
      ...recipe,
      eval_strategy: "no",
      dataset: scene.path("margins.jsonl"),
    });
    assert(asked.rows[0]!["loss"]! > rows[0]!["loss"]! + 2);
  },
);

await runTest(
  "runTraining() by reward goes on from an adapter without a head, or puts one on top, beside other modules in full",
  async (scene) => {
    await scene.train("dpo", { ...LORA, max_steps: 2 });
    const rewarding = {
      ...LORA,
      ...REWARD,
      lora_modules_to_save: ["norm"],
      max_steps: 1,
      adapter_name_or_path: scene.path("dpo"),
    };
    const losses: number[] = [];
    for (const create_new_adapter of [false, true]) {
      const how = { ...rewarding, create_new_adapter };
      losses.push((await scene.train("reward", how)).rows[0]!["loss"]!);
      const [numbers, config] = [
        await readNumbers(scene.path("reward/adapter_model.safetensors")),
        Deno.readTextFileSync(scene.path("reward/adapter_config.json")),
      ];
      assert(numbers["base_model.model.score.weight"]!.length === 64);
      assertEquals(
        JSON.parse(config).modules_to_save,
        create_new_adapter ? ["norm", "score"] : ["score"],
      );
      Deno.removeSync(scene.path("reward"), { recursive: true });
    }
    // either starts as the first adapter, with the same head
    assertAlmostEquals(losses[0]!, losses[1]!, 1e-5);
    const fresh = { ...rewarding, adapter_name_or_path: null };
    const { rows } = await scene.train("fresh", fresh);
    assert(Math.abs(rows[0]!["loss"]! - losses[0]!) > 1e-5, "it counts");
  },
);

await runTest(
  "dryRun() plans a reward model's adapter, of blocks that its own probe lacks too",
  async ({ device, options }) => {
    const { bytes } = await dryRun(
      device,
      options("dry", { ...REWARD, ...LORA, lora_layers_to_transform: [1] }),
    );
    assert(bytes.total > 0);
  },
);
