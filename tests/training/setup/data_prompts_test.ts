/** Which prompts of a run's data its models are asked. */
import { assertEquals } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { dataPrompts } from "../../../src/training/setup/data_prompts.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
};

const turn = (role: string, content: string) => ({ role, content });
const TURNS = [
  turn("user", "Hi"),
  turn("assistant", "Yes?"),
  turn("user", "A"),
];
const SPLITS = {
  "train.jsonl": [
    { prompt: "Where?", chosen: "a", rejected: "b" },
    { prompt: "Where?", chosen: "a", rejected: "c" },
    { prompt: "Who?", chosen: "a", rejected: "b" },
  ],
  "test.jsonl": [
    { prompt: "", chosen: "a", rejected: "b" },
    { nothing: "known" },
    {
      chosen: [...TURNS, turn("assistant", "good")],
      rejected: [...TURNS, turn("assistant", "bad")],
    },
  ],
};

/** The prompts of a folder with both splits. */
async function promptsOf(further: Record<string, unknown>, count = 4) {
  await using folder = await temporaryFolder();
  for (const [name, rows] of Object.entries(SPLITS)) {
    const lines = rows.map((row) => JSON.stringify(row)).join("\n");
    await folder.write(name, lines);
  }
  const own = {
    model_name_or_path: "m",
    dataset: folder.path,
    output_dir: "output/x",
  };
  const { options } = readOptions(trainSchema, [own, further]);
  return await dataPrompts(options, count);
}

test(
  "dataPrompts() takes each prompt of the training rows once",
  OPTIONS,
  async () => {
    const prompts = [{ prompt: "Where?" }, { prompt: "Who?" }];
    assertEquals(await promptsOf({ eval_strategy: "no" }), prompts);
    assertEquals(await promptsOf({ eval_strategy: "no" }, 1), [prompts[0]!]);
  },
);

test(
  "dataPrompts() prefers rows that are evaluated on, and passes over those that cannot be asked",
  OPTIONS,
  async () => {
    const evaluated = { eval_strategy: "steps", eval_steps: 1 };
    assertEquals(await promptsOf(evaluated), [{ messages: TURNS }]);
  },
);
