/**
 * Keys of config.json beside transformers 5.18, for each family and some hundred changes of a tiny
 * model: what changes no logit there changes nothing here, and what does is applied or refused.
 */
import { assert, assertEquals } from "@std/assert";
import { listenToNotes } from "../../../src/base/notes.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import fixture from "../../fixtures/config_keys.json" with { type: "json" };
import { test } from "../../test_case.ts";

type Json = Readonly<Record<string, unknown>>;

/** Changes of the base's keys; the list "-" names keys that are left out. */
const CHANGES: readonly Json[] = fixture.changes;

/** Which changes leave the logits the same, and which give others or other shapes. */
interface Seen {
  readonly base: Json;
  readonly same: readonly number[];
  readonly other: readonly number[];
}

const FAMILIES: Readonly<Record<string, Seen>> = fixture.families;

/** What is read, as text; undefined if the config is refused. */
function read(base: Json, change: Json = {}): string | undefined {
  const { "-": left = [], ...keys } = change;
  const config = Object.entries({ ...base, ...keys })
    .filter(([key]) => !(left as string[]).includes(key));
  try {
    const { family: _, ...sizes } = readModelConfig(Object.fromEntries(config));
    return JSON.stringify(sizes);
  } catch {
    return undefined;
  }
}

for (const [name, { base, same, other }] of Object.entries(FAMILIES)) {
  test(`family ${name} heeds the keys that transformers heeds`, () => {
    const plain = read(base);
    assert(plain !== undefined && same.length > 40 && other.length > 10);
    for (const at of same) {
      const found = read(base, CHANGES[at]);
      const said = `applied: ${JSON.stringify(CHANGES[at])}`;
      assert(found === undefined || found === plain, said);
    }
    for (const at of other) {
      const said = `passed over: ${JSON.stringify(CHANGES[at])}`;
      assert(read(base, CHANGES[at]) !== plain, said);
    }
  });
}

test("readModelConfig() tells which keys of other families are left out", () => {
  const notes: string[] = [];
  using _listening = listenToNotes((note) => notes.push(note));
  const { base } = FAMILIES["qwen2"]!;
  const keys = {
    attn_logit_softcapping: 5,
    final_logit_softcapping: 30,
    hidden_activation: "relu2",
    rope_local_base_freq: 100,
    partial_rotary_factor: 0.5,
  };
  assertEquals(read(base, keys), read(base));
  for (const [key, value] of Object.entries(keys)) {
    const line = `"${key}" (${
      JSON.stringify(value)
    }) in config.json does not count for model_type "qwen2": it is left out, as in transformers`;
    assert(notes.includes(line), key);
  }
});
