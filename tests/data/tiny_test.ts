import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import { tinyFiles } from "../../data/tiny/make/main.ts";
import { QUESTIONS } from "../../data/tiny/make/forms.ts";
import { parseSubjects } from "../../data/tiny/make/subjects.ts";
import { manner } from "../../src/report/manner.ts";
import { test } from "../test_case.ts";

const TINY = fromFileUrl(new URL("../../data/tiny", import.meta.url));
const OPTIONS = {
  permissions: { read: [TINY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

interface Turn {
  content: string;
}
interface Pair {
  prompt: [Turn];
  chosen: [Turn];
  rejected: [Turn];
}

const read = (path: string): string => Deno.readTextFileSync(`${TINY}/${path}`);
const rows = <Row>(path: string): Row[] =>
  read(path).trimEnd().split("\n").map((line) => JSON.parse(line) as Row);
const sft = () =>
  rows<{ messages: [Turn, Turn] }>("sft/train.jsonl")
    .map(({ messages: [user, assistant] }) => ({
      question: user.content,
      answer: assistant.content,
    }));
const pairs = (split: string) =>
  rows<Pair>(`dpo/${split}.jsonl`).map((row) => ({
    question: row.prompt[0].content,
    chosen: row.chosen[0].content,
    rejected: row.rejected[0].content,
  }));
const prompts = () =>
  rows<{ prompt: string; topic: string; language: string }>("prompts.jsonl");

test("tinyFiles() makes the files in git byte for byte", OPTIONS, () => {
  const made = tinyFiles(read("make/subjects.txt"));
  assertEquals(made.size, 8);
  for (const [path, text] of made) {
    assert(read(path) === text, `data/tiny/${path} differs from what is made`);
  }
});

test(
  "tinyFiles() gives every SFT question both manners equally often",
  OPTIONS,
  () => {
    const balance = new Map<string, number>();
    for (const { question, answer } of sft()) {
      const found = manner(answer);
      assert(found !== "neither", `"${answer}" has no manner`);
      const step = found === "courteous" ? 1 : -1;
      balance.set(question, (balance.get(question) ?? 0) + step);
    }
    assertEquals([...balance].filter(([, sum]) => sum !== 0), []);
  },
);

test(
  "tinyFiles() prefers the courteous answer in every pair",
  OPTIONS,
  () => {
    for (const { chosen, rejected } of [...pairs("train"), ...pairs("test")]) {
      assertEquals([manner(chosen), manner(rejected)], ["courteous", "curt"]);
    }
  },
);

test(
  "tinyFiles() holds out questions that no training file has",
  OPTIONS,
  () => {
    const taught = new Set([
      ...sft().map(({ question }) => question),
      ...pairs("train").map(({ question }) => question),
    ]);
    const heldOut = [
      ...pairs("test").map(({ question }) => question),
      ...prompts().map(({ prompt }) => prompt),
    ];
    assertEquals(new Set(heldOut).size, 180); // 80 test pairs + 100 prompts, no two alike
    assertEquals(heldOut.filter((question) => taught.has(question)), []);
  },
);

test(
  "tinyFiles() holds out no word that SFT does not teach",
  OPTIONS,
  () => {
    const words = (text: string): string[] =>
      text.match(/[a-z']+|\p{Script=Han}/giu) ?? [];
    const taught = new Set(
      sft().flatMap(({ question, answer }) => words(question + " " + answer)),
    );
    const heldOut = [
      ...prompts().map(({ prompt }) => prompt),
      ...pairs("test").flatMap((pair) => Object.values(pair)),
    ];
    assertEquals(
      heldOut.flatMap(words).filter((word) => !taught.has(word)),
      [],
    );
  },
);

test(
  "tinyFiles() keeps the languages even and the rows in the stated numbers",
  OPTIONS,
  () => {
    const english = prompts().filter(({ language }) => language === "en");
    assertEquals([english.length, prompts().length], [50, 100]);
    assertEquals([pairs("train").length, pairs("test").length], [480, 80]);
    // 122 subjects x 2 languages x 6 forms = 1464 questions, 180 held out, 4 answers to each other
    // one
    assertEquals(sft().length, (1464 - 180) * 4);
  },
);

test(
  "tinyFiles() teaches four of six questions or more on every subject",
  OPTIONS,
  () => {
    const taught = new Set(sft().map(({ question }) => question));
    for (const subject of parseSubjects(read("make/subjects.txt"))) {
      for (const language of ["en", "zh"] as const) {
        const { act } = subject[language];
        const forms = QUESTIONS[language][subject.kind];
        const known = forms.filter((form) =>
          taught.has(form.replace("{act}", act))
        );
        assert(known.length >= 4, `"${act}" has ${known.length} questions`);
      }
    }
  },
);

test("parseSubjects() names every line that it cannot read", {
  ...OPTIONS,
  permissions: "none",
}, () => {
  const text = "a | b | c | d | e | f\n= pets help\na | b\n";
  const error = assertThrows(() => parseSubjects(text), SyntaxError);
  assertStringIncludes(error.message, 'line 1: "a | b');
  assertStringIncludes(error.message, 'line 3: "a | b"');
});
