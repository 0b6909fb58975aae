import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  CHARACTER_CHAT,
  characterFiles,
} from "../preference/tokens/character_encoder.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../temporary_folder.ts";
import { test } from "../test_case.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const OPTIONS = {
  permissions: { read: [ROOT, TEMPORARY], write: [TEMPORARY], run: ["deno"] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** Runs the task with its own permission set. */
async function run(words: string[]) {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "-P=inspect",
      `--config=${ROOT}deno.json`,
      `${ROOT}tasks/inspect.ts`,
      ...words,
    ],
    cwd: ROOT,
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

const ROWS = [
  { prompt: "Hi", pos_resp: "good", neg_resp: "bad" },
  { prompt: "Hi", pos_resp: "same", neg_resp: "same" },
];

/** A model without weights, rows and a recipe; gives the recipe's path. */
async function project(
  folder: TemporaryFolder,
  rows: readonly unknown[] = ROWS,
): Promise<string> {
  const { tokenizer, config } = characterFiles();
  await folder.write("config.json", "{}");
  await folder.write("tokenizer.json", JSON.stringify(tokenizer));
  await folder.write(
    "tokenizer_config.json",
    JSON.stringify({ ...config, chat_template: CHARACTER_CHAT }),
  );
  const dataset = await folder.write(
    "rows.jsonl",
    rows.map((row) => JSON.stringify(row)).join("\n"),
  );
  const recipe = {
    model_name_or_path: folder.path,
    dataset,
    output_dir: "output/unused",
  };
  return await folder.write("recipe.jsonc", JSON.stringify(recipe));
}

test(
  "inspect shows rows kept and dropped, lengths, and the trained span",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const { code, stdout, stderr } = await run([await project(folder)]);
    assertEquals([code, stderr], [0, ""]);
    for (
      const part of [
        "format: CValues (2)",
        "2 rows: 1 kept, 1 dropped",
        "dropped, chosen equals rejected: 1 (line 2)",
        "prompt, 20 tokens:",
        "<user>Hi</s><assistant>",
        "chosen, 5 tokens trained:",
        "g|o|o|d|</s>",
      ]
    ) assertStringIncludes(stdout, part);
    assertEquals(stdout.includes("\x1b["), false); // piped: no colours
  },
);

test(
  "inspect stops where train would: rows that an option cannot use",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const words = [await project(folder), "--score_margin=1"];
    const { code, stdout, stderr } = await run(words);
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(
      stderr,
      'Cannot use "score_margin": 1 of 1 pairs have no scores, first that of line 1, expected columns such as "chosen_score" and "rejected_score"',
    );
  },
);

test(
  "inspect tells broken rows in one line and exits 1",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const recipe = await project(folder, [...ROWS, {
      prompt: "Hi",
      pos_resp: "good",
    }]);
    const { code, stdout, stderr } = await run([recipe]);
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(
      stderr,
      'rows.jsonl" line 3: "neg_resp" is missing, found keys "prompt", "pos_resp"',
    );
    assertEquals(stderr.split("\n").length, 1);
  },
);
