/**
 * A kernel as a `deno bench`: besides Deno's own table of milliseconds, one of operations and bytes
 * a second, by the clock and by what suits the adapter: on a CPU the process's own processor time
 * over all cores, which a shared machine disturbs less, on a GPU the device's stamps, since the
 * clock there sees little but waiting and recording. The words after `--` choose the kernels: `deno
 * bench -A tests/bench/ -- tile`.
 */
// deno-lint-ignore-file no-console -- a bench prints
import type { Device } from "../../kernels/device/device.ts";
import { openDevice } from "../../kernels/device/open_deno.ts";
import type { DeviceKind } from "../../kernels/device/device_options.ts";
import { cpuSeconds } from "./cpu_seconds.ts";

/** What one launch must do at least. */
export interface Work {
  readonly operations: number;
  /** Read and written. */
  readonly bytes: number;
}

/** Seconds of a launch. */
interface Sample {
  readonly wall: number;
  readonly other: number;
}

const ROUNDS = 7;
/** Waiting for a device takes 10 ms: launches between two waits shall take many times that. */
const OPERATIONS_PER_ROUND = 3e9;
const BYTES_PER_ROUND = 4e8;
const MOST_LAUNCHES = 200;

const [kind] = Deno.args;
/** The device of the benches of a file. */
export const device: Device = await openDevice(
  kind === "cpu" || kind === "gpu" ? { kind: kind satisfies DeviceKind } : {},
);

const isStamped = device.kind === "gpu" &&
  device.gpu.features.has("timestamp-query");
const other = isStamped ? "by the device's stamps" : "by processor time";

const rows: string[] = [];
addEventListener("unload", () => {
  console.error(`\n${device.description} ${device.kind}`);
  for (const row of rows) console.error(row);
  device[Symbol.dispose]();
});

/**
 * Registers a kernel; an iteration is as many launches as make some tenths of a second.
 *
 * @param prepare makes its operands, called before its first launch only: a filter saves the
 *   others' memory
 */
export function benchKernel<Operands>(
  name: string,
  work: Work,
  prepare: () => Operands,
  launch: (operands: Operands) => void,
): void {
  const launches = Math.ceil(
    Math.min(
      OPERATIONS_PER_ROUND / work.operations,
      BYTES_PER_ROUND / work.bytes,
      MOST_LAUNCHES,
    ),
  );
  let operands: Operands | undefined;
  const samples: Sample[] = [];
  Deno.bench({
    name: launches === 1 ? name : `${launches} x ${name}`,
    n: ROUNDS,
    warmup: 1,
    async fn() {
      const made = operands ??= prepare();
      const launchAll = () => {
        for (let i = 0; i < launches; i++) {
          using _scope = device.scope();
          launch(made);
        }
      };
      const [cpu, start] = [cpuSeconds(), performance.now()];
      launchAll();
      await device.finish();
      const wall = (performance.now() - start) / 1e3;
      const seconds = isStamped
        ? await stampedSeconds(launchAll)
        : (cpuSeconds() - cpu) / navigator.hardwareConcurrency;
      samples.push({ wall: wall / launches, other: seconds / launches });
      // the first compiles
      if (samples.length === ROUNDS + 1) {
        rows.push(rowOf(name, work, samples.slice(1)));
      }
    },
  });
}

async function stampedSeconds(launchAll: () => void): Promise<number> {
  const end = device.startProfile();
  launchAll();
  const times = await end();
  return times.reduce((sum, { seconds }) => sum + seconds, 0);
}

function rowOf(name: string, work: Work, samples: readonly Sample[]): string {
  const columns = (["wall", "other"] as const).map((key) => {
    const median = samples.map((sample) => sample[key])
      .sort((a, b) => a - b)[samples.length >> 1]!;
    const [ms, rate, speed] = [
      (median * 1e3).toFixed(2).padStart(8),
      (work.operations / median / 1e9).toFixed(1).padStart(6),
      (work.bytes / median / 1e9).toFixed(1).padStart(6),
    ];
    return `${ms} ms ${rate} GF/s ${speed} GB/s`;
  });
  return `${name.padEnd(44)} ${columns.join(`   ${other} `)}`;
}
