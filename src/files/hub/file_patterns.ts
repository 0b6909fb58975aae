/**
 * Selects the files of a repository to download. In patterns `*` matches within a folder, `**` also
 * below it.
 */
import { globToRegExp } from "@std/path";
import { ADAPTER_FILE, MODEL_FILE, NAMED_TEMPLATES } from "../file_names.ts";
import { DATA_ENDINGS, isDataFile, kindOfFile } from "../records/data_kinds.ts";
import { isPickle, PICKLE_ADVICE } from "../safetensors/pickles.ts";

/** The files of a tokenizer, with the configuration beside it. */
const TOKENIZER_PATTERNS: readonly string[] = [
  MODEL_FILE.config,
  MODEL_FILE.tokenizer,
  MODEL_FILE.tokenizerConfig,
  MODEL_FILE.specialTokensMap,
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  MODEL_FILE.chatTemplate,
  MODEL_FILE.chatTemplateJson,
  `${NAMED_TEMPLATES}/*.jinja`,
];

/** The files that a model needs: configuration, tokenizer, chat template, weights or an adapter. */
export const MODEL_PATTERNS: readonly string[] = [
  ...TOKENIZER_PATTERNS,
  MODEL_FILE.generationConfig,
  ADAPTER_FILE.config,
  "*.safetensors.index.json",
  "!(consolidated*).safetensors", // a second copy of all weights in Mistral's repositories
];

/** How files are selected. */
export interface Selection {
  readonly repo: string;
  readonly kind: "model" | "dataset";
  /** The user's patterns; default: the list of the kind of repository. */
  readonly patterns?: readonly string[];
  /** Whether only the tokenizer of a model is needed. */
  readonly tokenizerOnly?: boolean;
}

const list = (names: readonly string[]) =>
  names.slice(0, 20).map((name) => `"${name}"`).join(", ") +
  (names.length > 20 ? ` and ${names.length - 20} more` : "");

/**
 * The paths of the files to download; pickles are never among them.
 *
 * @throws {TypeError} if the user's patterns select pickles, or if no file or no weights would be
 *   selected
 */
export function selectFiles(
  paths: readonly string[],
  { repo, kind, patterns, tokenizerOnly = false }: Selection,
): string[] {
  const safe = paths.filter((path) => !isPickle(path));
  const fail = (fault: string): never => {
    throw new TypeError(`Cannot download "${repo}": ${fault}`);
  };
  if (patterns !== undefined) return matching(safe, patterns, paths, fail);
  if (kind === "dataset") return datasetPaths(safe, fail);
  if (tokenizerOnly) {
    return safe.includes(MODEL_FILE.tokenizer)
      ? safe.filter(fits(TOKENIZER_PATTERNS))
      : fail(`it has no "${MODEL_FILE.tokenizer}", found ${list(paths)}`);
  }
  const chosen = safe.filter(fits(MODEL_PATTERNS));
  if (chosen.some((path) => path.endsWith(".safetensors"))) return chosen;
  const pickles = paths.filter(isPickle);
  return fail(
    pickles.length > 0
      ? `its weights are pickled, ${list(pickles)}; ${PICKLE_ADVICE}`
      : `it has no .safetensors, found ${list(paths)}`,
  );
}

/** Whether a path fits one of the patterns. */
function fits(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.map((glob) => globToRegExp(glob, { os: "linux" }));
  return (path) => tests.some((test) => test.test(path));
}

type Fail = (fault: string) => never;

/** The files that the user's patterns select. A pattern that selects nothing is an error. */
function matching(
  safe: readonly string[],
  patterns: readonly string[],
  all: readonly string[],
  fail: Fail,
): string[] {
  const pickled = patterns.filter(isPickle);
  if (pickled.length > 0) fail(`${list(pickled)} asks for ${PICKLE_ADVICE}`);
  const idle = patterns.filter((pattern) => !safe.some(fits([pattern])));
  if (idle.length > 0) {
    fail(`no file matches ${list(idle)}, found ${list(all)}`);
  }
  return safe.filter(fits(patterns));
}

/** All data files that `readRecords()` can read, and the files that describe them. */
function datasetPaths(safe: readonly string[], fail: Fail): string[] {
  if (!safe.some(isDataFile)) {
    fail(
      `found ${
        list(safe)
      }, none of which can be read, expected files that end in ${DATA_ENDINGS}`,
    );
  }
  return safe.filter((path) => kindOfFile(path).kind !== undefined);
}
