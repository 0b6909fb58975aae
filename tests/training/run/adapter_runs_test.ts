/**
 * Runs with adapters of every make, and with part of a model's own weights: how they start and what
 * they leave.
 */
import { assert, assertEquals } from "@std/assert";
import { openAdapterFolder } from "../../../src/files/folders/adapter_folder.ts";
import { loadAdapter } from "../../../src/model/adapter/adapter.ts";
import { mergeAdapter } from "../../../src/model/saving/merge.ts";
import { readAdapterConfig } from "../../../src/model/adapter/adapter_config.ts";
import { listenToNotes } from "../../../src/base/notes.ts";
import {
  LORA,
  MODEL,
  readNumbers,
  type Recipe,
  runTest,
  type Scene,
  TOKENIZER,
} from "./run_scene.ts";
import { load, meanLogps } from "../checkpoint/saved_scene.ts";

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
  "runTraining() keeps the adapter below where the one on top has modules in full",
  async (scene) => {
    await scene.train("first", { ...LORA, max_steps: 2 });
    const again = { ...LORA, adapter_name_or_path: scene.path("first") };
    const onTop = { create_new_adapter: true, lora_modules_to_save: ["norm"] };
    const [below, above] = [
      await scene.train("below", { ...again, max_steps: 1 }),
      await scene.train("above", { ...again, ...onTop, max_steps: 1 }),
    ].map(({ rows }) => rows[0]!["logps/chosen"]!);
    assert(Math.abs(above! - below!) < 1e-4, `${above}, ${below}`);
  },
);

