/** What a run saves loads again, with the same numbers, and has all that a model's folder needs. */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../kernels/device.ts";
import { openAdapterFolder } from "../../src/files/adapter_folder.ts";
import { openModelFolder } from "../../src/files/model_folder.ts";
import { loadAdapter } from "../../src/model/adapter.ts";
import { readAdapterConfig } from "../../src/model/adapter_config.ts";
import { readModelConfig } from "../../src/model/config.ts";
import { loadModel } from "../../src/model/load.ts";
import type { Model } from "../../src/model/model.ts";
import { preferenceBatch } from "../../src/preference/batch.ts";
import { loadPairs } from "../../src/preference/load.ts";
import { openEncoder } from "../../src/preference/open_encoder.ts";
import { sequenceLogps } from "../../src/training/batch_logps.ts";
import {
  LORA,
  MODEL,
  readNumbers,
  runTest,
  type Scene,
  TOKENIZER,
  writeRows,
} from "./run_scene.ts";

const EVALUATED = { max_steps: 3, eval_strategy: "steps", eval_steps: 3 };

async function load(device: Device, folder: string): Promise<Model> {
  const { config, weights } = await openModelFolder(folder);
  return await loadModel(device, readModelConfig(config), weights);
}

/** Mean log-probabilities of the answers to all pairs, as the run's last evaluation has them. */
async function meanLogps(
  { path }: Scene,
  model: Model,
): Promise<{ chosen: number; rejected: number }> {
  const { encoder } = await openEncoder({ model_name_or_path: MODEL });
  const { examples } = await loadPairs([{ path: path("pairs.jsonl") }], {
    encoder,
    split: "test",
  });
  const sums = await sequenceLogps(model, [preferenceBatch(examples)]);
  const mean = (side: number) =>
    sums.filter((_, i) => i % 2 === side).reduce((a, b) => a + b) /
    examples.length;
  return { chosen: mean(0), rejected: mean(1) };
}

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
  "runTraining() continues an adapter from where another run left it, which is its reference",
  async (scene) => {
    await scene.train("first", { ...LORA, max_steps: 2 });
    const again = { ...LORA, adapter_name_or_path: scene.path("first") };
    const { rows } = await scene.train("second", { ...again, max_steps: 1 });
    // TRL: a frozen copy of the adapter as it starts
    assertIsStart(rows[0]!);
    const trl = await scene.train("base", { ...LORA, max_steps: 1 });
    assert(trl.rows[0]!["logps/chosen"] !== rows[0]!["logps/chosen"]);
    const [before, after] = await Promise.all(
      ["first", "second"].map((run) =>
        readNumbers(scene.path(run, "adapter_model.safetensors"))
      ),
    );
    assertEquals(Object.keys(before!), Object.keys(after!));
  },
);

await runTest(
  "runTraining() keeps the references of base and of a continued adapter apart in its cache",
  async (scene) => {
    const cacheFolder = scene.path("cache");
    await scene.train("first", { ...LORA, max_steps: 2 }, { cacheFolder });
    const again = { ...LORA, adapter_name_or_path: scene.path("first") };
    const how = { ...again, max_steps: 1 };
    const { rows } = await scene.train("second", how, { cacheFolder });
    assertIsStart(rows[0]!);
  },
);

/** Policy and reference are one: margin 0 and loss ln 2, but for rounding. */
function assertIsStart(row: Readonly<Record<string, number>>): void {
  assert(Math.abs(row["rewards/margins"]!) < 1e-4, JSON.stringify(row));
  assert(Math.abs(row["loss"]! - Math.LN2) < 1e-4, JSON.stringify(row));
}

/** The tensors of an adapter that a run left, and its config. */
async function adapterOf({ device, path }: Scene, run: string) {
  const { config, weights } = await openAdapterFolder(path(run));
  const base = await load(device, MODEL);
  const model = await loadAdapter(base, readAdapterConfig(config), weights);
  return { config, names: [...weights.tensors.keys()], weights, model };
}

