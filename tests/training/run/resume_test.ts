/** A run that is cut short and resumed ends where an uncut one does, bit for bit. */
import { CHECKPOINT_FILE } from "../../../src/files/file_names.ts";
import { listCheckpoints } from "../../../src/files/folders/checkpoints.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { RunStart } from "../../../src/training/run/sink.ts";
import {
  LORA,
  type Recipe,
  runTest,
  type Scene,
  writeRows,
} from "./run_scene.ts";

/**
 * Three steps an epoch, so step 2 is in the midst of one; the log line of step 3 has steps of both
 * halves.
 */
const COMMON: Recipe = {
  max_steps: 5,
  logging_steps: 3,
  warmup_steps: 2,
  weight_decay: 0.1,
};

type Kinds = Readonly<Record<string, { file: string; recipe: Recipe }>>;

const KINDS: Kinds = {
  "all weights": { file: "model.safetensors", recipe: COMMON },
  "LoRA with dropout": {
    file: "adapter_model.safetensors",
    recipe: { ...COMMON, ...LORA, lora_dropout: 0.3 },
  },
  "LoRA with dropout and noise on embeddings": {
    file: "adapter_model.safetensors",
    recipe: { ...COMMON, ...LORA, lora_dropout: 0.3, neftune_noise_alpha: 5 },
  },
  "LoRA, its reference moved in step 2": {
    file: "adapter_model.safetensors",
    recipe: {
      ...COMMON,
      ...LORA,
      warmup_steps: 0,
      sync_ref_model: true,
      ref_model_sync_steps: 2,
    },
  },
};

const OPTIMIZERS: Kinds = Object.fromEntries(
  [
    { optim: "adamw_8bit" },
    { optim: "adafactor" },
    { optim: "lion_32bit", learning_rate: 1e-4 },
    { optim: "rmsprop", optim_args: { momentum: 0.9 } },
    { optim: "adagrad" },
    { optim: "muon" },
  ].map((recipe) => [
    recipe.optim,
    { file: "model.safetensors", recipe: { ...COMMON, ...recipe } },
  ]),
);

/** Weights, moments, step and log of a run that ended. */
async function assertSameEnd(
  { path }: Scene,
  runs: readonly [string, string],
  file: string,
): Promise<void> {
  const names = [
    "metrics.jsonl",
    file,
    `checkpoint-5/${CHECKPOINT_FILE.optimizer}`,
    `checkpoint-5/${CHECKPOINT_FILE.state}`,
    `checkpoint-5/${file}`,
  ];
  for (const name of names) {
    const [want, got] = await Promise.all(
      runs.map((run) => Deno.readFile(path(run, name))),
    );
    assert(
      want!.length === got!.length &&
        want!.every((byte, i) => byte === got![i]),
      `${name} differs`,
    );
  }
}

await runTest(
  "runTraining() ends before the first step if it is interrupted while it loads",
  async (scene) => {
    const stop = new AbortController();
    const stages: string[] = [];
    await assertRejects(
      () =>
        scene.train("cut", Object.values(KINDS)[0]!.recipe, {
          signal: stop.signal,
          onProgress(stage) {
            stages.push(stage);
            stop.abort(new Error("interrupted"));
          },
        }),
      Error,
      "interrupted",
    );
    assertEquals(new Set(stages), new Set(["load"]));
  },
);

for (
  const [kind, { file, recipe }] of Object.entries({ ...KINDS, ...OPTIMIZERS })
) {
  await runTest(
    `runTraining() interrupted by a signal and resumed ends as if it was not: ${kind}`,
    async (scene) => {
      const whole = { ...recipe, save_strategy: "steps", save_steps: 5 };
      await scene.train("whole", whole);
      const stop = new AbortController();
      const cut = await scene.train("cut", whole, {
        signal: stop.signal,
        onProgress: (stage, step) =>
          stage === "train" && step === 2 && stop.abort(),
      });
      assertEquals([cut.step, cut.interrupted], [2, true]);
      const names = [...Deno.readDirSync(scene.path("cut"))].map((e) => e.name);
      assert(names.includes("checkpoint-2"));
      assert(
        !names.includes(file),
        "an unfinished run leaves no final weights",
      );
      const end = await scene.train("cut", {
        ...whole,
        resume_from_checkpoint: true,
      });
      assertEquals([end.step, end.interrupted], [5, false]);
      await assertSameEnd(scene, ["whole", "cut"], file);
    },
  );
}

