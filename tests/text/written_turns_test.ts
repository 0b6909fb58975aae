/** Turns that a table holds as text. */
import { assert, assertEquals } from "@std/assert";
import { BrokenTurns, withWrittenTurns } from "../../src/text/written_turns.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const TURNS = [
  { role: "user", content: 'It\'s "so"\n½ 😀' },
  { role: "assistant", content: "No." },
];
const JSON_TEXT = JSON.stringify(TURNS);
/** What Python prints of the same turns. */
const REPR =
  `[{'role': 'user', 'content': 'It\\'s "so"\\n\\xbd \\U0001f600'}, {'role': 'assistant', 'content': 'No.'}]`;

const WRITTEN: Readonly<Record<string, string>> = {
  "JSON": JSON_TEXT,
  "indented JSON": JSON.stringify(TURNS, undefined, 2),
  "JSON in a JSON string": JSON.stringify(JSON_TEXT),
  "Python's repr": REPR,
  "Python's repr of a tuple": `(${REPR.slice(1, -1)})`,
  "numpy's str, without commas": REPR.replace("}, {", "}\n {"),
  "numpy's repr": `array(${REPR}, dtype=object)`,
  "the keys the other way round":
    `[{'content': 'It\\'s "so"\\n½ 😀', 'role': 'user'}, {"content": "No.", "role": "assistant"}]`,
};

for (const [name, text] of Object.entries(WRITTEN)) {
  test({
    ...pure,
    name: `withWrittenTurns() reads ${name}`,
    fn: () =>
      assertEquals(withWrittenTurns({ chosen: text }), { chosen: TURNS }),
  });
}

test({
  ...pure,
  name:
    "withWrittenTurns() reads one turn, and turns under names of the source",
  fn() {
    const row = {
      chosen: "{'from': 'gpt', 'value': 'No.', 'weight': None}",
      rejected: '[{"speaker": "Bot A", "text": "Yes."}]',
    };
    const names = { role: "speaker", content: "text", roles: { "Bot A": "" } };
    assertEquals(withWrittenTurns(row, names), {
      chosen: { from: "gpt", value: "No.", weight: null },
      rejected: [{ speaker: "Bot A", text: "Yes." }],
    });
  },
});

for (
  const [name, text] of Object.entries({
    "cut off": JSON_TEXT.slice(0, 60),
    "Python's, cut off": REPR.slice(0, 70),
    "with an ellipsis": "[{'role': 'user', 'content': 'a'} ...]",
    "texts of turns in a list": JSON.stringify(
      TURNS.map((turn) => JSON.stringify(turn)),
    ),
    "one turn, cut off": '{"role": "user", "content": "a',
  })
) {
  test({
    ...pure,
    name: `withWrittenTurns() marks turns ${name} as broken`,
    fn: () =>
      assert(withWrittenTurns({ chosen: text }).chosen instanceof BrokenTurns),
  });
}

test({
  ...pure,
  name: "withWrittenTurns() leaves other texts as they are",
  fn() {
    const row = {
      prompt: "Write a turn such as [{'role': 'user'}]",
      chosen: '{"name": "Ada", "role": "user"}',
      rejected: '{"name": "Ada", "role": "user"',
      list: '["a", "b"]',
      code: "[x for x in y]",
      number: 3,
    };
    assert(withWrittenTurns(row) === row);
  },
});
