/**
 * Which files of a repository are downloaded. `*` stays within a folder, `**` goes below.
 */
import { globToRegExp } from "@std/path";
import { isPickle, PICKLE_ADVICE } from "../safetensors/pickles.ts";

/** What a model needs: configuration, tokenizer, chat template, weights or an adapter. */
export const MODEL_FILES: readonly string[] = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
  "adapter_config.json",
  "*.safetensors.index.json",
  "!(consolidated*).safetensors", // Mistral's second copy of all weights
];

/** The formats of data that can be read. */
export const DATASET_FILES: readonly string[] = [
  "**/*.jsonl",
  "**/*.json",
  "**/*.jsonl.gz",
  "**/*.json.gz",
];

/** What to choose from and how. */
export interface Selection {
  readonly repo: string;
  readonly kind: "model" | "dataset";
  /** Chosen by the user; the kind's own list if absent. */
  readonly patterns?: readonly string[];
}

const list = (names: readonly string[]) =>
  names.slice(0, 20).map((name) => `"${name}"`).join(", ") +
  (names.length > 20 ? ` and ${names.length - 20} more` : "");

/**
 * The paths that are to be downloaded; never pickles.
 *
 * @throws TypeError if pickles are asked for, or nothing (or no weights) would be left.
 */
export function selectFiles(
  paths: readonly string[],
  { repo, kind, patterns }: Selection,
): string[] {
  const asked = patterns ?? (kind === "model" ? MODEL_FILES : DATASET_FILES);
  const tests = asked.map((glob) => globToRegExp(glob, { os: "linux" }));
  const fail = (fault: string): never => {
    throw new TypeError(`Cannot download "${repo}": ${fault}`);
  };
  const pickled = asked.filter(isPickle);
  if (pickled.length > 0) fail(`${list(pickled)} asks for ${PICKLE_ADVICE}`);
  const chosen = paths.filter((path) =>
    !isPickle(path) && tests.some((test) => test.test(path))
  );
  if (patterns !== undefined) {
    const idle = patterns.filter((_, i) =>
      !chosen.some((path) => tests[i]!.test(path))
    );
    if (idle.length > 0) {
      fail(`no file matches ${list(idle)}, found ${list(paths)}`);
    }
  } else if (kind === "dataset") {
    if (chosen.length === 0) {
      fail(
        `found ${
          list(paths)
        }, none of which can be read, wanted .jsonl or .json`,
      );
    }
  } else if (!chosen.some((path) => path.endsWith(".safetensors"))) {
    const pickles = paths.filter(isPickle);
    if (pickles.length > 0) {
      fail(`its weights are pickled, ${list(pickles)}; ${PICKLE_ADVICE}`);
    }
    fail(`it has no .safetensors, found ${list(paths)}`);
  }
  return chosen;
}