for (const [kind, { file, recipe }] of Object.entries(KINDS)) {
  await runTest(
    `runTraining() killed after a checkpoint takes the steps since again: ${kind}`,
    async (scene) => {
      const saving = { ...recipe, save_strategy: "steps", save_steps: 5 };
      await scene.train("whole", saving);
      // checkpoints 2 and 4 are there, step 5 and the end are not; the log ends in half a line
      await scene.train("killed", {
        ...recipe,
        save_strategy: "steps",
        save_steps: 2,
      });
      const folder = scene.path("killed");
      for (const name of [file, "checkpoint-4"]) {
        Deno.removeSync(`${folder}/${name}`, { recursive: true });
      }
      Deno.writeTextFileSync(`${folder}/metrics.jsonl`, '{"step":5,"lo', {
        append: true,
      });
      const starts: RunStart[] = [];
      await scene.train("killed", {
        ...recipe,
        save_strategy: "steps",
        save_steps: 5,
        resume_from_checkpoint: true,
      }, { sinks: [{ open: (start) => void starts.push(start) }] });
      assertEquals(starts.map(({ doneSteps }) => doneSteps), [2]);
      await assertSameEnd(scene, ["whole", "killed"], file);
    },
  );
}

await runTest(
  "runTraining() twice gives the same bytes, whatever folder it writes",
  async (scene) => {
    const recipe = {
      ...COMMON,
      ...LORA,
      lora_dropout: 0.3,
      save_strategy: "steps",
      save_steps: 5,
    };
    await scene.train("one", recipe);
    await scene.train("two", recipe);
    await assertSameEnd(scene, ["one", "two"], "adapter_model.safetensors");
  },
  { kinds: ["cpu", "gpu"] },
);

await runTest(
  "runTraining() takes another order of rows for another seed",
  async (scene) => {
    const first = await scene.train("one", { max_steps: 1, seed: 1 });
    const second = await scene.train("two", { max_steps: 1, seed: 2 });
    assert(first.rows[0]!["logps/chosen"] !== second.rows[0]!["logps/chosen"]);
  },
);

await runTest(
  "runTraining() refuses to resume what is not there or does not fit",
  async (scene) => {
    await assertRejects(
      () => scene.train("none", { ...COMMON, resume_from_checkpoint: true }),
      Deno.errors.NotFound,
      "it has no checkpoint-<step> folder",
    );
    const saving = { ...COMMON, max_steps: 4, save_strategy: "epoch" };
    await scene.train("lora", { ...saving, ...LORA });
    const { message } = await assertRejects(
      () =>
        scene.train("other", {
          ...saving,
          ...LORA,
          lora_r: 2,
          resume_with_changes: true,
          resume_from_checkpoint: scene.path("lora", "checkpoint-3"),
        }),
      TypeError,
      "Cannot resume from",
    );
    assert(
      message.includes('lora_A.weight" has shape [4, 64], expected [2, 64]'),
    );
    assert(
      message.includes('lora_B.weight" has shape [64, 4], expected [64, 2]'),
    );
  },
);

await runTest(
  "runTraining() refuses the folder of another run, and empties it when told to",
  async (scene) => {
    const recipe = { max_steps: 1 };
    await scene.train("run", recipe);
    await assertRejects(
      () => scene.train("run", recipe),
      TypeError,
      "it holds another run's",
    );
    writeRows(scene.path("run", "metrics.jsonl"), [{ step: 99 }]);
    const { rows } = await scene.train("run", {
      ...recipe,
      overwrite_output_dir: true,
    });
    assertEquals(rows.map(({ step }) => step), [1]);
  },
);

await runTest(
  "runTraining() counts the files of its sinks among those of a run",
  async (scene) => {
    const recipe = { max_steps: 1 };
    const sinks = [{ files: ["events.txt"] }];
    const events = scene.path("run", "events.txt");
    await Deno.mkdir(scene.path("run"));
    await Deno.writeTextFile(events, "of another run");
    await assertRejects(
      () => scene.train("run", recipe, { sinks }),
      TypeError,
      `it holds another run's "events.txt"`,
    );
    const overwrite = { ...recipe, overwrite_output_dir: true };
    await scene.train("run", overwrite, { sinks });
    await assertRejects(() => Deno.stat(events), Deno.errors.NotFound);
  },
);

/** A checkpoint after each of three steps. */
async function threeCheckpoints({ train, path }: Scene) {
  const recipe = {
    ...LORA,
    max_steps: 3,
    save_strategy: "steps",
    save_steps: 1,
  };
  await train("run", { ...recipe, save_total_limit: 3 });
  return {
    recipe,
    steps: async () =>
      (await listCheckpoints(path("run"))).map(({ step }) => step),
  };
}

await runTest(
  "a run that was killed before it removed older checkpoints removes them when it is resumed",
  async (scene) => {
    const { recipe, steps } = await threeCheckpoints(scene);
    await scene.train("run", {
      ...recipe,
      save_total_limit: 2,
      resume_from_checkpoint: true,
    });
    assertEquals(await steps(), [2, 3]);
  },
);

await runTest(
  "a run that goes on from an older checkpoint leaves the newer ones until it writes them itself",
  async (scene) => {
    const { recipe, steps } = await threeCheckpoints(scene);
    const stop = new AbortController();
    await scene.train("run", {
      ...recipe,
      save_total_limit: 1,
      resume_from_checkpoint: scene.path("run", "checkpoint-1"),
    }, {
      signal: stop.signal,
      onProgress: (stage, done) => {
        if (stage === "train" && done === 2) stop.abort();
      },
    });
    assertEquals(await steps(), [1, 2, 3]);
  },
);
