/** The Chinese page: its rows have the project's first form and are what its recipe trains on. */
import { assertEquals } from "@std/assert";
import { readRows } from "../../src/preference/formats/format.ts";
import { PREFERENCE_FORMATS } from "../../src/preference/formats/preference_formats.ts";
import { parseRecipe } from "../../src/training/options/recipe.ts";
import { codeBlocks, commandsOf, pageText, ROOT } from "./pages.ts";
import { test } from "../test_case.ts";

const PAGE = "docs/zh/README.md";
const reading = { permissions: { read: [ROOT] } };

test(
  "the Chinese page's rows are pairs in the project's first form",
  reading,
  () => {
    const [block = ""] = codeBlocks(pageText(PAGE), "jsonl");
    const lines = block.trim().split("\n");
    const formats = lines.map((line, i) => {
      const { format, examples, unread } = readRows(
        JSON.parse(line),
        i + 1,
        PREFERENCE_FORMATS,
      );
      assertEquals([examples.length, unread], [1, []]);
      return format;
    });
    assertEquals(formats, Array(4).fill("messages with two values"));
  },
);

test(
  "the Chinese page's commands use the folders of its recipe",
  reading,
  () => {
    const text = pageText(PAGE);
    const recipe = parseRecipe(
      codeBlocks(text, "jsonc")[0] ?? "",
      `${PAGE}.jsonc`,
    );
    const [folder] = Object.keys(recipe.dataset_mixer as object);
    assertEquals(text.includes(`\`${folder}/train.jsonl\``), true);
    const runs = commandsOf(text).filter(([, , task]) =>
      task === "predict" || task === "upload"
    ).map(([, , , run]) => run);
    assertEquals([...new Set(runs)], [recipe.output_dir]);
  },
);
