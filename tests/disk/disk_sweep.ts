/**
 * Lets every call of the disk fail in turn under a piece of work: what was there is whole, the
 * message says what happened, and the next start on a healthy disk ends as if nothing had. Knows no
 * task of its own.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname } from "@std/path";
import { listenToNotes } from "../../src/base/notes.ts";
import { useDisk } from "../../src/files/disk.ts";
import { withoutTemporaryNames } from "../../src/files/file_names.ts";
import {
  type Call,
  canFail,
  type DiskFault,
  type FailingDisk,
  failingDisk,
  type PlannedFault,
} from "./failing_disk.ts";
import { type Cut, type PoweredDisk, poweredDisk } from "./powered_disk.ts";

/** The bytes of files, by their paths. */
export type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** A piece of work on files, as a user starts it. */
export interface DiskTask {
  /** What is there before. */
  readonly before: Files;
  /** Does it, or goes on with what an earlier start left. */
  readonly run: () => Promise<unknown>;
  /** The files that must be the same in the end, however it came there. */
  readonly ends: RegExp;
  /** Files that the work may change or remove at any time. */
  readonly free?: RegExp;
  /** Files that the work adds to: they begin as they were. */
  readonly grows?: RegExp;
  /** Files that go as soon as all of others are there as they are in the end. */
  readonly replaced?: { readonly old: RegExp; readonly by: RegExp };
}

/** Kinds of faults; `read` is one of a call that reads. */
export const FAULTS = [
  "ENOSPC",
  "EIO",
  "EACCES",
  "short",
  "full",
  "read-only",
  "power",
  "read",
] as const;

/** The name of a kind. */
export type FaultName = typeof FAULTS[number];

/** What came of the faults of a kind. */
export interface FaultCounts {
  /** The work ended with an error that says what happened. */
  refused: number;
  /** It went on: what failed was told, or is nobody's loss. */
  wentOn: number;
}

/** How often what came of a task. */
export interface SweepCounts {
  readonly writingCalls: number;
  readonly filesRead: number;
  readonly by: Record<FaultName, FaultCounts>;
  /** Starts after faults that ended the work; equal files are started on once. */
  nextStarts: number;
  /** What was not as it should be. */
  readonly wrong: string[];
}

/** A disk with files. */
export function diskOf(files: Files): PoweredDisk {
  const disk = poweredDisk();
  for (const [path, bytes] of files) disk.put(path, bytes.slice());
  return disk;
}

