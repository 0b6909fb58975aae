/**
 * Runs the inputs of a target one after the other, in a worker, so that one that hangs can be
 * ended. The number of the input at hand stands in memory that is shared with the watcher.
 */
import { setImmediate } from "node:timers";
import { Chance } from "./chance.ts";
import { foreignReason } from "./foreign_error.ts";
import { Broken, type DrawInput } from "./fuzz_target.ts";
import { COUNT, type FuzzJob, type WorkerWord } from "./fuzz_job.ts";
import { TARGETS } from "./targets.ts";

/** What a worker has and a page has not. */
const self = globalThis as unknown as {
  postMessage(word: WorkerWord): void;
  onmessage: (event: MessageEvent<FuzzJob>) => Promise<void>;
};
const say = (word: WorkerWord) => self.postMessage(word);

let rejected: unknown;
let isRejected = false;
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  isRejected = true;
  rejected = event.reason;
});

/** Lets rejections that nobody handles come to light. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What every object has, and nobody may change. */
const OBJECT_KEYS = Reflect.ownKeys(Object.prototype).length;
const ARRAY_KEYS = Reflect.ownKeys(Array.prototype).length;

function checkPrototypes(): void {
  if (
    Reflect.ownKeys(Object.prototype).length !== OBJECT_KEYS ||
    Reflect.ownKeys(Array.prototype).length !== ARRAY_KEYS
  ) throw new Broken("Object.prototype or Array.prototype was changed");
}

/** Why an error is a fault; undefined if the input was refused as it should be. */
function faultOf(error: unknown): string | undefined {
  if (error instanceof Broken) return error.message;
  const reason = foreignReason(error);
  if (reason === undefined) return undefined;
  if (!(error instanceof Error)) return `${reason}: ${error}`;
  // the innermost place of ours
  const [place = "nowhere"] =
    /(?:src|kernels)\/[\w/.]+:\d+/.exec(error.stack ?? "") ?? [];
  const words = `${error.constructor.name}: ${error.message.slice(0, 300)}`;
  return `${reason}, at ${place}: ${words}`;
}

/** How an input ended. */
async function end(
  draw: DrawInput,
  { seed, show }: FuzzJob,
  input: number,
): Promise<{ accepted: boolean; fault?: string | undefined; words: string }> {
  const { words, run, show: text } = draw(new Chance(seed, input));
  if (show) say({ kind: "text", text: text() });
  let result: unknown;
  try {
    result = run();
    if (result instanceof Promise) {
      await result;
      await settle();
    }
    checkPrototypes();
    if (!isRejected) return { accepted: true, words };
  } catch (error) {
    if (result instanceof Promise) await settle();
    const fault = faultOf(error);
    if (!isRejected) return { accepted: false, fault, words };
  }
  isRejected = false;
  const reason = rejected instanceof Error ? rejected.message : rejected;
  return {
    accepted: false,
    fault: `a rejected promise that nobody handles: ${reason}`,
    words,
  };
}

self.onmessage = async ({ data }) => {
  const { target, from, most, only, shared } = data;
  const counts = new Int32Array(shared);
  const draw = await TARGETS[target]!();
  const first = only ?? from;
  const last = only ?? from + most - 1;
  for (let input = first; input <= last; input++) {
    Atomics.store(counts, COUNT.input, input);
    Atomics.store(counts, COUNT.runs, 1);
    const { accepted, fault, words } = await end(draw, data, input);
    Atomics.store(counts, COUNT.runs, 0);
    if (fault !== undefined) say({ kind: "fault", input, words, fault });
    Atomics.add(counts, accepted ? COUNT.accepted : COUNT.refused, 1);
    if (Atomics.load(counts, COUNT.stop) === 1) break;
  }
  say({ kind: "done" });
};
