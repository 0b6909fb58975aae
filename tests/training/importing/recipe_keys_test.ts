/**
 * Every key of the tools' public recipes, with the values that occur: each is served as the options
 * that the fixture names, left with a reason or refused with a reason, and none is unknown.
 */
import { assert, assertEquals } from "@std/assert";
import {
  type Found,
  type KeyCase,
  KEYS,
  outcomeOf,
  readToolKeys,
  type ToolKeys,
} from "./key_outcomes.ts";
import { test } from "../../test_case.ts";

/** What is compared: the options where they are named, and the reason where a part of it is. */
function shown(one: KeyCase, { outcome, as, reason }: Found) {
  const options = outcome === "served" ? { as } : {};
  const says = one.says === undefined || reason.includes(one.says)
    ? one.says
    : reason;
  return { key: one.key, value: one.value, outcome, ...options, says };
}

function wanted(one: KeyCase) {
  const { key, value, outcome, says } = one;
  const options = outcome === "served"
    ? { as: one.as ?? { [key]: value } }
    : {};
  return { key, value, outcome, ...options, says };
}

async function assertTool(keys: ToolKeys): Promise<void> {
  const found = await Promise.all(
    keys.cases.map((one) => outcomeOf(keys, one)),
  );
  assertEquals(
    keys.cases.map((one, i) => shown(one, found[i]!)),
    keys.cases.map(wanted),
  );
  assertEquals(new Set(found.map(({ tool }) => tool)), new Set([keys.named]));
  const silent = Map.groupBy(keys.cases, ({ key }) => key).entries()
    .filter(([, cases]) => cases.every(({ outcome }) => outcome === "same"))
    .map(([key]) => key);
  assertEquals([...silent], [], "keys of which no value changes anything");
}

test(
  "importRecipe() serves, leaves or refuses each public key, and knows them all",
  { permissions: { read: [KEYS] } },
  async (context) => {
    const tools = readToolKeys();
    assert(tools.length > 0);
    for (const keys of tools) {
      await context.step(keys.tool, () => assertTool(keys));
    }
  },
);
