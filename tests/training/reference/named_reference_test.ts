/**
 * A reference by name: asked first, freed, kept in the cache, and refused if its tokens are not the
 * policy's.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { openDevice } from "../../../kernels/device/open_deno.ts";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { readOptions } from "../../../src/base/read_options.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { runTraining } from "../../../src/training/run/run.ts";
import {
  LORA,
  MODEL,
  type Recipe,
  runTest,
  type Scene,
  TOKENIZER,
} from "../run/run_scene.ts";
import { test } from "../../test_case.ts";

const ONE: Recipe = { ...LORA, max_steps: 1, shuffle: false };

/** A tuned model's folder, of full weights or of an adapter. */
async function tuned(scene: Scene, recipe: Recipe): Promise<string> {
  await scene.train("tuned", {
    max_steps: 2,
    learning_rate: 1e-2,
    ...recipe,
  });
  return scene.path("tuned");
}

let runs = 0;

/** What a run logs at its first step, before anything changed. */
async function firstRow(scene: Scene, recipe: Recipe) {
  const run = `run ${++runs}`;
  const { rows } = await scene.train(run, { ...ONE, ...recipe });
  return rows[0]!;
}

await runTest(
  "runTraining() takes the log-probabilities of a reference by name",
  async (scene) => {
    const other = await tuned(scene, {});
    const named = await firstRow(scene, { ref_model_name_or_path: other });
    const own = await firstRow(scene, {});
    // what the other model says of the same rows, as the policy of a run of its own
    const asPolicy = await firstRow(scene, { model_name_or_path: other });
    for (const side of ["chosen", "rejected"]) {
      const [logps, reward] = [`logps/${side}`, `rewards/${side}`] as const;
      const want = 0.1 * (own[logps]! - asPolicy[logps]!);
      assertAlmostEquals(named[reward]!, want, 1e-4);
      assert(Math.abs(want) > 1e-2, "the two models differ");
    }
  },
);

await runTest(
  "runTraining() takes an adapter on the reference, and the base in the place of a continued adapter's start",
  async (scene) => {
    // modules in full come with the adapter
    const adapter = await tuned(scene, {
      ...LORA,
      lora_modules_to_save: ["norm"],
    });
    const continued = { adapter_name_or_path: adapter };
    const named = { ref_adapter_name_or_path: adapter };
    const start = await firstRow(scene, { ...continued, ...named });
    assertAlmostEquals(start["loss"]!, Math.LN2, 1e-5);
    assertAlmostEquals(start["rewards/chosen"]!, 0, 1e-5);
    const reward = async (recipe: Recipe) =>
      (await firstRow(scene, recipe))["rewards/chosen"]!;
    const onBase = await reward({
      ...continued,
      ref_model_name_or_path: MODEL,
    });
    assert(Math.abs(onBase) > 1e-2);
    assertAlmostEquals(await reward(named), -onBase, 1e-5);
  },
);

await runTest(
  "runTraining() frees the reference before the policy, and does not read it where the cache knows it",
  async (scene) => {
    const other = await tuned(scene, {});
    const { kind } = scene.device;
    const loads: number[] = [];
    const peakOf = async (run: string, recipe: Recipe) => {
      using device = await openDevice({ kind });
      let count = 0;
      const options = scene.options(run, { ...ONE, ...recipe });
      const { peakBytes } = await runTraining(device, options, {
        cacheFolder: scene.path("cache"),
        onProgress: (stage, done) =>
          void (stage === "load" && done === 0 && count++),
      });
      loads.push(count);
      return peakBytes;
    };
    const named = { ref_model_name_or_path: other };
    const alone = await peakOf("alone", {});
    const first = await peakOf("first", named);
    await peakOf("second", named);
    assertEquals(loads, [1, 2, 1]);
    using device = await openDevice({ kind });
    const { config, weights } = await openModelFolder(MODEL);
    await loadModel(device, readModelConfig(config), weights);
    const weightBytes = device.memory.usedBytes;
    assert(first < alone + weightBytes / 2, `${first} of ${alone}`);
  },
);

await runTest(
  "runTraining() refuses a reference of another tokenizer in one line",
  async (scene) => {
    const folder = scene.path("other");
    Deno.mkdirSync(folder);
    for (const { name, isFile } of Deno.readDirSync(MODEL)) {
      if (isFile) Deno.copyFileSync(`${MODEL}/${name}`, `${folder}/${name}`);
    }
    const tokenizer = JSON.parse(
      Deno.readTextFileSync(`${TOKENIZER}/tokenizer.json`),
    );
    tokenizer.added_tokens.pop();
    Deno.writeTextFileSync(
      `${folder}/tokenizer.json`,
      JSON.stringify(tokenizer),
    );
    Deno.removeSync(`${folder}/tokenizer_config.json`);
    await assertRejects(
      () => scene.train("run", { ...ONE, ref_model_name_or_path: folder }),
      TypeError,
      `Cannot take "${folder}" as the reference: its tokenizer has 599 tokens, expected 600 as the policy's`,
    );
  },
);

test({
  name: "references that contradict each other are named",
  permissions: "none",
  fn() {
    const options = { model_name_or_path: "m", dataset: "d", output_dir: "o" };
    const read = (more: Recipe) =>
      readOptions(trainSchema, [{ ...options, ...more }]);
    const { message } = assertThrows(() =>
      read({
        sync_ref_model: true,
        ref_model: "other",
        precompute_ref_log_probs: true,
      }), Error);
    assert(message.includes('cannot go with "ref_model_name_or_path"'));
    assert(message.includes("a reference that moves cannot be computed once"));
    const { warnings } = read({ trainer: "cpo", sync_ref_model: true });
    assert(warnings.some((line) => line.includes("which has no reference")));
  },
});
