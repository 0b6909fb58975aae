/**
 * The command `kernels`: the text of every kernel in every size, so that people can read what runs.
 * Prints nothing.
 */
import { fromFileUrl, join } from "@std/path";
import { everyKernel } from "../../kernels/every_kernel.ts";
import { kernelsSchema } from "../../kernels/kernels_options.ts";
import type { Infer } from "../base/schema.ts";
import { disk } from "../files/disk.ts";
import { lockFolder } from "../files/disk/lock.ts";
import { writeFileAtomic } from "../files/disk/atomic.ts";
import { readText } from "../files/disk/whole_file.ts";
import { defineCommand } from "./command.ts";

/**
 * `deno task kernels`
 *
 * @internal
 */
export const kernelsCommand = defineCommand({
  name: "kernels",
  summary: "Writes the text of every kernel in every size. Touches no GPU.",
  schema: kernelsSchema,
});

const KERNELS = fromFileUrl(new URL("../../kernels/", import.meta.url));

/**
 * Writes a file for each text into the folder `out`.
 *
 * @returns How many there are
 */
export async function writeKernels(
  { out }: Infer<typeof kernelsSchema>,
): Promise<number> {
  await using _lock = await lockFolder(out);
  let count = 0;
  for (const { name, source } of everyKernel(await wgslTexts(KERNELS))) {
    await writeFileAtomic(join(out, `${name}.wgsl`), source);
    count++;
  }
  return count;
}

/** Texts of the .wgsl files below a folder, by their names without the ending. */
async function wgslTexts(folder: string): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const { name, isDirectory } of disk().list(folder)) {
    const path = join(folder, name);
    if (isDirectory) Object.assign(texts, await wgslTexts(path));
    else if (name.endsWith(".wgsl")) {
      texts[name.slice(0, -".wgsl".length)] = await readText(path);
    }
  }
  return texts;
}
