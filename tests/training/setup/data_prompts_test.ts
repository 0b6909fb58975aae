/** Which prompts of a run's data its models are asked. */
import { assertEquals } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { basename } from "@std/path";
import { loadSplits } from "../../../src/training/setup/run_data.ts";
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
const CONTEXT = {
  tools: [{ name: "f" }],
  chat_template_kwargs: { enable_thinking: false },
};
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
      ...CONTEXT,
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
    assertEquals(await promptsOf(evaluated), [
      { messages: TURNS, ...CONTEXT },
    ]);
  },
);

test(
  "dataPrompts() and a run read every dataset to evaluate on, each with its own columns and slice",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const rows = (column: string, names: readonly string[]) =>
      names.map((name) =>
        JSON.stringify({ [column]: name, chosen: "a", rejected: "b" })
      ).join("\n");
    await folder.write("train.jsonl", rows("prompt", ["Why?"]));
    await folder.write("one.jsonl", rows("asked", ["Who?"]));
    await folder.write("two.jsonl", rows("prompt", ["When?", "Where?"]));
    const at = (name: string) => `${folder.path}/${name}.jsonl`;
    const { options } = readOptions(trainSchema, [{
      model_name_or_path: "m",
      dataset_mixture: {
        datasets: [{ id: at("train") }],
        eval_datasets: [
          { id: at("one"), columns: { prompt: "asked" } },
          { id: at("two"), split: "train[1:]" },
        ],
      },
      eval_strategy: "epoch",
    }]);
    const prompts = await dataPrompts(options, 2);
    assertEquals(prompts.map((one) => "prompt" in one && one.prompt), [
      "Who?",
      "When?",
    ]);
    const parts: unknown[] = [];
    await loadSplits(options, {} as never, (sources, { heldOut }, part) => {
      const seen = sources.map(({ path, split }) => [basename(path), split]);
      parts.push([part, heldOut, seen]);
      return Promise.resolve({} as never);
    });
    assertEquals(parts, [
      ["train", undefined, [["train.jsonl", undefined]]],
      ["evaluation", undefined, [
        ["one.jsonl", undefined],
        ["two.jsonl", "train[1:]"],
      ]],
    ]);
  },
);
