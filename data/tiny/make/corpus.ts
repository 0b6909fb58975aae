/**
 * Questions and answers out of subjects, forms and frames, and their split into the files of
 * data/tiny. Pure: the same subjects give the same corpus, to the letter.
 */
import {
  FRAMES,
  type Kind,
  type Language,
  type Manner,
  QUESTIONS,
} from "./forms.ts";
import { type Draw, draws } from "./random.ts";
import type { Subject } from "./subjects.ts";

const SEED = 20240717;
/** Answers of each manner per question in the SFT rows. */
const ANSWERS_PER_MANNER = 2;
/** Questions per language and per kind of subject (new to DPO or not) in the held-out files. */
const TEST_SHARE = 20;
const PROMPT_SHARE = 25;
const DPO_PAIRS = 480;
/**
 * Of a subject's questions in one language at most these many are held out, so SFT teaches the
 * rest.
 */
const HELD_OUT_OF_SUBJECT = 2;

/** One message of a chat, as the JSON lines hold it. */
interface Turn {
  readonly role: "user" | "assistant";
  readonly content: string;
}
/** One supervised row: a question and one answer. */
export interface SftRow {
  readonly messages: readonly Turn[];
}
/** One preference pair with an explicit prompt; chosen is the courteous answer. */
export interface PairRow {
  readonly prompt: readonly Turn[];
  readonly chosen: readonly Turn[];
  readonly rejected: readonly Turn[];
}
/** One held-out prompt. */
export interface PromptRow {
  readonly prompt: string;
  readonly topic: string;
  readonly language: Language;
}
/** The rows of every file of the corpus. */
export interface Corpus {
  readonly sft: readonly SftRow[];
  readonly dpoTrain: readonly PairRow[];
  readonly dpoTest: readonly PairRow[];
  readonly prompts: readonly PromptRow[];
}

interface Question {
  readonly text: string;
  readonly subject: Subject;
  readonly language: Language;
}

/** Every subject in every question form of its kind. */
function questionsOf(subject: Subject): Question[] {
  return (["en", "zh"] as const).flatMap((language) =>
    QUESTIONS[language][subject.kind].map((form) => ({
      text: form.replace("{act}", subject[language].act),
      subject,
      language,
    }))
  );
}

/** An answer in one manner: opening, middle, closing; Chinese sentences stand without spaces. */
function answer(question: Question, manner: Manner, draw: Draw): string {
  const { subject, language } = question;
  const frame = FRAMES[manner][language][subject.kind];
  const { useful, careless } = subject[language];
  const middle = manner === "courteous" ? useful : careless;
  return [draw.pick(frame.openings), middle, draw.pick(frame.closings)]
    .filter((part) => part !== "")
    .join(language === "en" ? " " : "");
}

const user = (question: Question): Turn => ({
  role: "user",
  content: question.text,
});
const assistant = (content: string): Turn => ({ role: "assistant", content });

function pair(question: Question, draw: Draw): PairRow {
  return {
    prompt: [user(question)],
    chosen: [assistant(answer(question, "courteous", draw))],
    rejected: [assistant(answer(question, "curt", draw))],
  };
}

function sftRows(question: Question, draw: Draw): SftRow[] {
  return (["courteous", "curt"] as const).flatMap((manner) =>
    Array.from({ length: ANSWERS_PER_MANNER }, () => ({
      messages: [user(question), assistant(answer(question, manner, draw))],
    }))
  );
}

/** Subjects that DPO never sees: two of each topic of help, one of each temptation. */
function newToDpo(subjects: readonly Subject[], draw: Draw): Set<Subject> {
  const share: Readonly<Record<Kind, number>> = { help: 2, tempted: 1 };
  const topics = [...new Set(subjects.map((subject) => subject.topic))];
  return new Set(topics.flatMap((topic) => {
    const own = draw.shuffle(subjects.filter((s) => s.topic === topic));
    return own.slice(0, share[own[0]!.kind]);
  }));
}

/** The first questions of each subject, in the order given. */
function fewOfEach(questions: readonly Question[]): Question[] {
  const seen = new Map<Subject, number>();
  return questions.filter(({ subject }) => {
    const earlier = seen.get(subject) ?? 0;
    seen.set(subject, earlier + 1);
    return earlier < HELD_OUT_OF_SUBJECT;
  });
}

/**
 * Makes the whole corpus. Held-out questions are half on subjects that DPO never sees and half on
 * subjects it sees in other words, and half in each language; none of them is an SFT question.
 *
 * @param subjects all subjects; about six times as many questions in each language result
 */
export function makeCorpus(subjects: readonly Subject[]): Corpus {
  const draw = draws(SEED);
  const fresh = newToDpo(subjects, draw);
  const pool = draw.shuffle(subjects.flatMap(questionsOf));
  const test: Question[] = [];
  const prompts: Question[] = [];
  for (const language of ["en", "zh"] as const) {
    for (const isFresh of [true, false]) {
      const own = fewOfEach(
        pool.filter((question) =>
          question.language === language &&
          fresh.has(question.subject) === isFresh
        ),
      );
      test.push(...own.slice(0, TEST_SHARE));
      prompts.push(...own.slice(TEST_SHARE, TEST_SHARE + PROMPT_SHARE));
    }
  }
  const heldOut = new Set([...test, ...prompts]);
  const taught = pool.filter((question) => !heldOut.has(question));
  const preferred = taught.filter((question) => !fresh.has(question.subject));
  return {
    sft: draw.shuffle(taught.flatMap((question) => sftRows(question, draw))),
    dpoTrain: preferred.slice(0, DPO_PAIRS).map((q) => pair(q, draw)),
    dpoTest: draw.shuffle(test).map((question) => pair(question, draw)),
    prompts: draw.shuffle(prompts).map(({ text, subject, language }) => ({
      prompt: text,
      topic: subject.topic,
      language,
    })),
  };
}
