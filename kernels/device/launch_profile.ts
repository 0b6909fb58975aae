/**
 * How long each launch took, by timestamps on the device: every launch is a pass of its own, so a
 * profiled run is somewhat slower. The time between two passes belongs to the copies recorded
 * there, if there are any. Knows names of kernels only.
 */
import type { Answers } from "./answers.ts";
import {
  type LaunchTimer,
  LIGHT_LAUNCHES_PER_SUBMISSION,
  type Recorder,
} from "./recorder.ts";

/** What all launches of a kernel came to. */
export interface KernelTime {
  /** The kernel's name; `COPIES` for what lies between passes. */
  readonly name: string;
  readonly launches: number;
  readonly seconds: number;
}

/** Timestamps of one device. */
export interface LaunchProfile extends LaunchTimer {
  /** All times, the longest first, once everything is submitted. Ends the profile. */
  times(): Promise<KernelTime[]>;
}

/** Name of the copies among the kernels. */
export const COPIES = "copies";
const STAMP_BYTES = 8;
/**
 * Most stamps of one submission: two for each launch, for copies that come first, and for those
 * that come last.
 */
const SUBMISSION_STAMPS = 2 * (LIGHT_LAUNCHES_PER_SUBMISSION + 2);
/** Stamps between two reads. */
const STAMPS = 1 << 20;
const ALIGNMENT = 256 / STAMP_BYTES;

interface Launch {
  readonly name: string;
  /** Index of the first of its two stamps. */
  readonly stamp: number;
  /** Where the copies before it began: index of a stamp. */
  readonly since: number | undefined;
}

/**
 * Starts to time what a recorder launches; the result ends that.
 *
 * @throws {TypeError} if the device has no timestamps
 */
export function startProfile(
  gpu: GPUDevice,
  recorder: Recorder,
  answers: Answers,
): () => Promise<KernelTime[]> {
  const profile = createLaunchProfile(gpu, answers);
  recorder.time(profile);
  return () => {
    recorder.time(undefined);
    return profile.times();
  };
}

function createLaunchProfile(
  gpu: GPUDevice,
  answers: Answers,
): LaunchProfile {
  if (!gpu.features.has("timestamp-query")) {
    throw new TypeError(
      'Cannot profile launches: the device has no feature "timestamp-query"',
    );
  }
  const querySet = gpu.createQuerySet({
    type: "timestamp",
    count: SUBMISSION_STAMPS,
  });
  const stamps = gpu.createBuffer({
    label: "timestamps",
    size: STAMPS * STAMP_BYTES,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const launches: Launch[] = [];
  /** Stamps of earlier submissions, and of this one. */
  let base = 0;
  let used = 0;
  let copies = false;

  function pass(name: string): GPUComputePassDescriptor {
    const stamp = base + used;
    const since = copies && used > 0 ? stamp - 1 : undefined;
    launches.push({ name, stamp, since });
    copies = false;
    used += 2;
    return {
      timestampWrites: {
        querySet,
        beginningOfPassWriteIndex: used - 2,
        endOfPassWriteIndex: used - 1,
      },
    };
  }

  return {
    pass,
    copied(encoder) {
      // an empty pass marks where copies begin that come first
      if (used === 0) encoder.beginComputePass(pass(COPIES)).end();
      copies = true;
    },
    resolve(encoder) {
      if (copies) encoder.beginComputePass(pass(COPIES)).end();
      if (used === 0) return;
      encoder.resolveQuerySet(querySet, 0, used, stamps, base * STAMP_BYTES);
      base += Math.ceil(used / ALIGNMENT) * ALIGNMENT;
      used = 0;
      if (base + SUBMISSION_STAMPS <= STAMPS) return;
      throw new RangeError(
        `Cannot profile so many launches: more than ${
          STAMPS / 2
        }, expected fewer`,
      );
    },
    async times() {
      const values = await readStamps(
        gpu,
        answers,
        stamps,
        Math.max(base, 1) * STAMP_BYTES,
      );
      querySet.destroy();
      stamps.destroy();
      return timesOf(launches, values);
    },
  };
}

async function readStamps(
  gpu: GPUDevice,
  answers: Answers,
  stamps: GPUBuffer,
  size: number,
): Promise<BigUint64Array> {
  const staging = gpu.createBuffer({
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(stamps, 0, staging, 0, size);
  gpu.queue.submit([encoder.finish()]);
  await answers.wait(() => staging.mapAsync(GPUMapMode.READ));
  const values = new BigUint64Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return values;
}

function timesOf(
  launches: readonly Launch[],
  stamps: BigUint64Array,
): KernelTime[] {
  const times = new Map<string, { launches: number; seconds: number }>();
  const add = (name: string, from: number, to: number) => {
    const time = times.get(name) ?? { launches: 0, seconds: 0 };
    times.set(name, time);
    time.launches++;
    time.seconds += Number(stamps[to]! - stamps[from]!) / 1e9;
  };
  for (const { name, stamp, since } of launches) {
    if (name !== COPIES) add(name, stamp, stamp + 1);
    if (since !== undefined) add(COPIES, since, stamp);
  }
  return [...times].map(([name, time]) => ({ name, ...time }))
    .sort((a, b) => b.seconds - a.seconds);
}
