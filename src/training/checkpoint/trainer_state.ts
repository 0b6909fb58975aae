/**
 * Reads where the run of a checkpoint stands, and believes no number of it unseen: a wrong one
 * would make a run that is wrong and says nothing. Knows no device.
 */
import { basename, join } from "@std/path";
import {
  isJsonObject,
  type JsonObject,
  readJsonObject,
  readJsonObjectIfThere,
} from "../../files/disk/json_file.ts";
import { CHECKPOINT_FILE } from "../../files/file_names.ts";
import { checkpointStep } from "../../files/folders/checkpoints.ts";
import {
  afterSave,
  type GoodCheckpoints,
  NONE_GOOD,
} from "../loop/good_checkpoints.ts";
import { FRESH, type TrainerState } from "../loop/trainer.ts";

/** Of the layout; to be raised when older checkpoints cannot be read any more. */
const VERSION = 1;

/** What stands in the two files of a state. */
export function stateFiles({ good, ...state }: TrainerState) {
  return [
    { file: CHECKPOINT_FILE.good, json: good },
    { file: CHECKPOINT_FILE.state, json: { version: VERSION, ...state } },
  ];
}

/**
 * Where the run of a checkpoint stands.
 *
 * @throws {TypeError} if another version wrote it, or a number of it cannot be
 */
export async function readState(path: string): Promise<TrainerState> {
  const file = join(path, CHECKPOINT_FILE.state);
  const { version, ...found } = await readJsonObject(file);
  const folderStep = checkpointStep(basename(path));
  const faults = version === VERSION
    ? stateFaults({ ...FRESH, ...found }, folderStep)
    : [`"version" is ${JSON.stringify(version)}, expected ${VERSION}`];
  check(file, faults);
  const state = { ...FRESH, ...found } as TrainerState;
  return {
    ...state,
    meter: state.meter && { ...state.meter, sums: numbers(state.meter.sums) },
    good: await readGood(path, state),
  };
}

function check(file: string, faults: readonly string[]): void {
  if (faults.length === 0) return;
  throw new TypeError(`Cannot resume from "${file}": ${faults.join("; ")}`);
}

/** JSON has null for a number that is not finite. */
function numbers(sums: Readonly<Record<string, number | null>>) {
  return Object.fromEntries(
    Object.entries(sums).map(([name, value]) => [name, value ?? NaN]),
  );
}

/** Older checkpoints do not say what is good: they are, unless steps were being skipped. */
async function readGood(
  path: string,
  { step, guard }: TrainerState,
): Promise<GoodCheckpoints> {
  const file = join(path, CHECKPOINT_FILE.good);
  const found = await readJsonObjectIfThere(file);
  if (found === undefined) {
    return afterSave({ ...NONE_GOOD, is_sound: guard.inARow === 0 }, step);
  }
  const good = { ...NONE_GOOD, ...found };
  check(file, [
    ...faultsOf(good, "", {
      first_loss: orNull(isNumber),
      is_sound: isBoolean,
      saved: orNull(upTo(step)),
      proven: orNull(upTo(step)),
      untried: orNull(upTo(step)),
    }),
  ]);
  return good as GoodCheckpoints;
}

/** A question about a value, and what it should be. */
interface Kind {
  readonly is: (value: unknown) => boolean;
  readonly wanted: string;
}

const isNumber: Kind = { is: Number.isFinite, wanted: "a finite number" };
const isBoolean: Kind = {
  is: (value) => typeof value === "boolean",
  wanted: "true or false",
};
const upTo = (most: number): Kind => ({
  is: (value) =>
    Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= most,
  wanted: `a whole number from 0 to ${most}`,
});
const count = upTo(Number.MAX_SAFE_INTEGER);
const orNull = ({ is, wanted }: Kind): Kind => ({
  is: (value) => value === null || is(value),
  wanted: `${wanted} or null`,
});
const recordOf = ({ is, wanted }: Kind): Kind => ({
  is: (value) => isJsonObject(value) && Object.values(value).every(is),
  wanted: `an object, each value ${wanted}`,
});

/** Compares the fields of an object with their kinds. */
function faultsOf(
  found: unknown,
  prefix: string,
  kinds: Readonly<Record<string, Kind>>,
): string[] {
  if (!isJsonObject(found)) {
    const name = prefix.replace(/\.$/, "");
    return [`"${name}" is ${JSON.stringify(found)}, expected an object`];
  }
  return Object.entries(kinds)
    .filter(([name, { is }]) => !is(found[name]))
    .map(([name, { wanted }]) => {
      const value = JSON.stringify(found[name])?.slice(0, 80);
      return `"${prefix}${name}" is ${value ?? "missing"}, expected ${wanted}`;
    });
}

/** @param folderStep the step that the name of the folder gives; undefined: it gives none */
function stateFaults(
  found: JsonObject,
  folderStep: number | undefined,
): string[] {
  const { step, meter, best } = found;
  if (!count.is(step) || step === 0 || step !== (folderStep ?? step)) {
    const wanted = folderStep ?? "a whole number from 1";
    const found = JSON.stringify(step) ?? "missing";
    return [`"step" is ${found}, expected ${wanted}`];
  }
  const ofRun = upTo(Number(step));
  return [
    ...faultsOf(found["guard"], "guard.", { skipped: ofRun, inARow: ofRun }),
    ...meter === null ? [] : meterFaults(meter),
    ...best === null ? [] : faultsOf(best, "best.", {
      best_metric: orNull(isNumber),
      best_global_step: orNull(ofRun),
      early_stopping_patience_counter: count,
    }),
  ];
}

function meterFaults(meter: unknown): string[] {
  const faults = faultsOf(meter, "meter.", {
    tokens: count,
    sums: recordOf(orNull(isNumber)),
    counts: recordOf(count),
    steps: count,
    lossSum: isNumber,
  });
  const { last = null, skipped = 0 } = isJsonObject(meter) ? meter : {};
  return [
    ...faults,
    ...faultsOf({ skipped }, "meter.", { skipped: count }),
    ...last === null ? [] : faultsOf(last, "meter.last.", {
      loss: isNumber,
      grad_norm: isNumber,
      learning_rate: isNumber,
    }),
  ];
}
