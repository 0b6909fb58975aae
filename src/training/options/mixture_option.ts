/**
 * What a recipe says of several datasets at once: which rows of each, how their columns read, how
 * they are mixed. The names are alignment-handbook's and TRL's; `probability`, `turns` and the rest
 * are ours.
 *
 * @module
 */
import {
  either,
  fields,
  list,
  optional,
  record,
} from "../../base/composite_option.ts";
import { choice, number, text } from "../../base/option.ts";
import { RANKINGS } from "../../preference/formats/rankings.ts";

/** How the pairs of ranked answers are made. */
export const rankingOption = choice(
  "Pairs of ranked answers: best and worst, best and each other, or all",
  "best_worst",
  RANKINGS,
);

/** One of the datasets. */
export const mixtureDataset = fields("", {
  id: text("File, folder, pattern of files, or name on the hub"),
  config: optional(text("Folder inside the dataset; default is none")),
  split: optional(
    text("The only split that is read; null is the run's splits"),
  ),
  columns: either(
    record("Our column to the dataset's", {}, text("Column")),
    list("Columns to keep, which changes nothing", [], text("Column")),
  ),
  weight: number("Share of its rows, from their start", 1, { min: 0, max: 1 }),
  probability: optional(
    number(
      "How often its rows come in turn; all datasets have one, or none",
      undefined,
      {
        min: 0,
      },
    ),
  ),
  format: optional(text("Name of its format; null is told by its keys")),
  ranking: rankingOption,
  turns: optional(
    fields("Names inside its turns", {
      role: optional(text("Key of the speaker")),
      content: optional(text("Key of the text")),
      roles: record("Its speakers to ours", {}, text("Speaker")),
    }),
  ),
});

/** `dataset_mixture: { datasets, test_split_size, seed, stopping_strategy }`. */
export const mixtureOption = optional(fields(
  "Datasets with their own columns, splits and weights, in place of dataset_mixer: " +
    "{ datasets: [{ id, config, split, columns, weight, probability, format, ranking, turns }], " +
    "eval_datasets, test_split_size, seed, stopping_strategy }",
  {
    datasets: list("The datasets", undefined, mixtureDataset),
    eval_datasets: optional(
      list(
        "Datasets to evaluate on, in the same form; null is the test split of the others",
        undefined,
        mixtureDataset,
      ),
    ),
    test_split_size: optional(
      number(
        "Rows kept from training for evaluation; below 1 their share",
        undefined,
        { above: 0 },
      ),
    ),
    seed: optional(
      number(
        "Seed of a shuffle of all rows; null is sample_seed's",
        undefined,
        {
          min: 0,
        },
      ),
    ),
    stopping_strategy: choice(
      "With probabilities: ends with the first dataset that has no more rows, or the last",
      "first_exhausted",
      ["first_exhausted", "all_exhausted"],
    ),
  },
));
