/** Packed rows train as unpacked ones of the same step do. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { readNumbers, runTest, writeRows } from "../run/run_scene.ts";

const TEXTS = [
  "Tea, please.",
  "It is late, go home.",
  "No.",
  "Two and two are four.",
  "Of course, with pleasure.",
  "Blue.",
];

await runTest(
  "runTraining() with packing takes the steps of its rows by themselves",
  async (scene) => {
    const dataset = scene.path("texts.jsonl");
    writeRows(dataset, TEXTS.map((text) => ({ text })));
    const common = {
      trainer: "sft",
      dataset,
      dataset_mixer: null,
      max_length: 48,
      max_steps: 2,
      optim: "sgd",
      learning_rate: 0.1,
    };
    const alone = await scene.train("alone", {
      ...common,
      per_device_train_batch_size: 1,
      gradient_accumulation_steps: 6,
    });
    const reports: number[] = [];
    const packed = await scene.train("packed", {
      ...common,
      per_device_train_batch_size: 2,
      gradient_accumulation_steps: 3,
      packing: true,
    }, {
      sinks: [{ loaded: ({ packed }) => void reports.push(packed?.bins ?? 0) }],
    });
    assert(reports[0]! > 1 && reports[0]! < 6, `${reports[0]} bins`);
    assertEquals(packed.rows.length, 2);
    for (const [i, row] of alone.rows.entries()) {
      for (const name of ["loss", "grad_norm", "num_tokens"]) {
        const bound = 1e-5 * (1 + Math.abs(row[name]!));
        assertAlmostEquals(packed.rows[i]![name]!, row[name]!, bound, name);
      }
    }
    const [a, b] = await Promise.all(
      ["alone", "packed"].map((run) =>
        readNumbers(scene.path(run, "model.safetensors"))
      ),
    );
    for (const [name, values] of Object.entries(a!)) {
      const worst = Math.max(
        ...values.map((x, i) => Math.abs(x - b![name]![i]!)),
      );
      assert(worst < 1e-6, `${name} differs by ${worst}`);
    }
  },
);
