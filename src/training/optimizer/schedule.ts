/**
 * Learning-rate schedules: one table, each a multiplier of `learning_rate` at a step, by the
 * field's names.
 *
 * @module
 */

/** `lr_scheduler_kwargs`, by transformers' names. */
export type ScheduleKwargs = Readonly<Record<string, number | string>>;

/** What a schedule runs over. */
export interface ScheduleOptions {
  readonly lr_scheduler_type: ScheduleName;
  readonly lr_scheduler_kwargs: ScheduleKwargs;
  readonly learning_rate: number;
  /** Steps of linear rise from 0; see `resolveWarmupSteps()`. */
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

const shapes = ["linear", "cosine", "1-sqrt"] as const;

/** How a rate falls from 1 to 0; backwards, how it rises. */
type Shape = typeof shapes[number];

/** `lr_scheduler_kwargs`, once they are checked. */
interface Kwargs {
  readonly num_cycles?: number;
  readonly min_lr?: number;
  readonly min_lr_rate?: number;
  readonly warmup_lr_rate?: number;
  readonly lr_end?: number;
  readonly power?: number;
  readonly timescale?: number;
  readonly num_stable_steps?: number;
  readonly num_decay_steps?: number;
  readonly min_lr_ratio?: number;
  readonly warmup_type?: Shape;
  readonly decay_type?: Shape;
}

/** Where a run stands, and what the row was given. */
interface Point extends Kwargs {
  readonly stepsDone: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** Share of the steps after warm-up that are done; above 1 beyond the last step. */
  readonly progress: number;
  readonly learningRate: number;
}

/** A row: multipliers of the learning rate. */
interface ScheduleRow {
  /** What `lr_scheduler_kwargs` may hold. */
  readonly keys: readonly (keyof Kwargs)[];
  /** During warm-up; undefined: the row has none. */
  readonly rise: ((point: Point) => number) | undefined;
  /** Once warm-up is over. */
  readonly multiplier: (point: Point) => number;
}

/** Straight up from 0. */
function straight({ stepsDone, warmupSteps }: Point): number {
  return stepsDone / Math.max(1, warmupSteps);
}

/** 1 down to 0 along `cycles` waves of a cosine; half a wave is usual. */
function cosine(progress: number, cycles = 0.5): number {
  return Math.max(0, 0.5 * (1 + Math.cos(2 * Math.PI * cycles * progress)));
}

function fall(shape: Shape, progress: number, cycles = 0.5): number {
  if (shape === "cosine") return cosine(progress, cycles);
  return shape === "linear" ? 1 - progress : 1 - Math.sqrt(progress);
}

/** `x` of [0, 1] moved to [floor, 1]. */
function above(floor: number, x: number): number {
  return x * (1 - floor) + floor;
}

/** The floor of the cosines, as a share of the learning rate. */
function floorOf({ min_lr = 0, min_lr_rate, learningRate }: Point): number {
  return min_lr_rate ?? min_lr / learningRate;
}

const floors = ["min_lr", "min_lr_rate"] as const;

const scheduleRows = {
  linear: {
    keys: [],
    rise: straight,
    multiplier: ({ progress }) => Math.max(0, 1 - progress),
  },
  cosine: {
    keys: ["num_cycles"],
    rise: straight,
    multiplier: ({ progress, num_cycles }) => cosine(progress, num_cycles),
  },
  cosine_with_restarts: {
    keys: ["num_cycles"],
    rise: straight,
    multiplier: ({ progress, num_cycles = 1 }) =>
      progress >= 1 ? 0 : cosine(num_cycles * progress % 1),
  },
  cosine_with_min_lr: {
    keys: ["num_cycles", ...floors],
    rise: straight,
    multiplier: (point) =>
      above(floorOf(point), cosine(point.progress, point.num_cycles)),
  },
  /** One step ahead of the others: its first rate is above 0, and the last step has the floor. */
  cosine_warmup_with_min_lr: {
    keys: ["num_cycles", ...floors, "warmup_lr_rate"],
    rise: ({ stepsDone, warmupSteps, warmup_lr_rate: first }) =>
      first === undefined
        ? (stepsDone + 1) / Math.max(1, warmupSteps)
        : above(first, stepsDone / Math.max(1, warmupSteps - 1)),
    multiplier(point) {
      const { stepsDone, warmupSteps, totalSteps, num_cycles } = point;
      const progress = (stepsDone - warmupSteps + 1) /
        Math.max(1, totalSteps - warmupSteps);
      return above(floorOf(point), cosine(progress, num_cycles));
    },
  },
  polynomial: {
    keys: ["lr_end", "power"],
    rise: straight,
    multiplier({ progress, lr_end = 1e-7, power = 1, learningRate }) {
      const floor = lr_end / learningRate;
      return progress > 1 ? floor : above(floor, (1 - progress) ** power);
    },
  },
  inverse_sqrt: {
    keys: ["timescale"],
    rise: straight,
    multiplier({ stepsDone, warmupSteps, timescale = warmupSteps || 10_000 }) {
      return Math.sqrt(timescale / (stepsDone + timescale - warmupSteps));
    },
  },
  warmup_stable_decay: {
    keys: [
      ...["num_stable_steps", "num_decay_steps", "num_cycles"] as const,
      ...["min_lr_ratio", "warmup_type", "decay_type"] as const,
    ],
    rise: (point) =>
      above(
        point.min_lr_ratio ?? 0,
        fall(point.warmup_type ?? "linear", 1 - straight(point)),
      ),
    multiplier(point) {
      const { stepsDone, warmupSteps, totalSteps } = point;
      const { num_decay_steps: decaySteps = 0, min_lr_ratio = 0 } = point;
      const stable = point.num_stable_steps ??
        totalSteps - warmupSteps - decaySteps;
      const falling = stepsDone - warmupSteps - stable;
      if (falling < 0) return 1;
      if (falling >= decaySteps) return min_lr_ratio;
      const { decay_type = "cosine", num_cycles } = point;
      const x = fall(decay_type, falling / decaySteps, num_cycles);
      return above(min_lr_ratio, x);
    },
  },
  constant: { keys: [], rise: undefined, multiplier: () => 1 },
  constant_with_warmup: { keys: [], rise: straight, multiplier: () => 1 },
} as const satisfies Readonly<Record<string, ScheduleRow>>;

/** A name in the table of schedules. */
export type ScheduleName = keyof typeof scheduleRows;

/** The names in the table of schedules. */
export const scheduleNames = Object.keys(scheduleRows) as ScheduleName[];

/**
 * The learning rate of each step: `rate(n)` is what the optimizer uses when `n` steps are done (0
 * for the first).
 *
 * @throws {RangeError} If `lr_scheduler_kwargs` holds a key or value that the schedule does not
 *   take
 */
export function makeSchedule(
  options: ScheduleOptions,
): (stepsDone: number) => number {
  const { lr_scheduler_type, learning_rate: learningRate } = options;
  const { warmupSteps, totalSteps } = options;
  const row: ScheduleRow = scheduleRows[lr_scheduler_type];
  const kwargs = checkKwargs(options, row);
  return (stepsDone) => {
    const progress = (stepsDone - warmupSteps) /
      Math.max(1, totalSteps - warmupSteps);
    const where = { stepsDone, warmupSteps, totalSteps, progress };
    const point = { ...kwargs, ...where, learningRate };
    const rises = stepsDone < warmupSteps;
    return learningRate *
      (rises && row.rise ? row.rise(point) : row.multiplier(point));
  };
}

function checkKwargs(options: ScheduleOptions, row: ScheduleRow): Kwargs {
  const { lr_scheduler_type, lr_scheduler_kwargs: given } = options;
  const problems = Object.entries(given).flatMap(([key, value]) =>
    keyProblem(key, value, row) ?? []
  );
  const kwargs = given as Kwargs; // what is wrong with a value is among the problems by now
  problems.push(...pointProblems(options, row, kwargs));
  if (problems.length > 0) {
    throw new RangeError(
      `Cannot make schedule "${lr_scheduler_type}" of lr_scheduler_kwargs: ${
        problems.join("; ")
      }`,
    );
  }
  return kwargs;
}

function keyProblem(
  key: string,
  value: number | string,
  { keys }: ScheduleRow,
): string | undefined {
  if (!keys.some((one) => one === key)) {
    return `found "${key}", expected ${keys.join(", ") || "none"}`;
  }
  const words: readonly (string | number)[] = key.endsWith("_type")
    ? shapes
    : [];
  if (words.length > 0 ? words.includes(value) : typeof value === "number") {
    return undefined;
  }
  return `${key} is "${value}", expected ${words.join(", ") || "a number"}`;
}

function pointProblems(
  { lr_scheduler_type, learning_rate }: ScheduleOptions,
  { keys }: ScheduleRow,
  { min_lr, min_lr_rate, lr_end = 1e-7, timescale = 1, num_decay_steps }:
    Kwargs,
): string[] {
  const problems: string[] = [];
  const twoFloors = (min_lr === undefined) === (min_lr_rate === undefined);
  if (keys.includes("min_lr") && twoFloors) {
    problems.push("expected either min_lr or min_lr_rate");
  }
  if (lr_scheduler_type === "polynomial" && lr_end >= learning_rate) {
    problems.push(
      `lr_end ${lr_end} is not below learning_rate ${learning_rate}`,
    );
  }
  if (timescale <= 0) {
    problems.push(`timescale is ${timescale}, expected a number above 0`);
  }
  if (keys.includes("num_decay_steps") && num_decay_steps === undefined) {
    problems.push("num_decay_steps is missing");
  }
  return problems;
}

/**
 * How many steps the learning rate rises: `warmup_steps`, which below 1 is a share of all steps,
 * else `warmup_ratio`; shares are rounded up.
 */
export function resolveWarmupSteps(
  totalSteps: number,
  { warmup_steps, warmup_ratio }: {
    readonly warmup_steps: number;
    readonly warmup_ratio: number;
  },
): number {
  if (warmup_steps >= 1) return Math.ceil(warmup_steps);
  const share = warmup_steps > 0 ? warmup_steps : warmup_ratio;
  return Math.ceil(totalSteps * share);
}
