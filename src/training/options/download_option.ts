/**
 * What a recipe says of its downloads: which repositories of which hub go into which folders.
 *
 * @module
 */
import { fields, list, optional } from "../../base/composite_option.ts";
import { choice, text } from "../../base/option.ts";

/** Where a model or a dataset comes from. */
export const hubNames = ["huggingface", "modelscope"] as const;

const repository = {
  source: choice("Hub", "huggingface", hubNames),
  repo: text("Repository, OWNER/NAME"),
  revision: optional(text("Branch, tag or commit; null is the hub's main one")),
  files: optional(
    list(
      "Patterns of files; null is what is needed",
      undefined,
      text("Pattern"),
    ),
  ),
  folder: optional(
    text(
      "Where to; null is model_hub/OWNER--NAME or data/NAME, data/OWNER--NAME if another has that",
    ),
  ),
};

/** `download: { model, datasets }`: read by the download task, ignored by all others. */
export const downloadOption = optional(fields(
  "What the download task fetches: { model: REPOSITORY, datasets: [REPOSITORY] }, " +
    "a repository being { source, repo, revision, files, folder }",
  {
    model: optional(fields("The model's repository", repository)),
    datasets: list("The datasets' repositories", [], fields("", repository)),
  },
));
