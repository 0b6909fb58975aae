/** What inspect shows is what train takes: one reader for both, and the same refusals. */
import { assert, assertEquals } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { methodNames, methods } from "../../../src/training/method/methods.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import {
  runDataLines,
  withRunData,
} from "../../../src/training/setup/run_objective.ts";
import { characterEncoder } from "../../preference/tokens/character_encoder.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY, "data", ".cache"], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** Rows that every method can read, without scores; the second is of no use as a pair. */
const ROWS = [
  { prompt: "Hi", chosen: "good", rejected: "bad" },
  { prompt: "Ho", chosen: "same", rejected: "same" },
  { prompt: "He", chosen: "fine", rejected: "poor" },
];

async function optionsIn(
  folder: TemporaryFolder,
  more: Record<string, unknown>,
) {
  const lines = ROWS.map((row) => JSON.stringify(row));
  const dataset = await folder.write("rows.jsonl", lines.join("\n"));
  const least = { model_name_or_path: "m", output_dir: "output/x", dataset };
  return readOptions(trainSchema, [least, more]).options;
}

/** What a promise was refused with; undefined if it was not. */
async function refusal(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}

for (const trainer of methodNames) {
  test(
    `runDataLines() accounts for the rows that train takes by ${trainer}`,
    OPTIONS,
    async () => {
      await using folder = await temporaryFolder();
      const isText = methods[trainer].data === "demonstrations";
      const columns = isText ? { completion: "chosen" } : {};
      const options = await optionsIn(folder, { trainer, columns });
      const encoder = characterEncoder();
      const lines = await runDataLines(options, encoder, { examples: 1 });
      const kept = await withRunData(
        options,
        encoder,
        ({ train }) => Promise.resolve(train.report.kept),
      );
      const account = lines.find((line) => line.includes(" rows: "));
      assert(account?.includes(`${kept} kept`), account);
      assert(lines.some((line) => line.startsWith("line 1: ")));
    },
  );
}

test(
  "runDataLines() is refused what withRunData() is: pairs that score_margin cannot use",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const options = await optionsIn(folder, { score_margin: 1 });
    const encoder = characterEncoder();
    const shown = await refusal(
      runDataLines(options, encoder, { examples: 0 }),
    );
    const trained = await refusal(
      withRunData(options, encoder, () => Promise.resolve()),
    );
    assert(shown instanceof TypeError && trained instanceof TypeError);
    assertEquals(shown.message, trained.message);
    assert(shown.message.startsWith('Cannot use "score_margin": 2 of 2 pairs'));
  },
);
