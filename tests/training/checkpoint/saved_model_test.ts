/** What a run saves loads again, with the same numbers, and has all that a model's folder needs. */
import { assert, assertEquals } from "@std/assert";
import { openAdapterFolder } from "../../../src/files/folders/adapter_folder.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { loadAdapter } from "../../../src/model/adapter/adapter.ts";
import { readAdapterConfig } from "../../../src/model/adapter/adapter_config.ts";
import type { Model } from "../../../src/model/decoder/model.ts";
import {
  LORA,
  MODEL,
  runTest,
  type Scene,
  TOKENIZER,
  writeRows,
} from "../run/run_scene.ts";
import { load, meanLogps } from "./saved_scene.ts";

const EVALUATED = { max_steps: 3, eval_strategy: "steps", eval_steps: 3 };

async function assertReloads(
  scene: Scene,
  recipe: object,
  reload: (folder: string) => Promise<Model>,
) {
  const { rows } = await scene.train("run", {
    ...EVALUATED,
    ...recipe,
    eval_dataset: scene.path("pairs.jsonl"),
  });
  const last = rows.at(-1)!;
  const model = await reload(scene.path("run"));
  assertEquals(await meanLogps(scene, model), {
    chosen: last["eval_logps/chosen"]!,
    rejected: last["eval_logps/rejected"]!,
  });
  const base = await meanLogps(scene, await load(scene.device, MODEL));
  assert(base.chosen !== last["eval_logps/chosen"], "training changed nothing");
}

await runTest(
  "runTraining() saves all weights so that they load with the same log-probabilities",
  async (scene) => {
    await assertReloads(scene, {}, (folder) => load(scene.device, folder));
    const { config, chatTemplate, tokenizer, generationConfig } =
      await openModelFolder(scene.path("run"));
    const base = await openModelFolder(MODEL);
    assertEquals(config, base.config);
    assertEquals(tokenizer, base.tokenizer);
    assertEquals(generationConfig, base.generationConfig);
    assertEquals(chatTemplate, base.chatTemplate);
    assert(chatTemplate?.includes("<|im_start|>"));
  },
);

await runTest(
  "runTraining() saves an adapter in PEFT's layout that loads with the same log-probabilities",
  async (scene) => {
    await assertReloads(scene, LORA, async (folder) => {
      const { config, weights } = await openAdapterFolder(folder);
      assertEquals(config["peft_type"], "LORA");
      assertEquals(config["base_model_name_or_path"], MODEL);
      assertEquals([config["r"], config["lora_alpha"]], [4, 8]);
      assertEquals(
        weights.tensors.get(
          "base_model.model.model.layers.1.mlp.down_proj.lora_A.weight",
        )?.shape,
        [4, 144],
      );
      assertEquals(weights.tensors.size, 2 * 7 * 2);
      const model = await load(scene.device, MODEL);
      await loadAdapter(model, readAdapterConfig(config), weights);
      return model;
    });
  },
);

await runTest(
  "runTraining() saves the tokenizer and the template that it was told to use",
  async (scene) => {
    Deno.writeTextFileSync(
      scene.path("own.jinja"),
      "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
    );
    await scene.train("run", {
      max_steps: 1,
      tokenizer_name_or_path: TOKENIZER,
      chat_template: scene.path("own.jinja"),
    });
    const saved = await openModelFolder(scene.path("run"));
    const named = JSON.parse(
      Deno.readTextFileSync(`${TOKENIZER}/tokenizer.json`),
    );
    assertEquals<unknown>(saved.tokenizer, named);
    assert(
      saved.chatTemplate?.startsWith("{% for m in messages %}{{ m.role }}:"),
    );
  },
);

await runTest(
  "runTraining() starts a random model from a bare config, teaches it by SFT and saves it",
  async (scene) => {
    const bare = scene.path("bare");
    Deno.mkdirSync(bare);
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      Deno.copyFileSync(`${MODEL}/${name}`, `${bare}/${name}`);
    }
    const config = JSON.parse(Deno.readTextFileSync(`${MODEL}/config.json`));
    const small = {
      ...config,
      hidden_size: 32,
      intermediate_size: 44,
      num_hidden_layers: 1,
    };
    Deno.writeTextFileSync(`${bare}/config.json`, JSON.stringify(small));
    const texts = ["One and one is two.", "Two and two is four."];
    writeRows(scene.path("texts.jsonl"), texts.map((text) => ({ text })));
    const { rows } = await scene.train("run", {
      trainer: "sft",
      model_name_or_path: bare,
      init_from_config: true,
      dataset: scene.path("texts.jsonl"),
      max_steps: 10,
      learning_rate: 1e-2,
    });
    // 600 tokens: a random model starts near ln 600 = 6.4 nats
    assert(Math.abs(rows[0]!["loss"]! - Math.log(600)) < 0.3);
    assert(rows.at(-1)!["loss"]! < 4, JSON.stringify(rows.at(-1)));
    assertEquals(Object.keys(rows[0]!).sort(), [
      "entropy",
      "epoch",
      "grad_norm",
      "learning_rate",
      "loss",
      "mean_token_accuracy",
      "num_tokens",
      "step",
    ]);
    const model = await load(scene.device, scene.path("run"));
    assertEquals(model.config.hidden_size, 32);
  },
);
