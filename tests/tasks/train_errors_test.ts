/**
 * `deno task train` given what is wrong: one line that names file, line, tensor or key, exit code
 * 1, and an earlier run untouched. Each case in a process of its own, as a user meets it.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { openSafetensors } from "../../src/files/safetensors/safetensors.ts";
import { writeSafetensors } from "../../src/files/safetensors/safetensors_writer.ts";
import { writeRandomCheckpoint } from "../../src/model/opening/random_checkpoint.ts";
import type { TemporaryFolder } from "../temporary_folder.ts";
import {
  CONFIG,
  KEPT,
  OPTIONS,
  PAIR,
  project,
  train,
  writeJson,
} from "./small_project.ts";
import { test } from "../test_case.ts";

/** Rewrites some tensors of the model; undefined leaves one out. */
async function editTensors(
  folder: TemporaryFolder,
  edit: (
    name: string,
    shape: readonly number[],
  ) => readonly number[] | undefined,
): Promise<void> {
  const path = folder.file("model/model.safetensors");
  const { tensors } = await openSafetensors(path);
  const kept = [...tensors.values()].flatMap(({ name, shape }) => {
    const changed = edit(name, shape);
    return changed ? [{ name, dtype: "F32" as const, shape: changed }] : [];
  });
  await writeSafetensors(
    path,
    kept,
    ({ shape }) => new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)),
  );
}

interface Case {
  readonly name: string;
  readonly arrange?: (folder: TemporaryFolder) => Promise<unknown>;
  readonly recipe?: string;
  readonly words?: readonly string[];
  /** All of these stand in the one line. */
  readonly says: readonly string[];
}

const pairs = (text: string) => (folder: TemporaryFolder) =>
  folder.write("pairs.jsonl", text);
const good = JSON.stringify(PAIR);

const CASES: readonly Case[] = [
  {
    name: "a broken JSON line",
    arrange: pairs(`${good}\n{"prompt": "a", \n`),
    says: ["pairs.jsonl", "line 2"],
  },
  {
    name: "a missing key",
    arrange: pairs(`${good}\n{"prompt":"a","rejected":"b"}\n`),
    says: ["pairs.jsonl", "line 2", "chosen"],
  },
  {
    name: "an empty answer",
    arrange: pairs(`${good}\n{"prompt":"a","chosen":"","rejected":"b"}\n`),
    says: ["line 2", "chosen"],
  },
  { name: "an empty file", arrange: pairs(""), says: ["pairs.jsonl"] },
  {
    name: "an unknown model_type",
    arrange: (folder) =>
      writeJson(folder, "model/config.json", {
        ...CONFIG,
        model_type: "mamba",
      }),
    says: ['"mamba"', "config.json", "llama"],
  },
  {
    name: "missing and misshapen tensors, all at once",
    arrange: (folder) =>
      editTensors(
        folder,
        (name, shape) =>
          name === "lm_head.weight"
            ? [79, 8]
            : name.endsWith("norm.weight")
            ? undefined
            : shape,
      ),
    says: [
      '"lm_head.weight" has shape [79, 8], expected [80, 8]',
      '"model.norm.weight" is missing',
      '"model.layers.0.input_layernorm.weight" is missing',
    ],
  },
  {
    name: "a truncated safetensors file",
    arrange: (folder) =>
      Deno.truncate(folder.file("model/model.safetensors"), 3000),
    says: ["model.safetensors"],
  },
  {
    name: "a header that lies about its length",
    arrange: async (folder) => {
      using file = await Deno.open(folder.file("model/model.safetensors"), {
        write: true,
      });
      await file.write(new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0]));
    },
    says: ["model.safetensors", "header"],
  },
  {
    name: "a tokenizer larger than the embedding",
    arrange: async (folder) => {
      const config = { ...CONFIG, vocab_size: 70 };
      await writeJson(folder, "model/config.json", config);
      await writeRandomCheckpoint(folder.file("model"), {
        config,
        dtype: "float32",
        seed: 1,
      });
    },
    says: ["line 1 has token", "the model's embedding has 70 rows"],
  },
  {
    name: "an unknown option",
    words: ["--learning_rat=1"],
    says: ['"learning_rat"', '"learning_rate"'],
  },
  {
    name: "a recipe that is not there",
    recipe: "none.jsonc",
    says: ['"none.jsonc"', "no such file"],
  },
  {
    name: "a recipe that is a folder",
    recipe: "output",
    says: ['Cannot read recipe "output"', "found a folder"],
  },
  {
    name: "a recipe that cannot be read",
    arrange: (folder) =>
      folder.write("recipe.jsonc", '{ "model_name_or_path": '),
    says: ["recipe.jsonc"],
  },
  {
    name: "a dry run of what may not be written",
    words: ["--dry-run", "--output_dir=elsewhere"],
    says: ["--allow-write=output,.cache,elsewhere", "--dry-run"],
  },
  {
    name: "an evaluation without a test file",
    arrange: async (folder) => {
      await Deno.mkdir(folder.file("data"));
      await folder.write("data/train.jsonl", good);
    },
    words: ["--dataset=data", "--eval_strategy=epoch"],
    says: ['split "test"', "--eval_dataset=FILE", "--eval_strategy=no"],
  },
  {
    name: "an output folder without permission",
    words: ["--output_dir=elsewhere"],
    says: ["--allow-write=output,.cache,elsewhere"],
  },
  {
    name: "an output folder that cannot be written",
    arrange: (folder) => folder.write("output/file", ""),
    words: ["--output_dir=output/file/below"],
    says: ['"output/file/below"'],
  },
  {
    name: "a second run in the same output folder",
    words: ["--output_dir=output/old"],
    says: ['"output/old"', "metrics.jsonl", "overwrite_output_dir"],
  },
  {
    name: "nothing to resume",
    words: ["--resume_from_checkpoint"],
    says: ['"output/new"', "checkpoint"],
  },
  {
    name: "a model that is not there",
    words: ["--model_name_or_path=nowhere"],
    says: ['"nowhere"'],
  },
];

for (
  const { name, arrange, recipe = "recipe.jsonc", words = [], says } of CASES
) {
  test(
    `train stops in one line at ${name}, and loses nothing`,
    OPTIONS,
    async () => {
      await using folder = await project();
      await arrange?.(folder);
      // what would be emptied, were the error found too late
      const target = words.some((word) => word.startsWith("--output_dir"))
        ? []
        : ["--output_dir=output/old", "--overwrite_output_dir"];
      const resumes = words.includes("--resume_from_checkpoint");
      const { code, lines } = await train(
        folder,
        recipe,
        ...(resumes ? [] : target),
        ...words,
      );
      assertEquals(lines.length, 1, lines.join("\n"));
      assert(lines[0]!.startsWith("error: Cannot "), lines[0]);
      for (const part of says) assertStringIncludes(lines[0]!, part);
      assertEquals(code, 1);
      assertEquals(
        await Deno.readTextFile(join(folder.path, "output/old/metrics.jsonl")),
        KEPT,
      );
    },
  );
}

test(
  "train says with --debug where an error came from",
  OPTIONS,
  async () => {
    await using folder = await project();
    await folder.write("pairs.jsonl", "");
    const { lines } = await train(folder, "recipe.jsonc", "--debug");
    assert(lines.some((line) => /^ {4}at /.test(line)), lines.join("\n"));
  },
);
