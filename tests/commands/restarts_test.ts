/** A device that fails anywhere in a run: it is told by name, nothing is lost, the run goes on. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Device } from "../../kernels/device/device.ts";
import { openDevice } from "../../kernels/device/open_deno.ts";
import { listenToNotes } from "../../src/base/notes.ts";
import { runWithRestarts } from "../../src/commands/restarts.ts";
import { trainOnDevices } from "../../src/commands/train.ts";
import { RunFault } from "../../src/training/run/run_fault.ts";
import {
  FAULTS,
  faultyGpu,
  type GpuCalls,
  type GpuFault,
} from "../kernels/device/faulty_gpu.ts";
import {
  LORA,
  type Recipe,
  runTest,
  type Scene,
} from "../training/run/run_scene.ts";
import { test } from "../test_case.ts";

/** Four steps with dropout, checkpoints after the second and the fourth, an evaluation between. */
const RECIPE: Recipe = {
  ...LORA,
  lora_dropout: 0.1,
  max_steps: 4,
  save_strategy: "steps",
  save_steps: 2,
  eval_strategy: "steps",
  eval_steps: 3,
};

/** What a run leaves. */
const FILES = [
  "adapter_model.safetensors",
  "metrics.jsonl",
  "checkpoint-4/adapter_model.safetensors",
  "checkpoint-4/optimizer.safetensors",
  "checkpoint-4/trainer_state.json",
];

/** A fault, and the number of the call at which it comes; 0: never. */
type At = readonly [GpuFault, number];

/** Trains on devices of which the first ones fail. */
async function train(
  { options, path }: Scene,
  run: string,
  faults: readonly At[],
  restarts = faults.length,
) {
  const devices: Device[] = [];
  const calls: GpuCalls[] = [];
  const open = async () => {
    const real = await openDevice();
    const [fault, at] = faults[devices.length] ?? ["no answer", 0];
    const { gpu, calls: counted } = faultyGpu(real.gpu, fault, at);
    const { description } = real;
    const answerSeconds = fault === "no answer" && at > 0 ? 2 : 0;
    const device = Device.of({ gpu, description, isCpu: true }, {
      answerSeconds,
    });
    devices.push(device);
    calls.push(counted);
    return device;
  };
  const notes: string[] = [];
  using _notes = listenToNotes((note) => notes.push(note));
  const recipe = { eval_dataset: path("pairs.jsonl"), ...RECIPE, restarts };
  await trainOnDevices(open, options(run, recipe), { reports: [] });
  return { devices, calls: calls[0]!, notes };
}

async function assertSameFiles(
  { path }: Scene,
  want: string,
  got: string,
): Promise<void> {
  for (const name of FILES) {
    const files = await Promise.all(
      [want, got].map((run) => Deno.readFile(path(run, name))),
    );
    const [left, right] = files.map((bytes) => bytes.toHex());
    assert(left === right, `${got}: ${name} differs`);
  }
}

/** Trains under faults one after the other, and compares the end with that of a run without. */
async function goesOn(scene: Scene, faults: readonly At[]): Promise<void> {
  const { devices, notes } = await train(scene, "disturbed", faults);
  await assertSameFiles(scene, "whole", "disturbed");
  assertEquals(
    notes.map((note) => /; restart (\d of \d), /.exec(note)?.[1]),
    faults.map((_, i) => `${i + 1} of ${faults.length}`),
    notes.join("\n"),
  );
  const held = devices.map(({ memory }) => memory.allocatedBytes);
  assertEquals(held, [...faults.map(() => 0), 0]);
}

