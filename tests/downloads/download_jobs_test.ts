/** What a recipe's models and data are on a hub. */
import { assertEquals } from "@std/assert";
import { readOptions } from "../../src/base/read_options.ts";
import {
  downloadJobs,
  downloadKeys,
  downloadSchema,
} from "../../src/downloads/download_jobs.ts";
import { test } from "../test_case.ts";

test({
  name:
    "downloadJobs() brings a recipe's reference model too, unless it is a folder here",
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
  fn() {
    const reposOf = (recipe: Record<string, string>) => {
      const keys = downloadKeys({ ...recipe, learning_rate: 1e-5 }, {});
      const { options } = readOptions(downloadSchema, [keys]);
      return downloadJobs(options).map(({ repo }) => [repo.kind, repo.name]);
    };
    const model = { model_name_or_path: "owner/small" };
    assertEquals(
      reposOf({ ...model, ref_model_name_or_path: "owner/large" }),
      [["model", "owner/small"], ["model", "owner/large"]],
    );
    assertEquals(
      reposOf({ ...model, ref_model_name_or_path: "output/mine" }),
      [["model", "owner/small"]],
    );
  },
});
