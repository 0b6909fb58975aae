/** Checkpoints of earlier versions, which have no manifest, still resume, which is told. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { listenToNotes } from "../../../src/base/notes.ts";
import { LORA, MODEL, readMetrics, runTest } from "./run_scene.ts";

/** Each holds step 2 of 4, and the rows that its version went on to; by commit. */
const FIXTURES = fromFileUrl(
  new URL("../../fixtures/checkpoints", import.meta.url),
);

for (const version of ["74c3165", "c8a75f9"]) {
  await runTest(
    `runTraining() goes on from a checkpoint of ${version}`,
    async (scene) => {
      const from = join(FIXTURES, version, "checkpoint-2");
      const to = scene.path("run", "checkpoint-2");
      await Deno.mkdir(to, { recursive: true });
      for (const { name } of Deno.readDirSync(from)) {
        await Deno.copyFile(join(from, name), join(to, name));
      }
      const options = join(to, "options.json");
      const text = await Deno.readTextFile(options);
      await Deno.writeTextFile(
        options,
        text.replace('"MODEL"', JSON.stringify(MODEL))
          .replace('"PAIRS"', JSON.stringify(scene.path("pairs.jsonl"))),
      );
      const told: string[] = [];
      using _notes = listenToNotes((line) => void told.push(line));
      const { rows } = await scene.train("run", {
        ...LORA,
        lora_r: 1,
        lora_target_modules: ["q_proj"],
        learning_rate: 1e-3,
        logging_steps: 3,
        save_strategy: "steps",
        save_steps: 2,
        max_steps: 4,
        resume_from_checkpoint: true,
      });
      assert(
        told.some((line) => line.includes("has no manifest.json")),
        told.join(),
      );
      const earlier = readMetrics(join(FIXTURES, version));
      assertEquals(rows.map(({ step }) => step), [3, 4]);
      rows.forEach(({ loss }, i) =>
        assertAlmostEquals(loss!, earlier[i]!["loss"]!, 1e-4)
      );
    },
    { read: [FIXTURES] },
  );
}
