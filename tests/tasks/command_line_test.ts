/** Command lines as users bring them, through a task in a process of its own. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "../test_case.ts";
import { OPTIONS, project, runProgram, writeJson } from "./small_project.ts";

/** Runs inspect in a small project: exit code and all its words. */
async function inspected(...words: string[]) {
  await using folder = await project();
  await writeJson(folder, "mixed.json", {
    model_name_or_path: "model",
    dataset_mixer: { "gone.jsonl": 1 },
    max_length: 64,
    output_dir: "output/new",
  });
  const { code, lines } = await runProgram("tasks/inspect.ts", folder, words);
  return { code, text: lines.join("\n") };
}

for (
  const words of [
    ["--model_name_or_path=model", "--dataset=pairs.jsonl"],
    ["recipe.jsonc", "--bf16", "True"],
    ["--use_peft=True", "recipe.jsonc"],
    ["--use_peft", "--lora_target_modules", "q_proj", "v_proj", "recipe.jsonc"],
    ["recipe.jsonc", "--gradient_checkpointing", "--output_dir", "output/b"],
    ["mixed.json", "--dataset", "pairs.jsonl"],
  ]
) {
  test(`inspect ${words.join(" ")} runs`, OPTIONS, async () => {
    assertEquals(await inspected(...words), { code: 0, text: "" });
  });
}

test("inspect without any word says what to give it", OPTIONS, async () => {
  const { code, text } = await inspected();
  assertEquals(code, 1);
  assertStringIncludes(text, "found no RECIPE and no option, expected");
});
