/**
 * What a failing disk leaves of each task: every kind of fault at each writing call, and at each
 * file's first, second, middle and last read. All of it on a disk in memory.
 */
import { assertEquals } from "@std/assert";
import { gpuTest } from "../kernels/gpu_test_case.ts";
import { countsRow, sweepDisk } from "./disk_sweep.ts";
import { DISK_TASKS } from "./disk_tasks.ts";

/** What the suite looks at: faults of writing calls, and the tasks that differ most. */
const SAMPLE = 4;
const SAMPLED = [
  "train",
  "resume",
  "merge",
  "export-gguf f16",
  "random-model",
  "import-recipe",
  "score",
  "cache --prune",
  "download from Hugging Face",
  "download from ModelScope",
  "upload",
];

await gpuTest(
  "a disk that fails at a call loses nothing, and the next start goes on",
  async (device) => {
    const wrong: string[] = [];
    for (const name of SAMPLED) {
      await using stack = new AsyncDisposableStack();
      const task = await DISK_TASKS[name]!(device, stack);
      const counts = await sweepDisk(task, SAMPLE);
      wrong.push(...counts.wrong.map((one) => `${name}: ${one}`));
    }
    assertEquals(wrong, []);
  },
  { kinds: ["cpu"], net: ["127.0.0.1"] },
);

for (const [name, make] of Object.entries(DISK_TASKS)) {
  await gpuTest(
    `a disk that fails at any call under ${name} loses nothing, and the next start goes on`,
    async (device) => {
      await using stack = new AsyncDisposableStack();
      const counts = await sweepDisk(await make(device, stack));
      const lines = [countsRow(name, counts), ...counts.wrong, ""].join("\n");
      await Deno.stdout.write(new TextEncoder().encode(lines));
      assertEquals(counts.wrong.length, 0);
    },
    { kinds: ["cpu"], net: ["127.0.0.1"], long: true },
  );
}