/** Makes identifiers in order, so that equal work leaves equal files. */
function countedIds(first: number): Disposable {
  const usual = crypto.randomUUID;
  let next = first;
  crypto.randomUUID = () =>
    `${(next++).toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
  return {
    [Symbol.dispose]: () => {
      crypto.randomUUID = usual;
    },
  };
}

/** What became of one try. */
interface Tried {
  readonly disk: FailingDisk;
  readonly under: PoweredDisk;
  /** Undefined if the work ended well. */
  readonly message: string | undefined;
  readonly told: readonly string[];
}

async function attempt(task: DiskTask, fault?: PlannedFault): Promise<Tried> {
  const under = diskOf(task.before);
  const disk = failingDisk(under, fault);
  const told: string[] = [];
  using _ids = countedIds(0);
  using _notes = listenToNotes((sentence) => told.push(sentence));
  using _disk = useDisk(disk);
  const message = await task.run().then(
    () => undefined,
    (error: Error) => error.message,
  );
  return { disk, under, message, told };
}

const FULL = /No space left on device \(os error 28\).*free space there/;

/** What a message says of each fault. */
const ADVICE: Readonly<Record<Exclude<DiskFault, "short" | "power">, RegExp>> =
  {
    ENOSPC: FULL,
    full: FULL,
    EIO: /Input\/output error \(os error 5\).*the disk may be failing/,
    EACCES: /Permission denied \(os error 13\).*give the right to it/,
    "read-only": /Read-only file system \(os error 30\).*it can only be read/,
  };

/** Whether two files are there with the same bytes, or neither is. */
function isSame(one?: Uint8Array, other?: Uint8Array): boolean {
  return one === other ||
    (one !== undefined && other !== undefined &&
      Buffer.compare(one, other) === 0);
}

/** Fails if the files that the work is about are not as they should be. */
function checkEnds(left: Files, end: Files, { ends }: DiskTask): void {
  const isWrong = (path: string) =>
    // a lock that is left over locks nobody out
    ends.test(path) && !path.endsWith(".lock") &&
    !isSame(left.get(path), end.get(path));
  const paths = new Set([...left.keys(), ...end.keys()]);
  assertEquals([...paths].filter(isWrong), [], "these files are not right");
}

/** What fails without a word: nothing is lost by it. */
function isNobodysLoss({ call, path }: Call): boolean {
  return call === "remove" || /\.lock$/.test(path);
}

/** What a message may call a path: a probe of a folder stands for it. */
function namesOf(path: string): string[] {
  const isProbe = /options\.json\.[0-9a-f]{8}\.tmp$/.test(path);
  return [withoutTemporaryNames(path), ...isProbe ? [dirname(path)] : []];
}

function checkMessage({ message, told, disk }: Tried, kind: DiskFault): void {
  if (kind === "power") return; // nobody is there to read it
  if (kind === "short") return assertEquals(message, undefined);
  const { failed } = disk;
  if (message === undefined) {
    assert(told.length > 0 || failed.every(isNobodysLoss), "nothing told");
    return;
  }
  assertMatch(message, /^Cannot [^\n]*"[^"]+"[^\n]*$/);
  assertMatch(message, ADVICE[kind]);
  // what is removed after a fault is tidied away, and does not hide it
  const causes = failed.filter((call) => !isNobodysLoss(call));
  const named = (causes.length > 0 ? causes : failed).find(({ path }) =>
    namesOf(path).some((name) => message.includes(`"${name}"`))
  );
  assert(named !== undefined, "it names another file than the one that failed");
  if (named.call === "write") {
    assertMatch(message, /\d+ bytes were to be written/);
  }
}

/** Each earlier file is there as it was, or as it is to be in the end. */
function checkEarlier(left: Files, task: DiskTask, end: Files): void {
  // what steps aside for its successor comes back at the next start
  const aside = new Map(
    [...left].map(([path, bytes]) =>
      [path.replace(/\/\.([^/]+)\.[0-9a-f]{8}\.old\//, "/$1/"), bytes] as const
    ),
  );
  const { free, grows, replaced } = task;
  const isReplaced = replaced !== undefined &&
    [...end].every(([path, bytes]) =>
      !replaced.by.test(path) || isSame(left.get(path), bytes)
    );
  for (const [path, bytes] of task.before) {
    if (free?.test(path)) continue;
    const found = left.get(path) ?? aside.get(path);
    const isWhole = isSame(found, bytes) || isSame(found, end.get(path)) ||
      (grows?.test(path) && isSame(found?.subarray(0, bytes.length), bytes)) ||
      (isReplaced && replaced.old.test(path) && found === undefined);
    assert(isWhole, `${path} is ${found === undefined ? "gone" : "damaged"}`);
  }
}

/** A sweep under way: what its task leaves without a fault, and what was seen so far. */
interface Sweep {
  readonly task: DiskTask;
  readonly end: Files;
  readonly counts: SweepCounts;
  /** What came of the next start from files that were left; undefined if all was right. */
  readonly known: Map<string, string | undefined>;
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** One text for equal files, whatever the time and their temporary names. */
function digestOf(files: Files): string {
  const hash = createHash("sha256");
  for (const [path, bytes] of files) {
    const name = path.replace(/\.[0-9a-f]{8}\.(tmp|old)(?=\/|$)/g, ".$1");
    const text = bytes.length < 100_000
      ? new TextDecoder("latin1").decode(bytes).replace(TIME, "")
      : bytes;
    hash.update(`${name}\n${text.length}\n`).update(text);
  }
  return hash.digest("hex");
}

/** Starts once more on what was left, and compares the end. */
async function checkNextStart(under: PoweredDisk, sweep: Sweep): Promise<void> {
  const { task, end, known } = sweep;
  const digest = digestOf(under.files());
  if (!known.has(digest)) {
    sweep.counts.nextStarts++;
    using _ids = countedIds(1 << 20);
    using _disk = useDisk(under);
    const wrong = await task.run().then(
      () => checkEnds(under.files(), end, task),
    ).then(
      () => undefined,
      ({ message }: Error) => `the next start: ${message}`,
    );
    known.set(digest, wrong);
  }
  const wrong = known.get(digest);
  if (wrong !== undefined) throw new Error(wrong);
}

const CUTS: readonly Cut[] = ["names and bytes", "bytes"];

/** One fault. */
async function tryFault(
  name: FaultName,
  fault: PlannedFault,
  sweep: Sweep,
): Promise<void> {
  const { task, end, counts } = sweep;
  const tried = await attempt(task, fault);
  const [first] = tried.disk.failed;
  if (first === undefined) return; // another way was taken, as after a damaged cache
  counts.by[name][tried.message === undefined ? "wentOn" : "refused"]++;
  const check = async (under: PoweredDisk, what: string) => {
    try {
      checkMessage(tried, fault.kind);
      checkEarlier(under.files(), task, end);
      // what ended well is there, and survives what comes later
      if (tried.message !== undefined) await checkNextStart(under, sweep);
      else checkEnds(under.files(), end, task);
    } catch (error) {
      const said = tried.message ?? tried.told.join("; ");
      counts.wrong.push(
        `${what} at ${first.call} "${first.path}" (${fault.at}), which said "${said}": ${
          (error as Error).message
        }`,
      );
    }
  };
  if (name !== "power") return await check(tried.under, name);
  for (const cut of CUTS) {
    const under = tried.under.copy();
    under.cut(cut);
    await check(under, `a power cut that loses ${cut}`);
  }
}

/** So many of a list, evenly, with the first and the last. */
function some<T>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return [...all];
  return Array.from(
    { length: count },
    (_, i) => all[Math.round(i * (all.length - 1) / Math.max(1, count - 1))]!,
  );
}

type NamedFault = readonly [FaultName, PlannedFault];

/** All faults: each kind at every writing call, and one at four reads of each file. */
function allFaults({ disk }: Tried): NamedFault[] {
  const writing = disk.calls.flatMap((call, at) =>
    FAULTS.flatMap((kind) =>
      kind !== "read" && canFail(kind, call)
        ? [[kind, { at, kind }] as const]
        : []
    )
  );
  const reading = [...disk.reads].flatMap(([readOf, number]) =>
    [...new Set([0, 1, number >> 1, number - 1])].filter((at) => at < number)
      .map((at) => {
        const kind = at === 0 ? "EACCES" as const : "EIO" as const;
        return ["read", { at, kind, readOf }] as const;
      })
  );
  return [...writing, ...reading];
}

/**
 * Lets the calls of a task fail in turn.
 *
 * @param count most faults of writing calls, spread evenly, and half as many of reads; default: all
 */
export async function sweepDisk(
  task: DiskTask,
  count = Number.MAX_SAFE_INTEGER,
): Promise<SweepCounts> {
  const healthy = await attempt(task);
  assertEquals(healthy.message, undefined);
  const end = healthy.under.files();
  assert(end.keys().some((path) => task.ends.test(path)), "no file to compare");
  const counts: SweepCounts = {
    writingCalls: healthy.disk.calls.length,
    filesRead: healthy.disk.reads.size,
    by: Object.fromEntries(
      FAULTS.map((name) => [name, { refused: 0, wentOn: 0 }]),
    ) as SweepCounts["by"],
    nextStarts: 0,
    wrong: [],
  };
  const sweep = { task, end, counts, known: new Map() };
  const faults = allFaults(healthy);
  const writing = faults.filter(([name]) => name !== "read");
  const reading = faults.filter(([name]) => name === "read");
  const tried = [
    ...some(writing, count),
    ...some(reading, Math.ceil(count / 2)),
  ];
  for (const [name, fault] of tried) await tryFault(name, fault, sweep);
  return counts;
}

/** The counts as a row of a table: refused and gone on, by kind of fault. */
export function countsRow(name: string, counts: SweepCounts): string {
  const cells = FAULTS.map((fault) => {
    const { refused, wentOn } = counts.by[fault];
    return fault === "power" ? refused + wentOn : `${refused} + ${wentOn}`;
  });
  const { writingCalls, filesRead, nextStarts, wrong } = counts;
  const all = [name, writingCalls, filesRead, ...cells, nextStarts];
  return `| ${[...all, wrong.length].join(" | ")} |`;
}
