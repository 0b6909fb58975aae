import { assertEquals, assertThrows } from "@std/assert";
import { numbered, worded } from "../../src/base/shown.ts";
import { parseHeader } from "../../src/files/safetensors/safetensors_header.ts";
import { parseJson } from "../../src/files/disk/json_file.ts";
import { startListing } from "../../src/files/hub/listing.ts";
import { readRows } from "../../src/preference/formats/format.ts";
import { FEEDBACK_FORMATS } from "../../src/preference/formats/feedback_formats.ts";
import { importRecipe } from "../../src/training/importing/import_recipe.ts";
import { test } from "../test_case.ts";

const OBJECT = JSON.parse('{"toString": 1, "valueOf": 2}');

test("worded() and numbered() are String() and Number() of what is no object", () => {
  for (const value of ["a", "", 1.5, -0, true, null, undefined, 3n]) {
    assertEquals(worded(value), String(value));
    assertEquals(numbered(value), Number(value));
  }
  assertEquals(worded(["a", null, ["b", 1]]), "a,,b,1");
});

test("worded() and numbered() take objects for which String() throws", () => {
  assertEquals(worded(OBJECT), '{"toString":1,"valueOf":2}');
  assertEquals(worded(["a", OBJECT]), `a,${worded(OBJECT)}`);
  assertEquals(numbered(OBJECT), NaN);
  assertEquals(numbered([OBJECT]), NaN);
});

test("parseHeader() takes metadata for which String() throws", () => {
  const text = JSON.stringify({ __metadata__: { format: OBJECT } });
  const file = { path: "a", fileBytes: 8 + text.length };
  const { metadata } = parseHeader(text, { ...file, headerBytes: text.length });
  assertEquals(metadata, { format: worded(OBJECT) });
});

test("importRecipe() takes values for which String() throws, of each tool", async () => {
  const recipes = [
    { stage: "dpo", val_size: OBJECT, output_dir: OBJECT, pref_loss: OBJECT },
    { base_model: "a", rl: OBJECT, datasets: [{ path: "a", type: OBJECT }] },
    { model: "a", rlhf_type: OBJECT, dataset: OBJECT, target_modules: OBJECT },
    { model_name_or_path: "a", loss_type: OBJECT, beta: OBJECT },
  ];
  for (const recipe of recipes) {
    const { tool, problem } = await importRecipe(
      recipe,
      () => Promise.resolve(undefined),
    );
    assertEquals(typeof tool, "string");
    assertEquals(typeof problem, "string");
  }
});

test("readRows() names values for which String() throws", () => {
  const settings = { columns: {}, ranking: "best_worst" } as const;
  const rows = [
    { prompt: "a", completion: "b", label: OBJECT },
    {
      prompt: "a",
      completion: [{ role: "user", content: [{ type: OBJECT }] }],
      label: true,
    },
  ];
  for (const row of rows) {
    assertThrows(
      () => readRows(row, 1, FEEDBACK_FORMATS, settings),
      TypeError,
      "toString",
    );
  }
});

test("startListing() names a size for which String() throws", () => {
  const access = { endpoint: "https://a.example", privateHeaders: {} };
  assertThrows(
    () => startListing("a/b", access).file({ path: "c", size: OBJECT }),
    Error,
    '"c" has no size, found {"toString":1,',
  );
});

test("parseJson() says in words of its own that a word is no value", () => {
  assertThrows(
    () => parseJson("NaN", "a.json"),
    SyntaxError,
    'Cannot read "a.json": broken JSON, it is no value of JSON',
  );
});
