/**
 * Checks each pipeline of a device once against the CPU and remembers the right ones, so that a
 * later process only looks them up. What is remembered is a list of hashes: a damaged one is that
 * of no pipeline.
 */
import { kernelSource } from "../device/kernel.ts";
import type {
  Pipeline,
  PipelineChecks,
  PipelineOptions,
} from "../device/pipelines.ts";
import {
  type Difference,
  launchCheck,
  prepareCheck,
} from "./check_pipeline.ts";

/** Texts under keys. A store that cannot be read has none, one that cannot be written forgets. */
export interface CheckStore {
  /** The text under a key; undefined if there is none. */
  read(key: string): Promise<string | undefined>;
  /** Keeps a text under a key. */
  write(key: string, text: string): Promise<void>;
}

/** Counts up where a check finds more than before: everything is then checked anew. */
const VERSION = 1;
/** Checks that the device has at once: each holds some MB. */
const AT_ONCE = 16;

interface Made {
  readonly pipeline: Pipeline;
  readonly options: PipelineOptions;
}

/**
 * Checks for one device.
 *
 * @param store where right pipelines are remembered; default: nowhere
 */
export function createKernelChecks(store?: CheckStore): PipelineChecks {
  let pending: Made[] = [];
  let known: Promise<Set<string>> | undefined;
  let key = "";
  // reads that run at once wait for one another's checks, and what was refused once stays so
  let settling: Promise<void> | undefined;
  const check = async (gpu: GPUDevice, description: string) => {
    const made = pending;
    pending = [];
    // another driver, another width of vectors or another Deno is another name
    key ||= await hashOf("checked", description, navigator.userAgent);
    known ??= readKnown(store, key);
    const right = await known;
    const unknown = await notIn(right, made);
    if (unknown.size === 0) return;
    const wrong = await differences(gpu, [...unknown.values()]);
    if (wrong.length > 0) throw refusal(description, wrong);
    for (const hash of unknown.keys()) right.add(hash);
    const kept = { device: description, right: [...right].sort() };
    await store?.write(key, `${JSON.stringify(kept, null, 1)}\n`);
  };
  return {
    made: (pipeline, options) => void pending.push({ pipeline, options }),
    get isPending() {
      return pending.length > 0 || settling !== undefined;
    },
    async settle(gpu, description) {
      const mine = (settling ?? Promise.resolve())
        .then(() => check(gpu, description));
      settling = mine;
      await mine;
      if (settling === mine) settling = undefined;
    },
  };
}

async function readKnown(
  store: CheckStore | undefined,
  key: string,
): Promise<Set<string>> {
  const text = await store?.read(key);
  if (text === undefined) return new Set();
  try {
    const kept: unknown = JSON.parse(text);
    const isKept = typeof kept === "object" && kept !== null &&
      "right" in kept && Array.isArray(kept.right);
    return new Set(isKept ? kept.right as string[] : []);
  } catch {
    return new Set(); // a broken text is made anew
  }
}

/** What is not remembered, by its hash. */
async function notIn(
  right: ReadonlySet<string>,
  made: readonly Made[],
): Promise<Map<string, Made>> {
  const hashes = await Promise.all(
    made.map(({ pipeline: { kernel }, options }) => {
      const { constants = {}, aliases = {} } = options;
      const text = kernelSource(kernel, aliases);
      return hashOf(kernel.name, JSON.stringify(constants), text);
    }),
  );
  const unknown = new Map<string, Made>();
  for (const [i, hash] of hashes.entries()) {
    if (!right.has(hash)) unknown.set(hash, made[i]!);
  }
  return unknown;
}

async function hashOf(...words: string[]): Promise<string> {
  const bytes = new TextEncoder().encode([VERSION, ...words].join("\0"));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex().slice(0, 32);
}

/** Where pipelines differ from the CPU, with one wait for some of them. */
async function differences(
  gpu: GPUDevice,
  made: readonly Made[],
): Promise<Difference[]> {
  const found: Difference[] = [];
  for (let first = 0; first < made.length; first += AT_ONCE) {
    const running = made.slice(first, first + AT_ONCE).map((
      { pipeline, options },
    ) => launchCheck(gpu, pipeline, prepareCheck(pipeline.kernel, options)));
    await Promise.all(running.map(({ done }) => done));
    for (const check of running) {
      const difference = check.compare();
      if (difference) found.push(difference);
      check.destroy();
    }
  }
  return found;
}

function refusal(device: string, wrong: readonly Difference[]): Error {
  const names = [...new Set(wrong.map(({ kernel }) => `"${kernel}"`))];
  const { kernel, place, found, wanted } = wrong[0]!;
  const others = names.length > 1
    ? ` (and so are ${names.slice(1, 4).join(", ")}${
      names.length > 4 ? ` and ${names.length - 4} more` : ""
    })`
    : "";
  return new Error(
    `Cannot use WebGPU device "${device.trim()}": its driver computes kernel "${kernel}" wrongly${others}: found ${place} = ${found}, wanted ${wanted}; update the graphics driver, empty its cache of compiled shaders, or name another driver in VK_DRIVER_FILES`,
  );
}
