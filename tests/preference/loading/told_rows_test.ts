/** What a load says beside the rows that it keeps: columns, prompts, notes. */
import { assertEquals, assertRejects } from "@std/assert";
import type { LoadDataOptions } from "../../../src/preference/loading/load_options.ts";
import { loadPairs } from "../../../src/preference/loading/load.ts";
import { createChatTemplate } from "../../../src/text/chat_template.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";
import { characterEncoder } from "../tokens/character_encoder.ts";

const disk = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** Loads rows from a file; the name of the file is `FILE` in what it tells. */
async function load(
  rows: readonly unknown[],
  options: Partial<LoadDataOptions> = {},
) {
  await using folder = await temporaryFolder();
  const text = rows.map((row) => JSON.stringify(row) + "\n").join("");
  const path = await folder.write("train.jsonl", text);
  const encoder = characterEncoder();
  try {
    const sources = [{ path }];
    return await loadPairs(sources, { encoder, split: "train", ...options });
  } catch (error) {
    const { message } = error as Error;
    throw new TypeError(message.replaceAll(path, "FILE"));
  }
}

const PAIR = { prompt: "q", chosen: "a", rejected: "b" };

test({
  ...disk,
  name: "loadPairs() refuses columns that no row has, naming those there are",
  async fn() {
    await assertRejects(
      () => load([PAIR], { columns: { prompt: "question", chosen: "chosen" } }),
      TypeError,
      'Cannot read "FILE": "columns" names "question" (for "prompt"), which no row has, found columns "prompt", "chosen", "rejected"',
    );
    const two = [PAIR, { question: "q", chosen: "a", rejected: "b" }];
    const columns = { prompt: "question" };
    assertEquals((await load(two, { columns })).report.kept, 2);
    const other = await load([PAIR], { columns, mappedOnly: false });
    assertEquals(other.report.kept, 1);
  },
});

test({
  ...disk,
  name:
    "loadPairs() counts pairs without a prompt and refuses them unless told",
  async fn() {
    const rows = [PAIR, { chosen: "x", rejected: "y" }];
    await assertRejects(
      () => load(rows),
      TypeError,
      'Cannot read "FILE" line 2: no_common_prompt: the prompt is empty, or chosen and rejected have no start in common; --allow_empty_prompt trains',
    );
    const { report } = await load(rows, { allowEmptyPrompt: true });
    assertEquals(report.kept, 2);
    const { count } = report
      .told["no_common_prompt, trained without a prompt"]!;
    assertEquals(count, 1);
  },
});

test({
  ...disk,
  name: "loadPairs() names each column once that nothing reads",
  async fn() {
    const rows = [{ ...PAIR, id: 1 }, { ...PAIR, id: 2, source: "web" }];
    const { report } = await load(rows);
    assertEquals(report.unread, ["id", "source"]);
  },
});

const TEN = Array.from(
  { length: 10 },
  (_, i) => ({ ...PAIR, prompt: `q${i}` }),
);

test({
  ...disk,
  name:
    "loadPairs() drops few bad rows if told, and counts them with their lines",
  async fn() {
    const rows = [...TEN, { ...PAIR, rejected: " " }];
    await assertRejects(
      () => load(rows),
      TypeError,
      'Cannot read "FILE" line 11: "rejected" is empty; --on_bad_row=drop leaves such rows out',
    );
    const { report } = await load(rows, { onBadRow: "drop" });
    assertEquals([report.rows, report.kept], [11, 10]);
    const [[reason, tally] = []] = Object.entries(report.dropped);
    assertEquals(reason, 'bad row: "rejected" is empty');
    assertEquals(tally?.where[0]?.endsWith(" line 11"), true);
    await assertRejects(
      () => load(rows, { onBadRow: "drop", maxBadRows: 0.05 }),
      TypeError,
      "more than max_bad_rows, 0.05 of the rows, are not left out",
    );
  },
});

test({
  ...disk,
  name: "loadPairs() stops at a template beyond its limits, told or not",
  async fn() {
    const rows = TEN.map(({ chosen, rejected }) => ({
      prompt: [{ role: "user", content: "q" }],
      chosen: [{ role: "assistant", content: chosen }],
      rejected: [{ role: "assistant", content: rejected }],
    }));
    const template = createChatTemplate("{{ range(10 ** 9) }}");
    const encoder = { ...characterEncoder(), template };
    await assertRejects(
      () => load(rows, { encoder, onBadRow: "drop", maxBadRows: 1 }),
      TypeError,
      'found a range of 1000000000 numbers, expected at most 100000 ("FILE" line 1)',
    );
  },
});

test({
  ...disk,
  name: "loadPairs() drops lines of broken JSON and of other things than rows",
  async fn() {
    await using folder = await temporaryFolder();
    const lines = TEN.map((row) => JSON.stringify(row));
    lines.splice(3, 0, '{"prompt": "cut o');
    const path = await folder.write("train.jsonl", lines.join("\n"));
    const encoder = characterEncoder();
    for (const memoryBytes of [1e6, 1]) { // 1: the file is read again for each pick
      const { report, examples } = await loadPairs([{ path }], {
        encoder,
        split: "train",
        memoryBytes,
        onBadRow: "drop",
      });
      assertEquals(report.kept, 10);
      assertEquals(examples.map(({ line }) => line)[3], 5);
      const [reason = ""] = Object.keys(report.dropped);
      assertEquals(reason.startsWith("bad row: broken JSON"), true);
    }
  },
});

