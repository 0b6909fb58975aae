/** What a whole run tells and leaves behind. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { basename } from "@std/path";
import { curvesFile } from "../../../src/report/curves_file.ts";
import type { Metrics } from "../../../src/training/method/metrics.ts";
import type { RunResult, RunStart } from "../../../src/training/run/sink.ts";
import {
  LORA,
  PAIRS,
  readMetrics,
  runTest,
  type Scene,
  writeRows,
} from "./run_scene.ts";

const NAMES = [
  "loss",
  "rewards/chosen",
  "rewards/rejected",
  "rewards/accuracies",
  "rewards/margins",
  "logps/chosen",
  "logps/rejected",
  "logits/chosen",
  "logits/rejected",
  "entropy",
  "mean_token_accuracy",
  "num_tokens",
];
const TRAIN_NAMES = ["step", "epoch", "grad_norm", "learning_rate", ...NAMES];
const EVAL_NAMES = ["step", "epoch", ...NAMES.map((name) => `eval_${name}`)];

const isEvaluation = (row: Metrics) => "eval_loss" in row;

async function trainWithEverything(scene: Scene) {
  const told = {
    starts: [] as RunStart[],
    rows: [] as Metrics[],
    saved: [] as string[],
    ends: [] as RunResult[],
    steps: 0,
  };
  const result = await scene.train("run", {
    max_steps: 4,
    eval_dataset: scene.path("pairs.jsonl"),
    eval_strategy: "steps",
    eval_steps: 2,
    save_strategy: "steps",
    save_steps: 1,
    save_total_limit: 2,
  }, {
    onProgress: (stage) => void (stage === "train" && told.steps++),
    sinks: [curvesFile(scene.path("run")), {
      open: (start) => void told.starts.push(start),
      row: (row) => void told.rows.push(row),
      saved: (path) => void told.saved.push(basename(path)),
      end: ({ describe: _, ...end }) => void told.ends.push(end),
    }],
  });
  return { told, result };
}

await runTest(
  "runTraining() logs TRL's names, evaluates, draws, and keeps the last checkpoints",
  async (scene) => {
    const { told, result } = await trainWithEverything(scene);
    const rows = readMetrics(scene.path("run"));
    assertEquals(rows, [...result.rows]);
    assertEquals(rows, told.rows);
    assertEquals(
      rows.map((row) => [row["step"], isEvaluation(row)]),
      [[1, false], [2, false], [2, true], [3, false], [4, false], [4, true]],
    );
    for (const row of rows) {
      const names = isEvaluation(row) ? EVAL_NAMES : TRAIN_NAMES;
      assertEquals(Object.keys(row).sort(), names.toSorted());
    }
    // 6 pairs, 2 a step: three steps an epoch
    assertEquals(
      rows.map(({ epoch }) => epoch),
      [1, 2, 2, 3, 4, 4].map((n) => n / 3),
    );
    assertEquals(told.steps, 4);
    const kept = [...Deno.readDirSync(scene.path("run"))].map((e) => e.name)
      .filter((name) => name.startsWith("checkpoint-"));
    assertEquals(kept.sort(), ["checkpoint-3", "checkpoint-4"]);
    assertEquals(told.saved, [1, 2, 3, 4].map((n) => `checkpoint-${n}`));
    assertEquals(told.ends, [result]);
    const svg = Deno.readTextFileSync(scene.path("run", "curves.svg"));
    assert(svg.includes(scene.path("run")));
    const saved = JSON.parse(
      Deno.readTextFileSync(scene.path("run", "options.json")),
    );
    assertEquals([saved.learning_rate, saved.beta, saved.max_steps], [
      1e-3,
      0.1,
      4,
    ]);
  },
);

await runTest(
  "runTraining() starts at margin 0 and loss ln 2, and learns",
  async (scene) => {
    const { told, result } = await trainWithEverything(scene);
    const [start] = told.starts;
    assertAlmostEquals(start!.startingLoss!, Math.LN2, 1e-5);
    // config.json's sizes: embedding, 2 layers of 4 + 3 matrices, 3 biases and 2 norms, the last
    // norm; the head is tied
    const layer = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 144 * 64 + 64 + 32 + 32 +
      2 * 64;
    assertEquals(start!.trainableParameters, 600 * 64 + 2 * layer + 64);
    const [first, ...later] = result.rows;
    assertAlmostEquals(first!["loss"]!, Math.LN2, 1e-5);
    assertAlmostEquals(first!["rewards/margins"]!, 0, 1e-5);
    assertEquals(first!["rewards/accuracies"], 0);
    assert(later.filter(isEvaluation).every((row) => row["eval_loss"]! < 0.69));
    // cosine from 1e-3 over 4 steps: the rate of step n is 5e-4 (1 + cos(pi (n - 1) / 4))
    assertEquals(first!["learning_rate"], 1e-3);
    assertAlmostEquals(later[1]!["eval_rewards/accuracies"]!, 1, 0.5);
    const third = result.rows.find((row) => row["step"] === 3);
    assertAlmostEquals(third!["learning_rate"]!, 5e-4, 1e-12);
  },
);

for (
  const [kind, recipe] of [
    ["all weights", { learning_rate: 5e-3 }],
    ["LoRA", { ...LORA, learning_rate: 2e-2 }],
  ] as const
) {
  await runTest(
    `runTraining() overfits one pair below a loss of 0.05: ${kind}`,
    async (scene) => {
      writeRows(scene.path("one.jsonl"), PAIRS.slice(0, 1));
      const { rows } = await scene.train("run", {
        ...recipe,
        dataset: scene.path("one.jsonl"),
        gradient_accumulation_steps: 1,
        beta: 0.5,
        max_steps: 12,
      });
      const losses = rows.map((row) => row["loss"]!);
      assert(losses.at(-1)! < 0.05, losses.join(" "));
      assertEquals(rows.at(-1)!["rewards/accuracies"], 1);
    },
    { kinds: ["cpu", "gpu"] },
  );
}

await runTest(
  "runTraining() keeps rows of a bare file from training to evaluate on them",
  async (scene) => {
    let kept: (number | undefined)[] = [];
    await scene.train("run", {
      max_steps: 1,
      eval_strategy: "epoch",
      max_eval_samples: 2,
    }, {
      sinks: [{
        loaded(train, evaluation) {
          kept = [train.kept, evaluation?.kept];
        },
      }],
    });
    assertEquals(kept, [4, 2]);
  },
);

await runTest(
  "runTraining() tells once that a run is wrecked, at its row and in its result",
  async (scene) => {
    const told: number[] = [];
    const { wreck } = await scene.train("run", {
      max_steps: 6,
      learning_rate: 3,
      lr_scheduler_type: "constant",
      max_grad_norm: 0,
    }, { sinks: [{ wrecked: ({ step }) => void told.push(step) }] });
    assertEquals(told, [wreck!.first.step]);
    const sound = await scene.train("sound", { max_steps: 2 });
    assertEquals(sound.wreck, undefined);
  },
);

await runTest(
  "runTraining() asks the reference of the rows alone that its steps meet",
  async (scene) => {
    const recipe = { lr_scheduler_type: "constant" };
    const totals: number[] = [];
    const onProgress = (stage: string, _: number, total: number) =>
      void (stage === "reference" && totals.push(total));
    const short = await scene.train("short", { ...recipe, max_steps: 1 }, {
      onProgress,
    });
    // a step of two rows, and the first row, on which the start is checked
    assert(totals.every((total) => total <= 3), `${totals}`);
    const long = await scene.train("long", { ...recipe, max_steps: 3 });
    assertEquals(short.rows[0], { ...long.rows[0]! });
  },
);
