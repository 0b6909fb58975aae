/**
 * The options of the upload task.
 *
 * @module
 */
import { list, optional } from "../base/composite_option.ts";
import { flag, integer, text } from "../base/option.ts";
import { defineSchema, type Infer } from "../base/schema.ts";
import { isRepoName } from "../files/hub/repo_folder.ts";
import type { UploadTarget } from "../files/hub/upload.ts";
import { hubNames } from "../training/options/download_option.ts";

/**
 * The options of `deno task upload`.
 *
 * @internal
 */
export const uploadSchema = defineSchema({
  "What to upload": {
    to: text(
      "Where to: huggingface:OWNER/NAME or modelscope:OWNER/NAME; made if it is not there",
    ),
    revision: optional(
      text("Branch, which must be there; null is the main one"),
    ),
    private: flag(
      "Make a new repository private; else it is as the hub makes it, public unless its organization says otherwise",
    ),
    files: optional(
      list(
        "Patterns of further files of the run, such as metrics.jsonl or checkpoint-100/**; null is the model and its card alone",
        undefined,
        text("Pattern"),
      ),
    ),
    message: text("First line of the commit", "Upload by Tiebreak"),
    dry_run: flag("Show the files and their bytes, and reach no hub"),
  },
  "How": {
    endpoint: optional(
      text(
        "Address of the hub; null is HF_ENDPOINT or MODELSCOPE_ENDPOINT, or the hub itself",
      ),
    ),
    token: optional(
      text("Access token that may write; null is token_file"),
    ),
    token_file: optional(
      text("File with the token; null is HF_TOKEN or MODELSCOPE_API_TOKEN"),
    ),
    timeout: integer(
      "Seconds without a byte after which a connection counts as broken",
      60,
      { min: 1, max: 3600 },
    ),
  },
}, {
  positionals: [{
    name: "RUN",
    help: "folder of a run, of a merged model or of an adapter",
    required: true,
  }],
});

/** The options of the upload task. */
export type UploadTaskOptions = Infer<typeof uploadSchema>;

/**
 * The repository that `to` names.
 *
 * @throws {TypeError} if it is not `huggingface:owner/name` or `modelscope:owner/name`
 */
export function uploadTarget(
  { to, revision }: Pick<UploadTaskOptions, "to" | "revision">,
): UploadTarget {
  const [, hub, name = ""] = /^(\w+):(.+)$/.exec(to) ?? [];
  const source = hubNames.find((known) => known === hub);
  if (source !== undefined && isRepoName(name) && name.includes("/")) {
    return { source, name, ...(revision !== null && { revision }) };
  }
  throw new TypeError(
    `Cannot upload to "${to}": expected ${
      hubNames.map((known) => `${known}:OWNER/NAME`).join(" or ")
    }`,
  );
}
