/**
 * `deno task export-gguf`: a model, or an adapter on its base, as a GGUF file with a Modelfile
 * beside it.
 */
// deno-lint-ignore-file no-console
import { formatBytes } from "../src/base/units.ts";
import { exportGguf, exportGgufCommand } from "../src/commands/export_gguf.ts";
import { showStages } from "./console.ts";
import { leaveNothing } from "./interrupt.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(exportGgufCommand);
  return await leaveNothing(async (signal) => {
    const { bytes, types, modelfile, notes } = await exportGguf(options, {
      signal,
      onProgress: showStages({
        load: "bytes",
        merge: "bytes",
        write: "bytes",
        compare: "numbers",
      }),
    });
    const counts = Object.entries(types).map(([type, n]) => `${n} ${type}`);
    console.log(`${formatBytes(bytes)}: ${counts.join(", ")} tensors`);
    for (const note of notes) console.log(`note: ${note}`);
    console.log(`for Ollama: ollama create NAME -f ${modelfile}`);
    console.log(`done: ${options.output}`);
  });
});
