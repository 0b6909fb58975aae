/**
 * What of a LLaMA-Factory recipe changes what is trained and is not served stops it by name; its
 * losses, its datasets and its defaults come over as its own code has them.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { load, reasons } from "./import_scene.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const HEAD = "model_name_or_path: m\noutput_dir: output/x\n";
const SFT = `${HEAD}stage: sft\ndataset: a\n`;
const DPO = `${HEAD}stage: dpo\ndataset: a\n`;

const infos = (entries: Record<string, unknown>) => ({
  "data/dataset_info.json": { a: { file_name: "a.json" }, ...entries },
});

test({
  ...pure,
  name:
    "importRecipe() refuses what changes LLaMA-Factory's model, loss or tokens",
  async fn() {
    const lines = [
      "new_special_tokens: <|a|>",
      "add_special_tokens: <|a|>",
      "split_special_tokens: true",
      "rope_scaling: yarn",
      "shift_attn: true",
      "fp8: true",
      "preserve_thinking: true",
      "kt_use_lora_experts: true",
      "use_muon: true",
      "mix_strategy: interleave_once",
      "dataset_dir: REMOTE:owner/rows",
      "quantization_method: hqq",
    ];
    for (const line of lines) {
      const [key = ""] = line.split(":");
      const { refusals } = await load(`${SFT}${line}\n`);
      assertEquals(refusals.map((one) => one.key), [key], line);
    }
    const parts = await load(`${SFT}use_galore: true\ngalore_rank: 8\n`);
    assertEquals(parts.refusals.map(({ key }) => key), [
      "use_galore",
      "galore_rank",
    ]);
    const off = await load(
      `${SFT}use_galore: false\ngalore_rank: 8\n`,
      infos({}),
    );
    assertEquals([off.problem, reasons(off)], [undefined, {
      galore_rank: "it matters with use_galore only",
    }]);
    const frozen = await load(
      `${SFT}finetuning_type: freeze\nfreeze_trainable_modules: self_attn\n`,
    );
    assertEquals(frozen.refusals.length, 1);
  },
});

test({
  ...pure,
  name: "importRecipe() weighs LLaMA-Factory's losses as its trainer does",
  async fn() {
    const loss = async (lines: string) => {
      const { options } = await load(`${DPO}${lines}`);
      return [options.loss_type, options.loss_weights];
    };
    // the losses of pairs are divided by 1 + pref_bco_weight, that of the chosen answer is not
    assertEquals(await loss("pref_bco_weight: 0.25\npref_ftx: 0.5\n"), [
      ["sigmoid", "sft", "bco_pair"],
      [0.8, 0.5, 0.2],
    ]);
    assertEquals(await loss("pref_loss: hinge\npref_ftx: 0.5\n"), [
      ["hinge", "sft"],
      [1, 0.5],
    ]);
    assertEquals(await loss("pref_loss: ipo\npref_ftx: 0\n"), [
      ["ipo"],
      undefined,
    ]);
    for (const lines of ["pref_loss: orpo\n", "pref_loss: simpo\n"]) {
      const { refusals } = await load(`${DPO}${lines}pref_ftx: 0.1\n`);
      assertEquals(refusals.map(({ key }) => key), ["pref_ftx"], lines);
    }
    const kto = await load(`${HEAD}stage: kto\ndataset: a\npref_ftx: 0.1\n`);
    assertEquals(kto.refusals.map(({ key }) => key), ["pref_ftx"]);
    const sft = await load(`${SFT}pref_loss: odd\npref_beta: 0.2\n`);
    assertEquals([sft.problem, sft.options.beta], [undefined, undefined]);
  },
});

test({
  ...pure,
  name:
    "importRecipe() trains the tokens that LLaMA-Factory trains, and generates none",
  async fn() {
    const trained = async (lines: string) => {
      const { options } = await load(`${SFT}${lines}`);
      return [options.completion_only_loss, options.assistant_only_loss];
    };
    assertEquals(await trained("train_on_prompt: true\n"), [false, false]);
    assertEquals(await trained("train_on_prompt: false\n"), [undefined, true]);
    assertEquals(await trained("mask_history: true\n"), [undefined, false]);
    const generated = await load(
      `${SFT}cutoff_len: 700\nmax_length: 90\ntemperature: 0.2\n`,
    );
    assertEquals(generated.options.max_length, 700);
    assertStringIncludes(reasons(generated)["max_length"]!, "predict");
    const { options } = await load(`${SFT}eval_steps: 5\n`);
    assertEquals([options.eval_strategy, options.router_aux_loss_coef], [
      "no",
      0,
    ]);
    const kept = await load(`${SFT}val_size: 0.1\n`);
    assertEquals(kept.options.eval_strategy, "epoch");
    assertStringIncludes(reasons(kept)["val_size"]!, "kept from training");
    const saved = await load(
      "model_name_or_path: m\nstage: sft\noutput_dir: saves/mine/lora/sft\n",
    );
    assertEquals(saved.options.output_dir, "output/mine/lora/sft");
    assertEquals("output_dir" in reasons(saved), true);
  },
});

test({
  ...pure,
  name:
    "importRecipe() reads LLaMA-Factory's datasets to evaluate on and parts of datasets",
  async fn() {
    const files = infos({
      b: { file_name: "b.json", split: "train[:10%]" },
      c: { hf_hub_url: "owner/c", num_samples: 30 },
      seen: { file_name: "s.json", columns: { images: "pics" } },
      odd: { file_name: "o.json", formatting: "other", mystery: 1 },
    });
    const both = await load(
      `${SFT}max_samples: 20\neval_dataset: c, a\n`,
      files,
    );
    assertEquals(both.options.dataset_mixture, {
      datasets: [{ id: "data/a.json", split: "train[:20]" }],
      eval_datasets: [
        { id: "owner/c", split: "train[:20]" },
        { id: "data/a.json", split: "train[:20]" },
      ],
    });
    assertStringIncludes(reasons(both)["dataset c: num_samples"]!, "at random");
    const one = await load(
      `${HEAD}stage: sft\ndataset: b\neval_dataset: a\n`,
      files,
    );
    assertEquals([one.options.eval_dataset, one.options.dataset_mixture], [
      "data/a",
      { datasets: [{ id: "data/b.json", split: "train[:10%]" }] },
    ]);
    const texts = await load(`${HEAD}stage: pt\ndataset: a,w\n`, {
      ...infos({ w: { file_name: "w.json", columns: { prompt: "text" } } }),
    });
    assertEquals(texts.options.dataset_mixture, {
      datasets: [
        { id: "data/a.json", columns: { text: "instruction" } },
        { id: "data/w.json" },
      ],
    });
    const twice = await load(
      `${HEAD}stage: sft\ndataset: b\nmax_samples: 5\n`,
      files,
    );
    assertEquals(twice.refusals.map(({ key }) => key), ["max_samples"]);
    const wrong = await load(`${HEAD}stage: sft\ndataset: seen,odd\n`, files);
    assertEquals(wrong.refusals.map(({ key }) => key), [
      "dataset seen: columns.images",
      "dataset odd: formatting",
    ]);
    assertEquals(reasons(wrong)["dataset odd: mystery"], "not an option here");
    const hub = await load(
      `${HEAD}stage: sft\ndataset: owner/x\ndataset_dir: ONLINE\n`,
    );
    assertEquals([hub.notes, hub.options.dataset_mixture], [[], {
      datasets: [{ id: "owner/x" }],
    }]);
  },
});
