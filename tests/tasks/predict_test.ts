/** `deno task predict` in a process of its own, with the folder of a run alone. */
import { assertEquals } from "@std/assert";
import { test } from "../test_case.ts";
import { OPTIONS, project, runProgram, writeJson } from "./small_project.ts";

/** The number of a letter in the tokenizer of the small project. */
const Y = "y".charCodeAt(0) - "a".charCodeAt(0);

/** Answers, after the notes on standard error. */
async function predict(
  folder: Awaited<ReturnType<typeof project>>,
  ...words: string[]
) {
  const { code, lines } = await runProgram("tasks/predict.ts", folder, [
    ...words,
    "--input=questions.jsonl",
    "--output=output/answers.jsonl",
    "--max_new_tokens=4",
  ]);
  assertEquals(code, 0, lines.join("\n"));
  const text = await Deno.readTextFile(folder.file("output/answers.jsonl"));
  return {
    notes: lines.filter((line) => line.startsWith("note: ")),
    warnings: lines.filter((line) => line.startsWith("warning: ")),
    answers: text.trim().split("\n").map((line) => JSON.parse(line)),
  };
}

test(
  "predict RUN knows its base, tells of another, and heeds generation_config.json",
  OPTIONS,
  async () => {
    await using folder = await project();
    for (const copy of ["output/mine", "other"]) {
      await Deno.mkdir(folder.file(copy));
      for await (const { name } of Deno.readDir(folder.file("model"))) {
        await Deno.copyFile(
          folder.file(`model/${name}`),
          folder.file(`${copy}/${name}`),
        );
      }
    }
    await writeJson(folder, "output/mine/options.json", {
      model_name_or_path: "model",
    });
    const all = Array.from({ length: 80 }, (_, id) => id);
    await writeJson(folder, "model/generation_config.json", {
      suppress_tokens: all.filter((id) => id !== Y),
    });
    await writeJson(folder, "other/generation_config.json", {
      do_sample: false,
    });
    const line = '{"prompt":"Hi"}\n';
    await folder.write("questions.jsonl", line.repeat(3));
    const own = await predict(folder, "output/mine");
    assertEquals(own.notes, []);
    const only = { prompt: "Hi", base: "yyyy", tuned: "yyyy" };
    assertEquals(own.answers, [only, only, only]);
    // a tuned folder's own file wins for its answers
    await writeJson(folder, "output/mine/generation_config.json", {
      suppress_tokens: all.filter((id) => id !== Y + 1),
      num_beams: 3,
    });
    const apart = await predict(folder, "output/mine");
    assertEquals(apart.answers[0], { ...only, tuned: "zzzz" });
    assertEquals(apart.warnings, [
      'warning: "output/mine" has a generation_config.json of its own, which differs from its base\'s: its answers go by it',
      "warning: generation_config.json has num_beams 3, which is not served and left out",
    ]);
    const beside = await predict(
      folder,
      "output/mine",
      "--model_name_or_path=other",
    );
    assertEquals(beside.notes, [
      'note: "output/mine" was trained on "model", and is used with "other" as its base',
    ]);
    // each line has a seed of its own, which changes nothing without draws
    const [first] = beside.answers;
    assertEquals(beside.answers, [first, first, first]);
  },
);
