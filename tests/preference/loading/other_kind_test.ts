/** Rows of another kind of example than the trainer wants: which trainer they are for. */
import { assertEquals, assertThrows } from "@std/assert";
import { DEMONSTRATION_FORMATS } from "../../../src/preference/formats/demonstration_formats.ts";
import { FEEDBACK_FORMATS } from "../../../src/preference/formats/feedback_formats.ts";
import { PREFERENCE_FORMATS } from "../../../src/preference/formats/preference_formats.ts";
import type { Row } from "../../../src/preference/formats/turns.ts";
import { otherKind } from "../../../src/preference/loading/other_kind.ts";
import { settleBadRows } from "../../../src/preference/loading/bad_rows.ts";
import { test } from "../../test_case.ts";

const TURNS = [{ role: "user", content: "a" }, {
  role: "assistant",
  content: "b",
}];
const SHAREGPT = [{ from: "human", value: "a" }, { from: "gpt", value: "b" }];

/** The trainer that a row is said to be for. */
const trainer = (
  row: Row,
  own: Parameters<typeof otherKind>[1],
  columns = {},
) => otherKind(row, own, { columns })?.match(/--trainer=(\w+)/)?.[1];

test("otherKind() names kto and sft for rows that are no pairs", {}, () => {
  const rows: readonly (readonly [Row, string | undefined])[] = [
    [{ prompt: "a", completion: "b", label: true }, "kto"],
    [{ messages: TURNS, label: false }, "kto"],
    [{ conversations: SHAREGPT, kto_tag: true }, "kto"],
    [{ instruction: "a", output: "b", kto_tag: true }, "kto"],
    [{ prompt: "a", completion: "b" }, "sft"],
    [{ messages: TURNS }, "sft"],
    [{ conversations: SHAREGPT }, "sft"],
    [{ instruction: "a", input: "", output: "b" }, "sft"],
    [{ text: "a" }, "sft"],
    [{ prompt: "a", chosen: "b" }, undefined],
    [{ frage: "a" }, undefined],
  ];
  for (const [row, wanted] of rows) {
    assertEquals(trainer(row, PREFERENCE_FORMATS), wanted, JSON.stringify(row));
  }
  const columns = { prompt: "q", completion: "a", label: "good" };
  assertEquals(
    trainer({ q: "x", a: "y", good: 1 }, PREFERENCE_FORMATS, columns),
    "kto",
  );
});

test(
  "otherKind() names dpo and sft for rows that sft and kto cannot read",
  {},
  () => {
    const pair = { prompt: "a", chosen: "b", rejected: "c" };
    assertEquals(trainer(pair, DEMONSTRATION_FORMATS), "dpo");
    assertEquals(trainer({ messages: TURNS }, FEEDBACK_FORMATS), "sft");
  },
);

test("settleBadRows() ends with what the rows are for", {}, () => {
  const bad = [{ where: '"a.jsonl" line 1', fault: "wrong" }];
  assertThrows(
    () => settleBadRows(bad, 1, { advice: "they are for --trainer=kto" }),
    TypeError,
    'Cannot read "a.jsonl" line 1: wrong; they are for --trainer=kto',
  );
});
