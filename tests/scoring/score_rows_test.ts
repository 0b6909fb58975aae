import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Encoder } from "../../src/preference/tokens/tokenize.ts";
import { createChatTemplate } from "../../src/text/chat_template.ts";
import { createTokenizer } from "../../src/text/tokenizer.ts";
import {
  readScoreRows,
  type ScoreRow,
  sequencesOf,
} from "../../src/scoring/score_rows.ts";
import { fixturePath } from "../fixture_path.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";
import { test } from "../test_case.ts";

const tokenizerFolder = fixturePath("tokenizer");
const OPTIONS = {
  permissions: { read: [TEMPORARY, tokenizerFolder], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

function openEncoder(): Promise<Encoder> {
  const read = (name: string) =>
    JSON.parse(Deno.readTextFileSync(`${tokenizerFolder}/${name}`));
  const tokenizer = createTokenizer({
    tokenizer: read("tokenizer.json"),
    config: read("tokenizer_config.json"),
  });
  const template = createChatTemplate(
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
  );
  return Promise.resolve({ tokenizer, template });
}

const LIMITS = { vocab_size: 600, max_position_embeddings: 64 };

async function read(
  lines: readonly unknown[],
  open: () => Promise<Encoder> = openEncoder,
  columns = {},
): Promise<ScoreRow[]> {
  await using folder = await temporaryFolder();
  const path = await folder.write(
    "in.jsonl",
    lines.map((line) => JSON.stringify(line)).join("\n"),
  );
  return await readScoreRows(path, {
    openEncoder: open,
    columns,
    limits: LIMITS,
  });
}

test(
  "readScoreRows() takes ids as they are and opens no tokenizer for them",
  OPTIONS,
  async () => {
    const refuse = () => Promise.reject(new Error("opened"));
    const [row] = await read([{ input_ids: [3, 1, 2], id: "x" }], refuse);
    assertEquals(row, {
      line: 1,
      value: { input_ids: [3, 1, 2], id: "x" },
      kind: "sequence",
      sequence: { ids: [3, 1, 2], completionStart: 0 },
    });
  },
);

test(
  "readScoreRows() tells completions from pairs, plain and conversational",
  OPTIONS,
  async () => {
    const user = [{ role: "user", content: "What?" }];
    const says = (content: string) => [{ role: "assistant", content }];
    const rows = await read([
      { prompt: "What?", completion: " This." },
      { prompt: user, completion: says("This.") },
      { prompt: "What?", chosen: " This.", rejected: " That." },
      { prompt: user, chosen: says("This."), rejected: says("That.") },
      { messages: [...user, ...says("This.")] },
      {
        messages: [...user, {
          role: "assistant",
          chosen_value: "This.",
          rejected_value: "That.",
        }],
      },
      { prompt: "What?", pos_resp: "This.", neg_resp: "That." },
    ]);
    assertEquals(rows.map(({ kind }) => kind), [
      "sequence",
      "sequence",
      "pair",
      "pair",
      "sequence",
      "pair",
      "pair",
    ]);
    const { tokenizer } = await openEncoder();
    const answers = rows.map((row) =>
      sequencesOf(row).map(({ ids, completionStart }) =>
        tokenizer.decode(ids.slice(completionStart))
      )
    );
    assertEquals(answers, [
      [" This.<|im_end|>"],
      ["This.<|im_end|>\n"],
      [" This.<|im_end|>", " That.<|im_end|>"],
      ["This.<|im_end|>\n", "That.<|im_end|>\n"],
      ["This.<|im_end|>\n"],
      ["This.<|im_end|>\n", "That.<|im_end|>\n"],
      ["This.<|im_end|>\n", "That.<|im_end|>\n"],
    ]);
  },
);

test(
  "readScoreRows() renames columns for reading and keeps the line as it stands",
  OPTIONS,
  async () => {
    const [row] = await read(
      [{ question: "a", reply: "b" }],
      openEncoder,
      { prompt: "question", completion: "reply" },
    );
    assertEquals(row?.kind, "sequence");
    assertEquals(row?.value, { question: "a", reply: "b" });
  },
);

test(
  "readScoreRows() names every line that cannot be scored",
  OPTIONS,
  async () => {
    const error = await assertRejects(
      () =>
        read([
          { input_ids: [] },
          { input_ids: [1, 600] },
          { input_ids: Array.from({ length: 65 }, () => 1) },
          { prompt: "x" },
          { prompt: "x", chosen: "", rejected: "y" },
          { input_ids: [1] },
        ]),
      TypeError,
    );
    for (
      const part of [
        'line 1: "input_ids" is not a list',
        "line 2: token 600, the model's vocab_size is 600",
        "line 3: 65 tokens, the model's max_position_embeddings is 64",
        'line 4: found keys "prompt"',
        'line 5: "chosen" is empty',
      ]
    ) assert(error.message.includes(part), error.message);
    assert(!error.message.includes("line 6"), error.message);
  },
);
