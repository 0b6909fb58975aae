import { assertEquals, assertThrows } from "@std/assert";
import {
  isExpression,
  matchTargets,
  namesPath,
} from "../../../src/model/adapter/target_modules.ts";
import { listenToNotes } from "../../../src/base/notes.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const PATHS = [0, 1].flatMap((layer) =>
  ["self_attn.q_proj", "self_attn.k_proj", "mlp.down_proj"].map((name) =>
    `model.layers.${layer}.${name}`
  )
);
const [q0, k0, down0, q1, k1, down1] = PATHS;

test("matchTargets() takes every layer for all-linear", pure, () => {
  assertEquals(matchTargets("all-linear", PATHS), PATHS);
});

test(
  "matchTargets() takes the names that paths end in, in the model's order",
  pure,
  () => {
    assertEquals(matchTargets(["down_proj", "q_proj"], PATHS), [
      q0,
      down0,
      q1,
      down1,
    ]);
    assertEquals(matchTargets(["self_attn.k_proj"], PATHS), [k0, k1]);
    assertEquals(matchTargets(["model.layers.1.mlp.down_proj"], PATHS), [
      down1,
    ]);
  },
);

test(
  "matchTargets() takes a text as an expression over whole paths",
  pure,
  () => {
    assertEquals(matchTargets(".*\\.(q|k)_proj", PATHS), [q0, k0, q1, k1]);
    assertEquals(matchTargets("model\\.layers\\.1\\..*", PATHS), [
      q1,
      k1,
      down1,
    ]);
    assertThrows(
      () => matchTargets("q_proj", PATHS),
      TypeError,
      'target_modules "q_proj" matches no linear layer, expected a path such as "model.layers.0.self_attn.q_proj"',
    );
  },
);

test(
  "matchTargets() fails if no name matches, and tells those that do not beside others, as PEFT",
  pure,
  () => {
    assertThrows(
      () => matchTargets(["proj", "c_attn", "0"], PATHS),
      TypeError,
      'target_modules "proj", "c_attn", "0" match no linear layer, expected "all-linear" or names among q_proj, k_proj, down_proj',
    );
    const told: string[] = [];
    using _listening = listenToNotes((note) => told.push(note));
    assertEquals(matchTargets(["q_proj", "proj", "w1"], PATHS), [q0, q1]);
    assertEquals(matchTargets(["q_proj", "x"], PATHS, { mayMiss: true }), [
      q0,
      q1,
    ]);
    assertEquals(told, [
      'target_modules "proj", "w1" match no layer of this model and are passed over, as in PEFT',
    ]);
    assertThrows(
      () => matchTargets([], PATHS),
      TypeError,
      "match no linear layer",
    );
  },
);

test(
  "namesPath() takes an expression over whole paths or names that they end in",
  pure,
  () => {
    assertEquals(namesPath(".*\\.1\\..*", q1!), true);
    assertEquals(namesPath("q_proj", q1!), false);
    assertEquals(namesPath(["q_proj"], q1!), true);
    assertEquals(namesPath(["proj"], q1!), false);
    assertThrows(
      () => namesPath("(q", q1!),
      TypeError,
      '"(q" is not a regular expression',
    );
    assertEquals(
      ["q_proj", "self_attn.q_proj", "all-linear", "q|v", ".*_proj"].map(
        isExpression,
      ),
      [false, false, false, true, true],
    );
  },
);

test(
  "matchTargets() lets names match nothing where PEFT does, but not all of them",
  pure,
  () => {
    const rule = ["q_proj", "qkv_proj"];
    assertEquals(matchTargets(rule, PATHS, { mayMiss: true }), [q0, q1]);
    for (const rule of [["qkv_proj"], []]) {
      assertThrows(
        () => matchTargets(rule, PATHS, { mayMiss: true }),
        TypeError,
      );
    }
  },
);

test("matchTargets() reads Python's forms of expressions", pure, () => {
  for (
    const rule of [
      "(?i).*Q_PROJ",
      "(?is).*\\.Q_proj",
      ".*(?P<name>q)_proj",
      "\\A.*q_proj\\Z",
      "(?u).*q_proj",
    ]
  ) assertEquals(matchTargets(rule, PATHS), [q0, q1], rule);
  assertThrows(() => matchTargets("(?x) .* q_proj", PATHS), TypeError); // no such flag here
});
