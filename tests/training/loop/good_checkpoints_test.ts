/** A run that goes wrong keeps its last good checkpoint; one that does not, keeps its limit. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  afterSave,
  afterTaken,
  type GoodCheckpoints,
  goodSteps,
  NONE_GOOD,
} from "../../../src/training/loop/good_checkpoints.ts";
import {
  LORA,
  PAIRS,
  type Recipe,
  runTest,
  type Scene,
  writeRows,
} from "../run/run_scene.ts";
import { test } from "../../test_case.ts";

/** Takes steps with these losses, and saves after each; as a resume has it, by way of JSON. */
function saveAfterEach(losses: readonly number[]): GoodCheckpoints {
  let good: GoodCheckpoints = NONE_GOOD;
  losses.forEach((loss, i) => {
    good = JSON.parse(JSON.stringify(afterSave(afterTaken(good, loss), i + 1)));
  });
  return good;
}

test("goodSteps() has the last checkpoint after a sound step, and the last one proven by a step", () => {
  assertEquals(goodSteps(NONE_GOOD, false), []);
  assertEquals(goodSteps(saveAfterEach([0.7, 0.6]), false), [2, 1]);
  // the last step of a run leaves no step to prove it
  assertEquals(goodSteps(saveAfterEach([0.7, 0.6]), true), [2]);
  // 2.2 is above 3 times 0.7: step 3 tells that the weights of checkpoint 2 are bad
  const risen = saveAfterEach([0.7, 0.6, 2.2, 2.3]);
  assertEquals(goodSteps(risen, false), [2, 1]);
  assertEquals(goodSteps(risen, true), [2, 1]);
  assertEquals(goodSteps(saveAfterEach([0.7, 2.2, 2.3, 0.6, 0.5]), true), [5]);
});

test("afterTaken() compares with the loss before the first step where it is known", () => {
  const start = { ...NONE_GOOD, first_loss: 0.1 };
  assertEquals(afterTaken(start, 0.31).is_sound, false);
  assertEquals(afterTaken(start, 0.29).is_sound, true);
  assertEquals(afterTaken(NONE_GOOD, 0.31).first_loss, 0.31);
});

const checkpoints = ({ path }: Scene): string[] =>
  [...Deno.readDirSync(path("run"))].map(({ name }) => name)
    .filter((name) => name.startsWith("checkpoint-")).sort();

const SAVING: Recipe = {
  ...LORA,
  lr_scheduler_type: "constant",
  save_strategy: "steps",
  save_total_limit: 1,
};

/** The first step at this rate is fine, and ruins the weights for all that follow. */
const RUINING: Recipe = {
  learning_rate: 1e30,
  max_grad_norm: 0,
  resume_from_checkpoint: true,
  resume_with_changes: true,
  max_steps: 12,
};

for (const save_steps of [1, 2, 3]) {
  await runTest(
    `runTraining() that diverges keeps its last good checkpoint, saving every ${save_steps}`,
    async (scene) => {
      await scene.train("run", { ...SAVING, max_steps: 4, save_steps: 4 });
      assertEquals(checkpoints(scene), ["checkpoint-4"]);
      const good = await Deno.readFile(
        scene.path("run", "checkpoint-4", "optimizer.safetensors"),
      );
      await assertRejects(
        () => scene.train("run", { ...SAVING, ...RUINING, save_steps }),
        Error,
        "steps in a row were skipped",
      );
      // step 5 was sound, and checkpoint-5 therefore stays too: nobody knew that it is ruined
      const left = save_steps === 1
        ? ["checkpoint-4", "checkpoint-5"]
        : ["checkpoint-4"];
      assertEquals(checkpoints(scene), left);
      assertEquals(
        await Deno.readFile(
          scene.path("run", "checkpoint-4", "optimizer.safetensors"),
        ),
        good,
      );
    },
  );
}

await runTest(
  "runTraining() whose loss rises and stays finite keeps the last checkpoint from before",
  async (scene) => {
    // (margin - 1 / (2 beta))^2: at first 25, and after the change of beta about 2500
    const recipe = { ...SAVING, loss_type: "ipo" };
    await scene.train("run", { ...recipe, max_steps: 4, save_steps: 4 });
    const { rows } = await scene.train("run", {
      ...recipe,
      ...RUINING,
      learning_rate: 1e-3,
      beta: 0.01,
      save_steps: 2,
    });
    const after = rows.slice(4).map(({ loss }) => loss!);
    assert(after.every((loss) => loss > 75), after.join());
    assertEquals(checkpoints(scene), ["checkpoint-12", "checkpoint-4"]);
  },
);

/** Step 2 is skipped, at which a checkpoint is due. */
function poisoned({ path }: Scene): Recipe {
  const far = { ref_chosen_logps: -1e308, ref_rejected_logps: -1e308 };
  const near = { ref_chosen_logps: -30, ref_rejected_logps: -30 };
  const rows = PAIRS.map((row, i) => ({ ...row, ...(i === 1 ? far : near) }));
  writeRows(path("poisoned.jsonl"), rows);
  return {
    ...SAVING,
    dataset: path("poisoned.jsonl"),
    gradient_accumulation_steps: 1,
    shuffle: false,
    loss_type: ["sppo_hard"],
    save_total_limit: null,
    save_steps: 2,
    max_steps: 5,
  };
}

await runTest(
  "runTraining() interrupted while steps are skipped saves after the next one that is not",
  async (scene) => {
    const recipe = poisoned(scene);
    const stop = new AbortController();
    const { step, interrupted } = await scene.train("run", recipe, {
      signal: stop.signal,
      onProgress: (stage, step) =>
        stage === "train" && step === 2 && stop.abort(),
    });
    assertEquals([step, interrupted], [3, true]);
    assertEquals(checkpoints(scene), ["checkpoint-3"]);
  },
);

await runTest(
  "runTraining() saves after the next step where one was due at a skipped one, and keeps its limit",
  async (scene) => {
    const recipe = poisoned(scene);
    await scene.train("run", recipe);
    assertEquals(checkpoints(scene), ["checkpoint-3", "checkpoint-4"]);
    await scene.train("run", {
      ...recipe,
      save_total_limit: 1,
      overwrite_output_dir: true,
    });
    assertEquals(checkpoints(scene), ["checkpoint-4"]);
    const good = JSON.parse(
      await Deno.readTextFile(
        scene.path("run", "checkpoint-4", "good_checkpoints.json"),
      ),
    );
    assert(good.first_loss > 0 && good.is_sound, JSON.stringify(good));
    assertEquals([good.saved, good.proven, good.untried], [4, 3, 4]);
  },
);
