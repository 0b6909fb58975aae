/**
 * Prints the test files that compare with the reference, for `deno task test:reference`: those
 * that import `reference_test_case.ts` or `reference_gpu_test_case.ts`.
 */
// deno-lint-ignore-file no-console
import { fromFileUrl } from "@std/path";

const FOLDER = fromFileUrl(new URL("./", import.meta.url));

/** The test files below a folder, from the project's root. */
function* testFiles(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(FOLDER + folder)) {
    if (isDirectory) yield* testFiles(`${folder}${name}/`);
    else if (name.endsWith("_test.ts")) yield folder + name;
  }
}

for (const path of testFiles("")) {
  const text = Deno.readTextFileSync(FOLDER + path);
  if (/\/reference_(gpu_)?test_case\.ts"/.test(text)) {
    console.log(`tests/${path}`);
  }
}