test({
  ...disk,
  name:
    "loadPairs() holds out a tenth of a small file where more was asked for",
  async fn() {
    const rows = [...TEN, ...TEN.map((row) => ({ ...row, chosen: "c" }))];
    const held = { heldOut: 100, heldOutLimit: { above: 0.1, share: 0.1 } };
    const [train, evaluation] = [
      await load(rows, held),
      await load(rows, { ...held, split: "test" }),
    ];
    assertEquals([train.report.kept, evaluation.report.kept], [18, 2]);
    assertEquals(train.report.limited, { rows: 2, of: 20, wanted: 100 });
    const few = { ...held, heldOut: 2 };
    assertEquals((await load(rows, few)).report.limited, undefined);
  },
});

test({
  ...disk,
  name:
    "loadPairs() drops and counts pairs that a cut makes equal, by each policy",
  async fn() {
    // "<user>q</s><assistant>" is 19 tokens; 21 leave two of the answer
    const rows = [{ prompt: "q", pos_resp: "abc", neg_resp: "abd" }];
    for (const policy of ["completion_end", "keep_start"] as const) {
      const { report } = await load(rows, {
        limits: { policy, maxLength: 21 },
      });
      assertEquals(report.kept, 0);
      assertEquals(report.dropped["answers equal as tokens"]?.count, 1);
    }
  },
});

test({
  ...disk,
  name:
    "loadPairs() refuses an answer of calls that no template prints, and tells of tools",
  async fn() {
    const call = { function: { name: "now", arguments: {} } };
    const rows = [{
      prompt: [{ role: "user", content: "q" }],
      chosen: [{ role: "assistant", content: null, tool_calls: [call] }],
      rejected: [{
        role: "assistant",
        content: "b",
        reasoning: "hm",
        mood: "c",
      }],
      tools: [call],
    }];
    await assertRejects(
      () => load(rows),
      TypeError,
      'Cannot render a row: the chat template does not print "tool_calls" of an answer, which has nothing else; name a template that does by --chat_template ("FILE" line 1)',
    );
    const said = { role: "assistant", content: "a", tool_calls: [call] };
    const spoken = [{ ...rows[0], chosen: [said] }];
    await assertRejects(() => load(spoken), TypeError, "--ignore_unserved");
    const { report } = await load(spoken, { ignoreUnserved: true });
    assertEquals(
      Object.keys(report.told).map((note) =>
        note.replace("the chat template does not print ", "")
      ),
      ['"tool_calls" of an answer', '"tools"', '"reasoning" of an answer'],
    );
    assertEquals(report.unread, ["mood of turns"]);
    const none = [{
      ...rows[0],
      chosen: [{ ...said, content: "", tool_calls: [] }],
    }];
    await assertRejects(() => load(none), TypeError, '"chosen" is empty');
  },
});

test({
  ...disk,
  name: "loadPairs() counts pairs that the data's own numbers put otherwise",
  async fn() {
    const scored = (score_chosen: unknown, score_rejected: unknown) => ({
      ...PAIR,
      prompt: [{ role: "user", content: "q" }],
      score_chosen,
      score_rejected,
    });
    const rows = [
      scored(3, 1),
      scored("1", 3),
      scored(2, 2),
      {
        ...scored(null, null),
        chosen_reward_model: 1,
        rejected_reward_model: 2,
      },
      { ...scored(null, null), margin: -0.5 },
    ];
    const { told } = (await load(rows)).report;
    assertEquals(
      Object.entries(told).map(([note, { count, where }]) => [
        note,
        count,
        where.map((place) => place.split(" ").at(-1)).join(),
      ]),
      [
        ["the chosen answer has the lower score in the data", 2, "2,4"],
        ["both answers have the same score in the data", 1, "3"],
        ["a negative margin", 1, "5"],
      ],
    );
  },
});

test({
  ...disk,
  name:
    "loadPairs() tells of plain text that a chat model trains on, and of the way to turns",
  async fn() {
    const note = "plain text, trained without the chat template as in TRL; ";
    const noteOf = async (row: unknown, options?: Partial<LoadDataOptions>) =>
      Object.keys((await load([row], options)).report.told);
    assertEquals(await noteOf(PAIR), [
      `${note}--columns=instruction=prompt makes turns of it`,
    ]);
    const columns = { instruction: "prompt" };
    assertEquals(await noteOf(PAIR, { columns }), []);
    const turns = await load([PAIR], { columns });
    const { tokenizer } = characterEncoder();
    assertEquals(
      tokenizer.decode(turns.examples[0]!.chosen.ids),
      "<user>q</s><assistant>a</s>",
    );
    const ask = { ask: "q", chosen: "a", rejected: "b" };
    assertEquals(await noteOf(ask, { columns: { prompt: "ask" } }), [
      `${note}--columns=instruction=ask makes turns of it`,
    ]);
    assertEquals(await noteOf({ chosen: "x a", rejected: "x b" }), [
      `${note}a column of prompts apart from the answers can be made turns`,
    ]);
    assertEquals(await noteOf({ ...PAIR, prompt: "<|user|>q" }), []);
    assertEquals(
      (await noteOf({ ...PAIR, tools: [{ name: "f" }] }))[1],
      "tools and chat_template_kwargs of plain text have no use",
    );
    const { tokenizer: alone } = characterEncoder();
    assertEquals(await noteOf(PAIR, { encoder: { tokenizer: alone } }), []);
  },
});
