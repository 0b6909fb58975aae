import { assertEquals, assertThrows } from "@std/assert";
import { trainedRule } from "../../../src/model/weights/trained_parameters.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const names = [
  "model.embed_tokens.weight",
  ...[0, 1, 2, 10].flatMap((i) => [
    `model.layers.${i}.mlp.up_proj.weight`,
    `model.layers.${i}.input_layernorm.weight`,
  ]),
  "model.norm.weight",
];
const parts = { names, blocks: 11 };
const none = { unfrozen_parameters: null, freeze_trainable_layers: null };
const chosen = (options: Partial<typeof none> | object) => {
  const rule = trainedRule({ ...none, ...options }, parts);
  return rule && names.filter(rule);
};

test("trainedRule() takes names by their beginnings", pure, () => {
  assertEquals(chosen({}), undefined);
  assertEquals(
    chosen({ unfrozen_parameters: ["model.norm", "^model.layers.1[0-9]+."] }),
    [names[7]!, names[8]!, "model.norm.weight"],
  );
  assertEquals(chosen({ unfrozen_parameters: [".*layernorm"] })?.length, 4);
});

test("trainedRule() takes the last blocks, or the first", pure, () => {
  assertEquals(chosen({ freeze_trainable_layers: 1 }), names.slice(7, 9));
  assertEquals(chosen({ freeze_trainable_layers: -2 }), names.slice(1, 5));
  assertEquals(
    chosen({
      freeze_trainable_layers: -1,
      unfrozen_parameters: ["model.embed_tokens"],
    }),
    names.slice(0, 3),
  );
});

test("trainedRule() names all that is wrong at once", pure, () => {
  const { message } = assertThrows(() =>
    chosen({
      unfrozen_parameters: ["lm_head", "model.embed_tokens.weight$[:32]", "("],
    }), TypeError);
  assertEquals(
    message,
    'Cannot choose what is trained: in unfrozen_parameters "lm_head" matches none, expected the beginning of a name such as "model.norm.weight"; "model.embed_tokens.weight$[:32]" asks for some rows, expected whole parameters; "(" is not a regular expression',
  );
  assertThrows(
    () => chosen({ freeze_trainable_layers: -12 }),
    RangeError,
    "freeze_trainable_layers is -12, expected -11 to 11, the number of blocks",
  );
});