await runTest(
  "runTraining() trains a new adapter on top of another and saves both as one",
  async (scene) => {
    const first = { ...LORA, lora_target_modules: ["q_proj", "down_proj"] };
    await scene.train("first", { ...first, max_steps: 2 });
    const { rows } = await scene.train("second", {
      ...{ ...LORA, lora_r: 2, lora_alpha: 2, create_new_adapter: true },
      ...{ lora_target_modules: ["q_proj", "v_proj"], max_steps: 3 },
      adapter_name_or_path: scene.path("first"),
      ...{ eval_strategy: "steps", eval_steps: 3 },
      eval_dataset: scene.path("pairs.jsonl"),
    });
    assertIsStart(rows[0]!);
    const { config, weights, model } = await adapterOf(scene, "second");
    const rankOf = (layer: string) =>
      weights.tensors.get(
        `base_model.model.model.layers.1.${layer}.lora_A.weight`,
      )?.shape[0];
    assertEquals(
      ["self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"].map(rankOf),
      [2 + 4, 2, 4],
    );
    assertEquals(config["use_rslora"], false);
    const last = rows.at(-1)!;
    const { chosen, rejected } = await meanLogps(scene, model);
    assert(Math.abs(chosen - last["eval_logps/chosen"]!) < 1e-4);
    assert(Math.abs(rejected - last["eval_logps/rejected"]!) < 1e-4);
    // the first adapter's numbers are among them as they were
    const [before, after] = await Promise.all(
      ["first", "second"].map((run) =>
        readNumbers(scene.path(run, "adapter_model.safetensors"))
      ),
    );
    const name =
      "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
    const kept = after![name]!.slice(-before![name]!.length);
    assertEquals(kept, before![name]);
  },
);

for (
  const [kind, options, tensors] of [
    ["DoRA", { use_dora: true }, "lora_magnitude_vector"],
    ["DoRA with dropout", { use_dora: true, lora_dropout: 0.2 }, "lora_B"],
    ["norms and embeddings in full", {
      lora_modules_to_save: ["norm", "embed_tokens"],
    }, "embed_tokens.weight"],
    ["a head of its own", { lora_modules_to_save: ["lm_head"] }, "lm_head"],
    ["rsLoRA in one block by an expression", {
      ...{ use_rslora: true, lora_layers_to_transform: [1] },
      lora_target_modules: ".*\\.(q|v)_proj",
    }, "layers.1.self_attn.v_proj.lora_A"],
    ["ranks and scales by pattern", {
      lora_rank_pattern: { q_proj: 2 },
      lora_alpha_pattern: { "layers.0.mlp.down_proj": 3 },
      lora_exclude_modules: ["o_proj"],
    }, "q_proj"],
    ["PiSSA", { init_lora_weights: "pissa" }, "q_proj"],
    ["LoRA+ from normal numbers", {
      ...{ init_lora_weights: "gaussian", loraplus_lr_ratio: 4 },
    }, "q_proj"],
  ] as const
) {
  await runTest(
    `runTraining() starts ${kind} at its base and saves what loads with the same log-probabilities`,
    async (scene) => {
      const { rows } = await scene.train("run", {
        ...{ ...LORA, ...options, max_steps: 3, seed: 7 },
        ...{ eval_strategy: "steps", eval_steps: 3 },
        eval_dataset: scene.path("pairs.jsonl"),
      });
      if (!("lora_dropout" in options)) assertIsStart(rows[0]!);
      const { names, model } = await adapterOf(scene, "run");
      assert(names.some((name) => name.includes(tensors)), names.join());
      const last = rows.at(-1)!;
      const { chosen, rejected } = await meanLogps(scene, model);
      assert(Math.abs(chosen - last["eval_logps/chosen"]!) < 2e-4);
      assert(Math.abs(rejected - last["eval_logps/rejected"]!) < 2e-4);
      assert(last["eval_rewards/margins"]! > 0.01, JSON.stringify(last));
    },
  );
}

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
      ...{ trainer: "sft", model_name_or_path: bare, init_from_config: true },
      ...{
        dataset: scene.path("texts.jsonl"),
        max_steps: 10,
        learning_rate: 1e-2,
      },
    });
    // 600 tokens: a random model starts near ln 600 = 6.4 nats
    assert(Math.abs(rows[0]!["loss"]! - Math.log(600)) < 0.3);
    assert(rows.at(-1)!["loss"]! < 4, JSON.stringify(rows.at(-1)));
    assertEquals(Object.keys(rows[0]!).sort(), [
      ...["entropy", "epoch", "grad_norm", "learning_rate", "loss"],
      ...["mean_token_accuracy", "num_tokens", "step"],
    ]);
    const model = await load(scene.device, scene.path("run"));
    assertEquals(model.config.hidden_size, 32);
  },
);
