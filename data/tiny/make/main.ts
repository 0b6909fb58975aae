/**
 * Writes the embedded corpus, its tokenizer and the bare config of the tiny model.
 * Run by `deno task make-tiny`; the same source gives the same bytes on every machine.
 */
import { fromFileUrl, join } from "@std/path";
import { countWords, trainBpe } from "./bpe.ts";
import { type Corpus, makeCorpus } from "./corpus.ts";
import { LEARNED_TOKENS, modelFiles } from "./model_files.ts";
import { parseSubjects } from "./subjects.ts";

const TINY = fromFileUrl(new URL("..", import.meta.url));

const lines = (rows: readonly unknown[]): string =>
  rows.map((row) => JSON.stringify(row) + "\n").join("");

/** What ChatML puts between its marks for each SFT row: role, newline, content. */
function trainingTexts({ sft }: Corpus): string[] {
  return sft.flatMap(({ messages }) =>
    messages.map(({ role, content }) => `${role}\n${content}`)
  );
}

/**
 * Every file of `data/tiny` that is made, by its path below that folder.
 *
 * @param subjects the text of subjects.txt
 */
export function tinyFiles(subjects: string): Map<string, string> {
  const corpus = makeCorpus(parseSubjects(subjects));
  const words = countWords(trainingTexts(corpus));
  const model = modelFiles(trainBpe(words, LEARNED_TOKENS));
  return new Map([
    ["sft/train.jsonl", lines(corpus.sft)],
    ["dpo/train.jsonl", lines(corpus.dpoTrain)],
    ["dpo/test.jsonl", lines(corpus.dpoTest)],
    ["prompts.jsonl", lines(corpus.prompts)],
    ...Object.entries(model).map(([name, value]): [string, string] => [
      `model/${name}`,
      JSON.stringify(value, null, 2) + "\n",
    ]),
  ]);
}

if (import.meta.main) {
  const subjects = Deno.readTextFileSync(join(TINY, "make", "subjects.txt"));
  for (const folder of ["sft", "dpo", "model"]) {
    Deno.mkdirSync(join(TINY, folder), { recursive: true });
  }
  for (const [path, text] of tinyFiles(subjects)) {
    Deno.writeTextFileSync(join(TINY, path), text);
    // deno-lint-ignore no-console -- this program is a task of its own
    console.log(`data/tiny/${path}: ${new Blob([text]).size} bytes`);
  }
}
