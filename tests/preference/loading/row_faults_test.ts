/** Rows that no format can read, and what is said about each. */
import { assertEquals, assertThrows } from "@std/assert";
import { PREFERENCE_FORMATS } from "../../../src/preference/formats/preference_formats.ts";
import { readRow } from "../../../src/preference/formats/format.ts";
import type { Row } from "../../../src/preference/formats/turns.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;
const user = (content: string) => ({ role: "user", content });
const read = (row: Row) => readRow(row, 7, PREFERENCE_FORMATS);

const BAD_ROWS: readonly [row: Row, message: string][] = [
  [
    { prompt: "a", chosen: "b" },
    '"rejected" is missing, found keys "prompt", "chosen"',
  ],
  [
    { prompt: "a", pos_resp: "b" },
    '"neg_resp" is missing, found keys "prompt", "pos_resp"',
  ],
  [
    { frage: "a" },
    'no known layout, found keys "frage"; --columns=prompt=...,chosen=...,rejected=... names',
  ],
  [
    { question: "a", preferred_text: "b", other_text: "c" },
    '"chosen", "rejected" are missing, found keys "question", "preferred_text", "other_text"; the nearest layout is "question with two answers": --columns=chosen=...,rejected=... names your columns',
  ],
  [
    { prompt: "a", text_1: "b", text_2: "c" },
    'the nearest layout is "explicit prompt": --columns=chosen=...,rejected=... names',
  ],
  [
    { prompt: "a", answer_a: "b", answer_b: "c" },
    '"winner" is missing, found keys "prompt", "answer_a", "answer_b"; the nearest layout is "arena responses"',
  ],
  [
    Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i}`, "a"])),
    'found keys "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "k11" and 18 more',
  ],
  [
    { prompt: 3, chosen: "b", rejected: "c" },
    '"prompt" is a number, expected a string',
  ],
  [
    { prompt: "a", chosen: null, rejected: "c" },
    '"chosen" is null, expected a string',
  ],
  [
    { prompt: [user("a")], chosen: [{ content: "b" }], rejected: "c" },
    '"chosen[0]" has no "role" or "from"',
  ],
  [
    { prompt: [{ role: "user" }], chosen: "b", rejected: "c" },
    '"prompt[0]" has no "content" or "value", found keys "role"',
  ],
  [
    { prompt: "a", chosen: "[{'role': 'user', 'conten", rejected: "c" },
    '"chosen" is a list of turns as text that is neither JSON nor Python\'s repr, or is cut off',
  ],
  [{
    conversations: [{ from: "alien", value: "x" }],
    chosen: "b",
    rejected: "c",
  }, '"conversations[0].from" is "alien"'],
  [
    { images: ["a.png"], prompt: "a", chosen: "b", rejected: "c" },
    '"images" holds pictures or sounds, which are not served; --ignore_unserved reads',
  ],
  [
    { audio: { bytes: [1] }, prompt: "a", chosen: "b", rejected: "c" },
    '"audio" holds pictures or sounds',
  ],
  [
    { prompt: [user("<image>\nWhat is it?")], chosen: "b", rejected: "c" },
    "the prompt has <image>, and pictures and sounds are not served",
  ],
  [
    {
      prompt: [{ ...user("a"), images: ["a.png"] }],
      chosen: "b",
      rejected: "c",
    },
    'a turn has "images", and pictures and sounds are not served',
  ],
  [
    { prompt: "a", initial_reason_steps: "b", chosen: "c", rejected: "d" },
    '"initial_reason_steps" is a part of what is asked or answered and is not read',
  ],
  [
    { prompt: "a", history: [["b", "c"]], chosen: "d", rejected: "e" },
    '"history" is a part of what is asked or answered and is not read',
  ],
  ...[
    ["document", "input=document puts a text below the question"],
    ["source_documents", "input=source_documents"],
    ["knowledge", "input=knowledge"],
    ["sql_context", "input=sql_context"],
    ["prior_turns", "history=prior_turns puts pairs of a question"],
    ["dialogue_history", "history=dialogue_history"],
    ["persona", "--columns=system=persona reads it as the system text"],
    ["question", "give the whole prompt in one column"],
    ["choices", "give the whole prompt in one column"],
  ].map(([key, advice]): [Row, string] => [
    {
      prompt: "a",
      [key!]: key === "question" ? "x y" : ["x y", "z"],
      chosen: "d",
      rejected: "e",
    },
    advice!,
  ]),
  [{}, "no known layout, found keys none: the row is empty"],
  [
    { prompt: [user("a")], chosen: [{ role: "assistant", content: null }] },
    '"rejected" is missing',
  ],
  [
    {
      prompt: "a",
      chosen: [{ role: "assistant", content: null }],
      rejected: "c",
    },
    '"chosen[0].content" is null, expected a string',
  ],
  [
    { messages: [{ role: "user", value: "x" }] },
    '"messages" has one answer and a pair needs two',
  ],
  [
    {
      messages: [{ role: "user", value: "x" }, {
        role: "assistant",
        chosen_value: "y",
      }],
    },
    '"messages[1]" has no "rejected_value"',
  ],
  [
    { conversations: "x", chosen: "b", rejected: "c" },
    '"conversations" is a string, expected a list of turns',
  ],
];

for (const [row, message] of BAD_ROWS) {
  test({
    ...pure,
    name: `readRow() names the fault: ${message}`,
    fn: () => {
      assertThrows(() => read(row), TypeError, message);
    },
  });
}

test({
  ...pure,
  name:
    "readRow() passes over names that are like those of prompts, and repeated texts",
  fn() {
    const row = { prompt: "What is a?", chosen: "b", rejected: "c" };
    for (
      const beside of [
        { prompt_id: "p7", context_length: "4k", system_fingerprint: "f" },
        { context: "What  is a?\n", document: "" },
        { gold_evidence: "x", answer_prefixes: "y", persona_id: "z" },
      ]
    ) assertEquals(read({ ...row, ...beside }).prompt, row.prompt);
  },
});
