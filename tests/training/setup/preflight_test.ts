/** What must not be trained on, or not go on, stops a run in one line. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Device } from "../../../kernels/device/device.ts";
import { createParameter } from "../../../src/autograd/parameter.ts";
import {
  checkTrainable,
  watchWeights,
} from "../../../src/training/setup/preflight.ts";
import { ReferenceRows } from "../../../src/training/reference/reference_rows.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";
import {
  LORA,
  MODEL,
  PAIRS,
  type Recipe,
  runTest,
  type Scene,
  writeRows,
} from "../run/run_scene.ts";
import { test } from "../../test_case.ts";

test({
  name: "checkTrainable() refuses a model of which nothing is trained",
  permissions: "none",
  fn() {
    assertThrows(
      () => checkTrainable([]),
      RangeError,
      "Cannot train: 0 trainable parameters, expected at least 1",
    );
  },
});

/** A parameter of zeros. */
function zeros(device: Device, name: string, shape: readonly number[]) {
  return createParameter(device, name, device.zeros(shape));
}

await gpuTest(
  "watchWeights() sees a matrix change among many norms and halves A that stay",
  async (device) => {
    const still = Array.from({ length: 20 }, (_, i) => [
      zeros(device, `model.layers.${i}.input_layernorm.weight`, [4]),
      zeros(device, `model.layers.${i}.mlp.gate_proj.lora_A.weight`, [2, 4]),
    ]).flat();
    const moving = zeros(device, "model.layers.7.q_proj.lora_B.weight", [4, 2]);
    const check = await watchWeights({ device }, [...still, moving]);
    await assertRejects(check, Error, "the first step changed no weight");
    device.write(moving.value, Float32Array.of(1e-9));
    await check();
  },
  { kinds: ["cpu"] },
);

/** A copy of the model's folder with another config. */
function modelWith({ path }: Scene, changes: Recipe): string {
  const folder = path("model");
  Deno.mkdirSync(folder);
  for (const { name, isFile } of Deno.readDirSync(MODEL)) {
    if (isFile) Deno.copyFileSync(`${MODEL}/${name}`, `${folder}/${name}`);
  }
  const config = JSON.parse(Deno.readTextFileSync(`${MODEL}/config.json`));
  const changed = { ...config, ...changes };
  Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify(changed));
  return folder;
}

await runTest(
  "runTraining() stops when a step changed no weight",
  async (scene) => {
    for (const [run, recipe] of [["full", {}], ["lora", LORA]] as const) {
      await assertRejects(
        () => scene.train(run, { ...recipe, max_steps: 2, learning_rate: 0 }),
        Error,
        "Cannot go on training: the first step changed no weight; check learning_rate",
      );
    }
  },
);

await runTest(
  "runTraining() goes on where few weights can change at first",
  async (scene) => {
    // half A of an adapter has no gradient yet; a norm's weight near 1 cannot move by 1e-8; step 1
    // of a warm-up is at 0
    const gate = { ...LORA, lora_target_modules: ["gate_proj"] };
    const small = { learning_rate: 1e-8 };
    const warm = { learning_rate: 1e-7, warmup_steps: 10 };
    for (const [run, recipe] of Object.entries({ gate, small, warm })) {
      const end = await scene.train(run, { ...recipe, max_steps: 2 });
      assertEquals(end.step, 2, run);
    }
  },
);

await runTest(
  "runTraining() reads the reference from the cache the second time, and for no other data or weights",
  async (scene) => {
    const cacheFolder = scene.path("cache");
    const computed = async (run: string, recipe: Recipe) => {
      let known: number | undefined;
      let pairs = 0;
      await scene.train(run, { ...recipe, num_train_epochs: 1 }, {
        cacheFolder,
        onProgress(stage, done) {
          if (stage !== "reference") return;
          known ??= done;
          pairs = done - known;
        },
      });
      return pairs;
    };
    assertEquals(await computed("first", {}), 6);
    assertEquals(await computed("second", { learning_rate: 1e-4 }), 0);
    // frozen weights may be kept in another type than trained ones
    assertEquals(await computed("lora", LORA), 6);
    assertEquals(await computed("lora again", { ...LORA, lora_r: 2 }), 0);
    const another = { prompt: "a", chosen: "b", rejected: "c" };
    writeRows(scene.path("some.jsonl"), [...PAIRS.slice(1), another]);
    assertEquals(
      await computed("data", { dataset: scene.path("some.jsonl") }),
      1,
    );
    const other = { model_name_or_path: scene.path("first") };
    assertEquals(await computed("weights", other), 6);
    assertEquals(
      await computed("cut", { max_length: 40, length_policy: "keep_start" }),
      6,
    );
  },
);

await runTest(
  "runTraining() stops before the first step where policy and reference differ",
  async (scene) => {
    const cacheFolder = scene.path("cache");
    await scene.train("first", { max_steps: 1 }, { cacheFolder });
    // chosen of the first pair a nat higher than it is
    const { get } = ReferenceRows.prototype;
    let isFirst = true;
    ReferenceRows.prototype.get = function (key, count) {
      const values = get.call(this, key, count);
      if (!isFirst) return values;
      isFirst = false;
      return values?.with(0, values[0]! + 1);
    };
    using _rows = {
      [Symbol.dispose]: () => void (ReferenceRows.prototype.get = get),
    };
    const { message } = await assertRejects(
      () => scene.train("second", { max_steps: 1 }, { cacheFolder }),
      Error,
      "Cannot start training: before the first step the loss is",
    );
    assert(message.includes("on the row of line 1 policy and reference are"));
  },
);

await runTest(
  "runTraining() refuses layers, lengths and vocabularies that do not fit, in one line",
  async (scene) => {
    const refuses = async (recipe: Recipe, message: string) => {
      const error = await assertRejects(
        () => scene.train("run", { max_steps: 1, ...recipe }),
        Error,
        message,
      );
      assert(!error.message.includes("\n"));
    };
    await refuses(
      { ...LORA, lora_target_modules: ["query", "key"] },
      'target_modules "query", "key" match no linear layer, expected "all-linear" or names among q_proj,',
    );
    await refuses(
      { max_length: 3 },
      "Cannot train: no example is left",
    );
    const short = modelWith(scene, { max_position_embeddings: 16 });
    await refuses(
      { model_name_or_path: short },
      "expected at most max_position_embeddings 16; lower max_length",
    );
    Deno.removeSync(short, { recursive: true });
    await refuses(
      { model_name_or_path: modelWith(scene, { vocab_size: 512 }) },
      "the model's embedding has 512 rows and its tokenizer 600 tokens; leave the row out",
    );
  },
);
