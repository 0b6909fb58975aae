/** A machine that fails is told by name, and nothing that it gives afterwards is believed. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Device } from "../../../kernels/device/device.ts";
import { DeviceFault } from "../../../kernels/device/device_fault.ts";
import type { DeviceOptions } from "../../../kernels/device/device_options.ts";
import { openDevice } from "../../../kernels/device/open_deno.ts";
import { FAULTS, faultyGpu, type GpuFault } from "./faulty_gpu.ts";
import { gpuTest } from "../gpu_test_case.ts";

/** A device that fails at the given call after it was opened. */
async function failing(
  fault: GpuFault,
  at: number,
  options: DeviceOptions = {},
): Promise<Device> {
  const real = await openDevice();
  const opened = FAULTS[fault] === "buffer" ? 1 : 0; // the recorder's own
  const { gpu } = faultyGpu(real.gpu, fault, at + opened);
  const { description } = real;
  return Device.of({ gpu, isCpu: true, description }, options);
}

const DATA = new Float32Array([1, 2, 3, 4]);
/** Uploads and reads; the second is the first submission, answer and readback buffer. */
const work = async (device: Device) =>
  await device.read(device.upload(DATA, [4]));

const WORDS: Readonly<Record<GpuFault, readonly [string, RegExp]>> = {
  "lost at a submission": ["lost", /the device was lost \(.+\)/],
  "lost at an answer": ["lost", /the device was lost \(.+\)/],
  "lost after an answer": ["lost", /the device was lost \(.+\)/],
  "no memory": ["out of memory", /256 B more are needed, 0 B are held/],
  "no memory, thrown": ["out of memory", /256 B more are needed, 0 B are held/],
  "no answer": ["no answer", /did not answer within 0\.1 s/],
};

for (const [fault, [kind, words]] of Object.entries(WORDS)) {
  await gpuTest(
    `read() tells by name of a device with a fault, and fails from then on: ${fault}`,
    async () => {
      using device = await failing(fault as GpuFault, 1, {
        answerSeconds: 0.1,
      });
      if (fault === "lost after an answer") {
        assertEquals(await work(device), DATA);
      }
      for (const _ of [1, 2]) {
        const error = await assertRejects(() => work(device), DeviceFault);
        assertEquals(error.kind, kind);
        assert(words.test(error.message), error.message);
      }
      const finished = await assertRejects(() => device.finish(), DeviceFault);
      assertEquals(finished.kind, kind);
      // the wait that a fault has cut short comes to its own end
      await new Promise((resolve) => setTimeout(resolve, 50));
    },
    { kinds: ["cpu"] },
  );
}

await gpuTest(
  "read() waits for ever for a device whose answers have no limit, and for one that answers in time",
  async () => {
    using patient = await failing("no answer", 1, { answerSeconds: 0 });
    const waiting = work(patient).then(() => "an answer", (error) => error);
    const soon = new Promise((resolve) => setTimeout(resolve, 300, "waits"));
    assertEquals(await Promise.race([waiting, soon]), "waits");
    using quick = await failing("no answer", 2, { answerSeconds: 100 });
    assertEquals(await work(quick), DATA);
  },
  { kinds: ["cpu"] },
);

await gpuTest(
  "a watch hears of each call that may hold the thread, and of its return",
  async () => {
    const calls: string[] = [];
    {
      using device = await failing("no answer", 0, {
        answerSeconds: 7,
        watch: {
          enter: (limit) => void calls.push(`${limit}`),
          leave: () => void calls.push("back"),
        },
      });
      await work(device);
    }
    // a submission, an answer, the end of the device
    assertEquals(calls, ["7", "back", "7", "back", "7", "back"]);
  },
  { kinds: ["cpu"] },
);
