/** Words of JavaScript as the names that a row uses. */
import { assertEquals, assertThrows } from "@std/assert";
import { PREFERENCES } from "../../../src/preference/loading/example_kinds.ts";
import {
  renameColumns,
  renameTurns,
} from "../../../src/preference/formats/format.ts";
import { readChecked } from "../../../src/preference/loading/checked_rows.ts";
import { test } from "../../test_case.ts";

const WORDS = ["constructor", "toString", "__proto__", "hasOwnProperty"];

function read(row: unknown) {
  return readChecked(
    {
      path: "p",
      line: 1,
      value: row as Record<string, unknown>,
      source: { path: "p" },
    },
    PREFERENCES,
    {},
  ).examples;
}

const pair = (speaker: Record<string, unknown>) => ({
  prompt: [speaker],
  chosen: [{ role: "assistant", content: "a" }],
  rejected: [{ role: "assistant", content: "b" }],
});

test("a speaker of any name stays that speaker", () => {
  for (const word of WORDS) {
    const [{ prompt } = {}] = read(pair({ role: word, content: "q" }));
    assertEquals(prompt, [{ role: word, content: "q" }]);
    assertThrows(
      () => read(pair({ from: word, value: "q" })),
      TypeError,
      `from" is "${word}", expected one of`,
    );
  }
});

test("a column of any name is told by its name", () => {
  for (const word of WORDS) {
    const [{ prompt } = {}] = read({
      ...pair({ role: "user", content: "q" }),
      ...JSON.parse(`{"${word}": 1}`),
    });
    assertEquals(prompt, [{ role: "user", content: "q" }]);
    assertThrows(() => read(JSON.parse(`{"${word}": 1}`)), TypeError, word);
  }
});

test("a table of the user's own renames no speaker and no column but those in it", () => {
  for (const word of WORDS) {
    const row = { prompt: [{ from: word, value: "q" }] };
    const keys = { role: "from", content: "value", roles: { human: "user" } };
    assertEquals(renameTurns(row, keys), {
      prompt: [{ role: word, content: "q" }],
    });
    const plain = { prompt: [{ role: "user", content: "q" }] };
    assertEquals(renameTurns(plain, { role: word }), plain);
    assertEquals(renameColumns({ a: 1 }, { chosen: word }), { a: 1 });
  }
});
