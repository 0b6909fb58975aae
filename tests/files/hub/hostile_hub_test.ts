/**
 * A hub that does everything wrong: each case ends soon, in one line, with the weights right or not
 * there, nothing outside the folder, and the token nowhere but at the hub.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { listenToNotes } from "../../../src/base/notes.ts";
import { hasUnseen } from "../../../src/base/printable.ts";
import { downloadRepo } from "../../../src/files/hub/download_repo.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";
import {
  HOSTILE_CASES,
  type HostileCase,
  routeOf,
  usualAnswer,
  WEIGHTS,
} from "./hostile_cases.ts";
import { startHostileHub } from "./hostile_hub.ts";
import { OPTIONS as SCENE } from "./repo_scene.ts";

const TOKEN = "hf_SECRETSECRETSECRET";
const OPTIONS = {
  ...SCENE,
  permissions: { ...SCENE.permissions, net: ["127.0.0.1", "localhost"] },
};
/** Seconds and bytes that a case may take. */
const LIMIT = { seconds: 10, bytes: 1e9 };
/** How many cases run at the same time: most of their time is waiting. */
const TOGETHER = 8;

/** Names of cases in which too little comes. */
const SILENT = /silent|one by one|byte by byte/;

const namesIn = (path: string) =>
  [...Deno.readDirSync(path)].map(({ name }) => name).sort();

/**
 * Runs a case and gives what is wrong with how it ended.
 *
 * @param idle how long nothing may come, in ms; null: as long as users wait
 */
async function faultsOf(
  one: HostileCase,
  idle: number | null,
): Promise<string[]> {
  const answerOf = (path: string) => {
    const route = routeOf(path);
    const own = route === "other" ? undefined : one.answers[route];
    return own ?? usualAnswer(one.source, route);
  };
  await using hub = startHostileHub(answerOf, WEIGHTS);
  await using folder = await temporaryFolder();
  const waits: number[] = [];
  const shown: string[] = [];
  const began = performance.now();
  let end = "whole";
  try {
    await downloadRepo({
      source: one.source,
      kind: "model",
      name: "owner/name",
    }, {
      endpoint: hub.endpoint,
      token: TOKEN,
      folder: folder.file("repo"),
      ...idle === null ? {} : { idle },
      delay: (milliseconds) => Promise.resolve(void waits.push(milliseconds)),
      onProgress: (_done, _total, file) => shown.push(file),
      ...one.files && { files: one.files },
    });
  } catch (error) {
    end = error instanceof Error ? error.message : String(error);
  }
  const seconds = (performance.now() - began) / 1000;
  const path = folder.file("repo/model.safetensors");
  const weights = await Deno.readFile(path).catch(() => undefined);
  const leaks = hub.seen.filter(({ host, headers }) =>
    host === "other" && (headers.has("cookie") || headers.has("authorization"))
  );
  const expected = one.ends === "whole" ? /^whole$/ : one.ends;
  const checks: Record<string, boolean> = {
    [`ends with "${end}"`]: expected.test(end),
    [`${seconds} s`]: seconds < LIMIT.seconds,
    "more than one line": !hasUnseen(end) && end.length < 2100,
    "the token is shown": ![end, ...shown].join().includes(TOKEN),
    "the token went elsewhere": leaks.length === 0,
    "wrong weights": weights === undefined ||
      weights.every((byte, i) => byte === WEIGHTS[i]),
    "weights are missing": end !== "whole" || weights?.length === 50_000,
    "something lies outside": namesIn(folder.path).every((n) => n === "repo"),
    [`waits ${waits}`]: waits.every((wait) => wait <= 300_000),
  };
  return Object.entries(checks).filter(([, isRight]) => !isRight)
    .map(([what]) => `${one.name}: ${what}`);
}

/** Runs cases, some at a time, with an eye on the memory. */
async function check(
  cases: readonly HostileCase[],
  idle: number | null = 1200, // a loaded machine is silent for some tenths of a second
): Promise<void> {
  const notes: string[] = [];
  using _notes = listenToNotes((note) => notes.push(note));
  let bytes = 0;
  const eye = setInterval(() => {
    // of this file alone: other files of tests share the process
    const { heapTotal, external } = Deno.memoryUsage();
    bytes = Math.max(bytes, heapTotal + external);
  }, 20);
  const faults: string[] = [];
  const queue = cases.values();
  const work = async () => {
    for (const one of queue) faults.push(...await faultsOf(one, idle));
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  clearInterval(eye);
  assertEquals(faults, []);
  assert(bytes < LIMIT.bytes, `${bytes} bytes`);
  assertEquals(notes.filter((note) => note.includes(TOKEN)), []);
  for (const note of notes) {
    assertMatch(note, /; try \d comes in |lists no hash of "/);
  }
}

test("a hostile hub has more than 120 ways", () => {
  assert(HOSTILE_CASES.length >= 120, `${HOSTILE_CASES.length} cases`);
  assertEquals(
    new Set(HOSTILE_CASES.map(({ name }) => name)).size,
    HOSTILE_CASES.length,
  );
});

test(
  "downloadRepo() from a hostile hub ends soon, in one line, with nothing wrong: one case in five",
  OPTIONS,
  () => check(HOSTILE_CASES.filter((_, i) => i % 5 === 0)),
);

test(
  "downloadRepo() from a hostile hub ends soon, in one line, with nothing wrong",
  { ...OPTIONS, long: true },
  () => check(HOSTILE_CASES),
);

test(
  "downloadRepo() gives a silent listing up within 10 s by the limits that users have",
  { ...OPTIONS, long: true },
  async () => {
    const silent = HOSTILE_CASES.filter(({ name, answers }) =>
      !answers.weights && SILENT.test(name)
    );
    assert(silent.length >= 4, `${silent.length} cases`);
    await check(silent, null);
  },
);
