/** Whatever writes a folder or a file is kept out while another program writes there. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Device } from "../../kernels/device/device.ts";
import { kernelsSchema } from "../../kernels/kernels_options.ts";
import { type Given, readOptions } from "../../src/base/read_options.ts";
import type { OptionGroups, Schema, ValuesOf } from "../../src/base/schema.ts";
import { exportGguf } from "../../src/commands/export_gguf.ts";
import { writeKernels } from "../../src/commands/kernels.ts";
import { predict } from "../../src/commands/predict.ts";
import { randomModel } from "../../src/commands/random_model.ts";
import { lockFolder, lockOutput } from "../../src/files/disk/lock.ts";
import { predictSchema } from "../../src/generation/predict_options.ts";
import { exportGgufSchema } from "../../src/model/gguf/export_gguf_options.ts";
import { randomModelSchema } from "../../src/model/opening/random_model_options.ts";
import { scoreFile } from "../../src/scoring/score_file.ts";
import { scoreSchema } from "../../src/scoring/score_options.ts";
import { trainSchema } from "../../src/training/options/train_schema.ts";
import { runTraining } from "../../src/training/run/run.ts";
import { OPTIONS, project } from "../tasks/small_project.ts";
import { test } from "../test_case.ts";

/** Whoever is refused has not come so far as to use it. */
const NO_DEVICE = {} as Device;

/** A command that reads its options from what is given. */
function of<G extends OptionGroups>(
  schema: Schema<G>,
  run: (options: ValuesOf<G>) => Promise<unknown>,
): (given: Given) => Promise<unknown> {
  return async (given) => await run(readOptions(schema, [given]).options);
}

const train = of(trainSchema, (options) => runTraining(NO_DEVICE, options));
const RUN = { model_name_or_path: "model", dataset: "pairs.jsonl" };
const FOLDERS = {
  "a new run": [train, RUN, "output_dir"],
  "a run that goes on": [
    train,
    { ...RUN, resume_from_checkpoint: true },
    "output_dir",
  ],
  "a run that overwrites": [
    train,
    { ...RUN, overwrite_output_dir: true },
    "output_dir",
  ],
  "random-model": [
    of(randomModelSchema, randomModel),
    { config: "model/config.json" },
    "output_dir",
  ],
  kernels: [of(kernelsSchema, writeKernels), {}, "out"],
} as const;
const SCORE = { model_name_or_path: "model", input: "pairs.jsonl" };
const score = of(scoreSchema, (options) => scoreFile(NO_DEVICE, options));
const OUTPUTS = {
  predict: [
    of(predictSchema, predict),
    { model_name_or_path: "model", input: "pairs.jsonl" },
    "output",
  ],
  score: [score, SCORE, "output"],
  "score --logits": [score, { ...SCORE, output: "scores.jsonl" }, "logits"],
  "export-gguf": [
    of(exportGgufSchema, (options) => exportGguf(options)),
    { model_name_or_path: "model" },
    "output",
  ],
} as const;

for (
  const [rows, lock, place] of [
    [FOLDERS, lockFolder, "taken"],
    [OUTPUTS, lockOutput, "taken.gguf"],
  ] as const
) {
  for (const [name, [run, given, option]] of Object.entries(rows)) {
    test(
      `${name} is kept out while another program writes there`,
      OPTIONS,
      async () => {
        await using folder = await project();
        const paths = Object.fromEntries(
          Object.entries(given).map(([key, value]) => [
            key,
            typeof value === "string" ? folder.file(value) : value,
          ]),
        );
        const taken = folder.file(place);
        await using _other = await lock(taken);
        await assertRejects(
          () => run({ ...paths, [option]: taken }),
          Error,
          `Cannot write to "${taken}": process ${Deno.pid}`,
        );
        const left = [...Deno.readDirSync(folder.path)]
          .filter(({ name }) => /taken|scores/.test(name));
        assertEquals(left.length, 1); // what holds the lock
      },
    );
  }
}