await runTest(
  "trainOnDevices() goes on after faults of the machine as often as it may, and ends as if there had been none",
  async (scene) => {
    const { calls } = await train(scene, "whole", []);
    await goesOn(scene, [
      ["no memory", calls.buffer - 40],
      ["no answer", Math.ceil(calls.map / 3)],
    ]);
    const early: At = ["lost at a submission", 1];
    const late: At = ["lost at a submission", calls.submit];
    const last = await assertRejects(
      () => train(scene, "late", [early, late], 1),
      RunFault,
      `Cannot save the weights: the device was lost (device was lost); "${
        scene.path("late", "checkpoint-4")
      }" is its newest whole checkpoint: go on with resume_from_checkpoint=`,
    );
    assert(last.message.endsWith("; restarts=1 are used up"), last.message);
    const first = await assertRejects(
      () => train(scene, "early", [early], 0),
      RunFault,
      "Cannot load the model: the device was lost (device was lost); no checkpoint of this run is saved: ",
    );
    assertEquals(first.checkpoint, undefined);
  },
);

await runTest(
  "trainOnDevices() goes on five times, and frees each device",
  async (scene) => {
    const { calls } = await train(scene, "whole", []);
    await goesOn(scene, [
      ["no memory, thrown", 1 + Math.ceil(calls.buffer / 5)], // while it loads
      ["lost at a submission", Math.ceil(calls.submit / 5)], // the reference
      ["no memory", calls.buffer - 40],
      ["no answer", Math.ceil(calls.map / 2)],
      ["lost after an answer", Math.ceil(calls.map / 4)],
    ]);
  },
  { long: true },
);

const NO_DEVICE = { [Symbol.dispose]() {} } as Device;
const lost = (checkpoint?: string) =>
  new RunFault("lost", "Cannot take step 2 of 3: it was lost", checkpoint);

/** How often a run was begun that ends with each of these errors. */
async function triesOf(
  errors: readonly Error[],
  { restarts = 3, signal }: { restarts?: number; signal?: AbortSignal } = {},
) {
  let tries = 0;
  const ended = await runWithRestarts({
    open: () => Promise.resolve(NO_DEVICE),
    run() {
      const error = errors[tries++];
      return error ? Promise.reject(error) : Promise.resolve("the end");
    },
    restarts,
    signal,
  }).catch((error) => error);
  return { tries, ended };
}

test("runWithRestarts() goes on after a fault of the machine alone", async () => {
  const others = [
    new TypeError("Cannot read a row"),
    new RangeError("the loss is NaN"),
    new Deno.errors.NotFound("the disk is full"),
    new DOMException("interrupted", "AbortError"),
  ];
  for (const other of others) {
    assertEquals(await triesOf([other]), { tries: 1, ended: other });
    assertEquals(await triesOf([lost(), other]), { tries: 2, ended: other });
  }
  assertEquals(await triesOf([lost(), lost()]), { tries: 3, ended: "the end" });
  const stop = AbortSignal.abort();
  assertEquals((await triesOf([lost()], { signal: stop })).tries, 1);
  assertEquals((await triesOf([lost()], { restarts: 0 })).tries, 1);
});

test("runWithRestarts() opens a device anew until the driver has one", async () => {
  let opened = 0;
  const end = await runWithRestarts({
    open: () =>
      ++opened === 2
        ? Promise.reject(new Error("no adapter"))
        : Promise.resolve(NO_DEVICE),
    run: (_, restart) =>
      restart ? Promise.resolve(restart) : Promise.reject(lost("checkpoint-1")),
    restarts: 1,
  });
  assertEquals([opened, end], [3, { checkpoint: "checkpoint-1" }]);
});

/** Calls of a kind that the sweep lets fail. */
const PLACES = 12;

await runTest(
  "trainOnDevices() ends as if there had been no fault, wherever it comes",
  async (scene) => {
    const { calls } = await train(scene, "whole", []);
    for (const [fault, call] of Object.entries(FAULTS)) {
      for (let place = 1; place <= PLACES; place++) {
        const at = Math.ceil(calls[call] * place / PLACES);
        const run = `${fault} ${at}`;
        const { notes } = await train(scene, run, [[fault as GpuFault, at]]);
        await assertSameFiles(scene, "whole", run);
        // nobody asks a device that is lost after its last answer
        const isLast = fault === "lost after an answer" && place === PLACES;
        assertEquals(notes.length, isLast ? 0 : 1, run);
      }
    }
  },
  { long: true },
);