await runTest(
  "runTraining() trains a new adapter on top of another and saves both as one",
  async (scene) => {
    const first = { ...LORA, lora_target_modules: ["q_proj", "down_proj"] };
    await scene.train("first", { ...first, max_steps: 2 });
    const { rows } = await scene.train("second", {
      ...LORA,
      lora_r: 2,
      lora_alpha: 2,
      create_new_adapter: true,
      lora_target_modules: ["q_proj", "v_proj"],
      max_steps: 3,
      adapter_name_or_path: scene.path("first"),
      eval_strategy: "steps",
      eval_steps: 3,
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
      use_rslora: true,
      lora_layers_to_transform: [1],
      lora_target_modules: ".*\\.(q|v)_proj",
    }, "layers.1.self_attn.v_proj.lora_A"],
    ["ranks and scales by pattern", {
      lora_rank_pattern: { q_proj: 2 },
      lora_alpha_pattern: { "layers.0.mlp.down_proj": 3 },
      lora_exclude_modules: ["o_proj"],
    }, "q_proj"],
    ["PiSSA", { init_lora_weights: "pissa" }, "q_proj"],
    ["LoRA+ from normal numbers", {
      init_lora_weights: "gaussian",
      loraplus_lr_ratio: 4,
    }, "q_proj"],
  ] as const
) {
  await runTest(
    `runTraining() starts ${kind} at its base and saves what loads with the same log-probabilities`,
    async (scene) => {
      const { rows } = await scene.train("run", {
        ...LORA,
        ...options,
        max_steps: 3,
        seed: 7,
        eval_strategy: "steps",
        eval_steps: 3,
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
  "runTraining() trains chosen parameters only, as it would among all",
  async (scene) => {
    const how = { optim: "sgd", max_grad_norm: 0, max_steps: 1 };
    await scene.train("all", how);
    const { rows } = await scene.train("some", {
      ...how,
      freeze_trainable_layers: 1,
      gradient_checkpointing: true,
      unfrozen_parameters: ["model.norm"],
    });
    assertIsStart(rows[0]!);
    const [before, all, some] = await Promise.all(
      [MODEL, scene.path("all"), scene.path("some")]
        .map((path) => readNumbers(`${path}/model.safetensors`)),
    );
    assertEquals(Object.keys(some!).sort(), Object.keys(before!).sort());
    let moved = 0;
    for (const [name, values] of Object.entries(some!)) {
      const isTrained = /^model\.(layers\.1|norm)\./.test(name);
      const want = (isTrained ? all : before)![name]!;
      const gap = values.reduce(
        (most, x, i) => Math.max(most, Math.abs(x - want[i]!)),
        0,
      );
      assert(gap <= (isTrained ? 1e-6 : 0), `${name} is ${gap} away`);
      if (isTrained && values.some((x, i) => x !== before![name]![i])) moved++;
    }
    assert(moved > 5, `${moved} tensors moved`);
  },
);

for (
  const [kind, options] of [
    ["DoRA with dropout and norms in full", {
      use_dora: true,
      lora_dropout: 0.2,
      lora_modules_to_save: ["norm"],
    }],
    ["PiSSA", { init_lora_weights: "pissa" }],
  ] as const
) {
  await runTest(
    `runTraining() resumes ${kind} bit for bit, and goes on from it as its own reference`,
    async (scene) => {
      const how = {
        ...LORA,
        ...options,
        save_strategy: "steps",
        save_steps: 1,
      };
      // recomputed blocks give the same bits too
      const recomputed = { ...how, gradient_checkpointing: true };
      await scene.train("whole", { ...recomputed, max_steps: 2 });
      await scene.train("part", { ...how, max_steps: 2 });
      await Deno.remove(scene.path("part", "adapter_model.safetensors"));
      await scene.train("part", {
        ...how,
        max_steps: 2,
        resume_from_checkpoint: scene.path("part", "checkpoint-1"),
      });
      const [whole, part] = await Promise.all(
        ["whole", "part"].map((run) =>
          readNumbers(scene.path(run, "adapter_model.safetensors"))
        ),
      );
      assertEquals(part, whole);
      const { rows } = await scene.train("further", {
        ...LORA,
        max_steps: 1,
        adapter_name_or_path: scene.path("part"),
      });
      if (!("lora_dropout" in options)) assertIsStart(rows[0]!);
    },
  );
}

await runTest(
  "mergeAdapter() unties embedding and head where one of them was trained by itself",
  async (scene) => {
    await scene.train("run", {
      ...LORA,
      max_steps: 2,
      lora_target_modules: ["q_proj"],
      lora_modules_to_save: ["embed_tokens", "layers.1.mlp.up_proj"],
    });
    const { difference, bound } = await mergeAdapter(scene.device, {
      model_name_or_path: MODEL,
      adapter_name_or_path: scene.path("run"),
      output_dir: scene.path("merged"),
      overwrite_output_dir: false,
    });
    assert(difference <= bound, `${difference} of ${bound}`);
    const config = JSON.parse(
      Deno.readTextFileSync(scene.path("merged", "config.json")),
    );
    assertEquals(config.tie_word_embeddings, false);
    const [base, merged, own] = await Promise.all(
      [
        `${MODEL}/model.safetensors`,
        scene.path("merged", "model.safetensors"),
        scene.path("run", "adapter_model.safetensors"),
      ].map(readNumbers),
    );
    const embedding = "model.embed_tokens.weight";
    assertEquals(merged!["lm_head.weight"], base![embedding]);
    assertEquals(merged![embedding], own![`base_model.model.${embedding}`]);
    const up = "model.layers.1.mlp.up_proj.weight";
    assertEquals(merged![up], own![`base_model.model.${up}`]);
  },
);

await runTest(
  "runTraining() goes on from an adapter with its tokenizer and template, and tells of another base",
  async (scene) => {
    const first = {
      ...LORA,
      max_steps: 1,
      tokenizer_name_or_path: TOKENIZER,
      chat_template: "{% for m in messages %}{{ m.content }};{% endfor %}",
    };
    await scene.train("first", first);
    const notes: string[] = [];
    using _listening = listenToNotes((note) => notes.push(note));
    const further = (run: string, recipe: Recipe = {}) =>
      scene.train(run, {
        ...LORA,
        max_steps: 1,
        adapter_name_or_path: scene.path("first"),
        ...recipe,
      });
    await further("second");
    for (const name of ["tokenizer.json", "chat_template.jinja"]) {
      assertEquals(
        Deno.readTextFileSync(scene.path("second", name)),
        Deno.readTextFileSync(scene.path("first", name)),
      );
    }
    const config = scene.path("first", "adapter_config.json");
    const json = JSON.parse(Deno.readTextFileSync(config));
    const other = scene.path("elsewhere");
    const renamed = { ...json, base_model_name_or_path: other };
    Deno.writeTextFileSync(config, JSON.stringify(renamed));
    const isTold = (note: string) =>
      note ===
        `"${
          scene.path("first")
        }" was trained on "${other}", and is used with "${MODEL}" as its base`;
    assert(!notes.some(isTold), notes.join("\n"));
    await further("third");
    assert(notes.some(isTold), notes.join("\n"));
  },
);
