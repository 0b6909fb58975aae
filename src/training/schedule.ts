/**
 * Learning-rate schedules: one table, each a multiplier of `learning_rate` at a step, by the field's names.
 *
 * @module
 */

/** What a schedule runs over. */
export interface ScheduleOptions {
  readonly lr_scheduler_type: ScheduleName;
  readonly lr_scheduler_kwargs: Readonly<Record<string, number>>;
  readonly learning_rate: number;
  /** Steps of linear rise from 0; see `resolveWarmupSteps()`. */
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/** A row: the multiplier once warm-up is over. */
interface ScheduleRow {
  /** What `lr_scheduler_kwargs` may hold. */
  readonly keys: readonly string[];
  /** Whether the row warms up at all. */
  readonly warms: boolean;
  /** @param progress Share of the steps after warm-up that are done; above 1 beyond the last step */
  readonly multiplier: (
    progress: number,
    kwargs: Readonly<Record<string, number>>,
    learningRate: number,
  ) => number;
}

/** 1 down to 0 along `cycles` waves of a cosine; half a wave is usual. */
function cosine(progress: number, cycles = 0.5): number {
  return Math.max(0, 0.5 * (1 + Math.cos(2 * Math.PI * cycles * progress)));
}

const scheduleRows = {
  linear: {
    keys: [],
    warms: true,
    multiplier: (progress) => Math.max(0, 1 - progress),
  },
  cosine: {
    keys: ["num_cycles"],
    warms: true,
    multiplier: (progress, { num_cycles }) => cosine(progress, num_cycles),
  },
  cosine_with_min_lr: {
    keys: ["num_cycles", "min_lr", "min_lr_rate"],
    warms: true,
    multiplier(progress, { num_cycles, min_lr, min_lr_rate }, learningRate) {
      const floor = min_lr_rate ?? (min_lr ?? 0) / learningRate;
      return cosine(progress, num_cycles) * (1 - floor) + floor;
    },
  },
  polynomial: {
    keys: ["lr_end", "power"],
    warms: true,
    multiplier(progress, { lr_end = 1e-7, power = 1 }, learningRate) {
      const floor = lr_end / learningRate;
      if (progress > 1) return floor;
      return (1 - floor) * (1 - progress) ** power + floor;
    },
  },
  constant: { keys: [], warms: false, multiplier: () => 1 },
  constant_with_warmup: { keys: [], warms: true, multiplier: () => 1 },
} as const satisfies Readonly<Record<string, ScheduleRow>>;

/** A name in the table of schedules. */
export type ScheduleName = keyof typeof scheduleRows;

/** The names in the table of schedules. */
export const scheduleNames = Object.keys(scheduleRows) as ScheduleName[];

/**
 * The learning rate of each step: `rate(n)` is what the optimizer uses when `n` steps are done (0 for the first).
 *
 * @throws {RangeError} If `lr_scheduler_kwargs` holds a key or value that the schedule does not take
 */
export function makeSchedule(
  options: ScheduleOptions,
): (stepsDone: number) => number {
  const { lr_scheduler_type, lr_scheduler_kwargs, learning_rate } = options;
  const { warmupSteps, totalSteps } = options;
  const row: ScheduleRow = scheduleRows[lr_scheduler_type];
  checkKwargs(options, row);
  return (stepsDone) => {
    if (row.warms && stepsDone < warmupSteps) {
      return learning_rate * stepsDone / Math.max(1, warmupSteps);
    }
    const progress = (stepsDone - warmupSteps) /
      Math.max(1, totalSteps - warmupSteps);
    return learning_rate *
      row.multiplier(progress, lr_scheduler_kwargs, learning_rate);
  };
}

function checkKwargs(
  { lr_scheduler_type, lr_scheduler_kwargs, learning_rate }: ScheduleOptions,
  { keys }: ScheduleRow,
): void {
  const problems = Object.keys(lr_scheduler_kwargs)
    .filter((key) => !keys.includes(key))
    .map((key) => `found "${key}", expected ${keys.join(", ") || "none"}`);
  const { min_lr, min_lr_rate, lr_end = 1e-7 } = lr_scheduler_kwargs;
  if (lr_scheduler_type === "cosine_with_min_lr") {
    if ((min_lr === undefined) === (min_lr_rate === undefined)) {
      problems.push("expected either min_lr or min_lr_rate");
    }
  }
  if (lr_scheduler_type === "polynomial" && lr_end >= learning_rate) {
    problems.push(
      `lr_end ${lr_end} is not below learning_rate ${learning_rate}`,
    );
  }
  if (problems.length > 0) {
    throw new RangeError(
      `Cannot make schedule "${lr_scheduler_type}" of lr_scheduler_kwargs: ${
        problems.join("; ")
      }`,
    );
  }
}

/**
 * How many steps the learning rate rises: `warmup_steps`, which below 1 is a share of all steps, else `warmup_ratio`;
 * shares are rounded up.
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
