/**
 * `deno task kernels --out=FOLDER`: writes the text of every kernel in every size that launches choose, a file each, so
 * that people can read what runs. To see what a change does to the texts, write them before and after it, and compare
 * the two folders with `diff -r`.
 */
// deno-lint-ignore-file no-console
import { everyKernel, kernelsSchema } from "../mod.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

const KERNELS = new URL("../kernels/", import.meta.url);

/** Texts of the .wgsl files below a folder, by their names without the ending. */
async function wgslTexts(folder: URL): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) {
      Object.assign(texts, await wgslTexts(new URL(`${name}/`, folder)));
    } else if (name.endsWith(".wgsl")) {
      texts[name.slice(0, -".wgsl".length)] = await Deno.readTextFile(
        new URL(name, folder),
      );
    }
  }
  return texts;
}

await runTask(async () => {
  const { options } = await readTaskOptions(kernelsSchema, {
    command: "deno task kernels",
    summary: "Writes the text of every kernel in every size. Touches no GPU.",
  });
  await Deno.mkdir(options.out, { recursive: true });
  let count = 0;
  for (const { name, source } of everyKernel(await wgslTexts(KERNELS))) {
    await Deno.writeTextFile(`${options.out}/${name}.wgsl`, source);
    count++;
  }
  console.log(`done: ${count} texts in ${options.out}`);
});
