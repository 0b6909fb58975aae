/** The shader files of kernels/, by their names without the ending. */

const KERNELS = new URL("../../kernels/", import.meta.url);

/** Texts of all .wgsl files, for `everyKernel()`. */
export function kernelFiles(folder: URL = KERNELS): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) {
      Object.assign(texts, kernelFiles(new URL(`${name}/`, folder)));
    } else if (name.endsWith(".wgsl")) {
      texts[name.slice(0, -5)] = Deno.readTextFileSync(new URL(name, folder));
    }
  }
  return texts;
}
