/**
 * Checks the parts of a parsed tokenizer.json before the package reads them, which has words of its
 * own for what is wrong, and makes lists as long as the highest id. Knows no token.
 */
import { listed, shown } from "../base/shown.ts";

type Json = Readonly<Record<string, unknown>>;

/** The highest id, some ten times that of the largest vocabularies. */
const MOST_IDS = 10_000_000;

/** Parts inside parts: sequences of sequences. */
const MOST_LEVELS = 10;

/** The parts that are lists of parts, by the key of the list. */
const SEQUENCES: ReadonlyMap<string, string> = new Map([
  ["normalizer", "normalizers"],
  ["pre_tokenizer", "pretokenizers"],
  ["post_processor", "processors"],
  ["decoder", "decoders"],
]);

/** Parts that do nothing without a pattern. */
const NEED_PATTERN: readonly unknown[] = ["Split", "Replace"];

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isId = (value: unknown): boolean =>
  Number.isInteger(value) && value as number >= 0 &&
  value as number < MOST_IDS;
const isText = (value: unknown): boolean => typeof value === "string";

/**
 * Checks a parsed tokenizer.json.
 *
 * @throws {TypeError} naming the parts that are of another shape
 */
export function checkTokenizerShape(tokenizer: Json): void {
  const problems: string[] = [];
  checkModel(tokenizer["model"] as Json, problems);
  checkAdded(tokenizer["added_tokens"] ?? [], problems);
  for (const [name, key] of SEQUENCES) {
    checkPart(tokenizer[name] ?? null, name, { key, problems });
  }
  if (problems.length === 0) return;
  throw new TypeError(`Cannot read tokenizer.json: ${listed(problems)}`);
}

function checkModel(model: Json, problems: string[]): void {
  const { type, vocab, merges } = model;
  const wrong = (found: unknown, at: string, wanted: string) =>
    problems.push(`"model.${at}" is ${shown(found)}, expected ${wanted}`);
  const isList = type === "Unigram" || type === undefined &&
      Array.isArray(vocab);
  if (isList ? !Array.isArray(vocab) : !isRecord(vocab)) {
    wrong(
      vocab,
      "vocab",
      isList ? "a list of tokens" : "tokens with their ids",
    );
    return;
  }
  if (Array.isArray(vocab)) {
    const at = vocab.findIndex((entry) =>
      !(Array.isArray(entry) && isText(entry[0]) && Number.isFinite(entry[1]))
    );
    if (at >= 0) wrong(vocab[at], `vocab[${at}]`, "a token with its score");
    const unknown = model["unk_id"] ?? 0;
    if (!isId(unknown) || unknown as number >= Math.max(1, vocab.length)) {
      wrong(unknown, "unk_id", "the place of a token in its vocabulary");
    }
    if (vocab.length > MOST_IDS) {
      problems.push(
        `"model.vocab" has ${vocab.length} tokens, expected at most ${MOST_IDS}`,
      );
    }
  } else {
    const entry = Object.entries(vocab as Json).find(([, id]) => !isId(id));
    if (entry) {
      wrong(entry[1], `vocab[${shown(entry[0])}]`, `an id below ${MOST_IDS}`);
    }
  }
  const unknown = model["unk_token"] ?? "";
  if (!isText(unknown)) wrong(unknown, "unk_token", "a token");
  if (type !== "BPE" && (type !== undefined || isList)) return;
  const isMerge = (one: unknown) =>
    isText(one) || Array.isArray(one) && one.length === 2 && one.every(isText);
  if (!Array.isArray(merges)) wrong(merges, "merges", "a list of pairs");
  else {
    const at = merges.findIndex((one) => !isMerge(one));
    const other = merges.findIndex((one) => isText(one) !== isText(merges[0]));
    if (at >= 0) wrong(merges[at], `merges[${at}]`, "a pair of tokens");
    else if (other >= 0) {
      wrong(merges[other], `merges[${other}]`, "the form of the first pair");
    }
  }
}

function checkAdded(added: unknown, problems: string[]): void {
  if (!Array.isArray(added)) {
    problems.push(`"added_tokens" is ${shown(added)}, expected a list`);
    return;
  }
  for (const [i, token] of added.entries()) {
    if (isRecord(token) && isText(token["content"]) && isId(token["id"])) {
      continue;
    }
    problems.push(
      `"added_tokens[${i}]" is ${
        shown(token)
      }, expected "content" and an "id" below ${MOST_IDS}`,
    );
  }
}

/** Checks what stands before, between and after texts: tokens and texts by their names. */
function checkTemplate(form: unknown, at: string, problems: string[]): void {
  const isPiece = (piece: unknown) => {
    if (!isRecord(piece)) return false;
    const one = piece["SpecialToken"] ?? piece["Sequence"];
    return isRecord(one) && isText(one["id"]);
  };
  if (Array.isArray(form) && form.every(isPiece)) return;
  problems.push(
    `"${at}" is ${shown(form)}, expected a list of SpecialToken and Sequence`,
  );
}

function checkPart(
  part: unknown,
  name: string,
  { key, problems, level = 0 }: {
    readonly key: string;
    readonly problems: string[];
    readonly level?: number;
  },
): void {
  if (part === null && level === 0) return;
  if (!isRecord(part) || !isText(part["type"])) {
    problems.push(
      `"${name}" is ${shown(part)}, expected an object with a "type"`,
    );
    return;
  }
  const { pattern } = part;
  const isNeeded = NEED_PATTERN.includes(part["type"]);
  const isPattern = pattern === undefined && !isNeeded || isRecord(pattern) &&
      (isText(pattern["Regex"]) || isText(pattern["String"]));
  if (!isPattern) {
    problems.push(
      `"${name}.pattern" is ${shown(pattern)}, expected "Regex" or "String"`,
    );
  }
  if (part["type"] === "TemplateProcessing") {
    for (const form of ["single", "pair"]) {
      checkTemplate(part[form] ?? [], `${name}.${form}`, problems);
    }
  }
  if (part["type"] !== "Sequence") return;
  const parts = part[key];
  if (!Array.isArray(parts) || level === MOST_LEVELS) {
    problems.push(
      `"${name}.${key}" is ${
        shown(parts)
      }, expected a list of parts, at most ${MOST_LEVELS} in each other`,
    );
    return;
  }
  for (const [i, inner] of parts.entries()) {
    checkPart(inner, `${name}.${key}[${i}]`, {
      key,
      problems,
      level: level + 1,
    });
  }
}
