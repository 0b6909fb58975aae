/** `deno task upload`: the model or adapter of a run to Hugging Face or ModelScope. */
// deno-lint-ignore-file no-console
import { formatBytes } from "../src/base/units.ts";
import { upload, uploadCommand } from "../src/commands/upload.ts";
import { taskProgress } from "./console.ts";
import { stopSending } from "./interrupt.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

await runTask(async () => {
  const { options, positionals } = await readTaskOptions(uploadCommand);
  const [folder = ""] = positionals;
  const progress = taskProgress("upload", "bytes");
  let isSending = false;
  return await stopSending(async (signal) => {
    const uploaded = await upload(folder, options, {
      signal,
      environment: (name) => Deno.env.get(name),
      onFiles(files, hasCard) {
        for (const { path, size } of files) {
          console.log(`${path}  ${formatBytes(size)}`);
        }
        const total = files.reduce((sum, { size }) => sum + size, 0);
        console.log(
          `${files.length} files, ${formatBytes(total)}, to ${options.to}`,
        );
        if (!hasCard) {
          console.error(
            `warning: "${folder}" has no README.md, so the repository has no card`,
          );
        }
      },
      onProgress({ done, total }) {
        if (!isSending) progress.start(done, total); // what is there counts for no rate
        isSending = true;
        progress(done, total);
      },
    });
    if (uploaded === undefined) return;
    const { sent, kept, page } = uploaded;
    console.log(
      `done: ${sent.length} sent, ${kept.length} were there: ${page}`,
    );
  });
});
