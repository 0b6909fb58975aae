/**
 * The texts of all kernels in all sizes. While shaders move from TypeScript to .wgsl files, each must be the text of
 * commit 74c3165, token for token, comments and white space aside; fixtures/kernel_texts.json has the hashes of those.
 * To see why a text differs, write it with `deno task kernels --out=FOLDER`.
 */
// deno-lint-ignore-file no-console
import { assertEquals } from "@std/assert";
import { everyKernel } from "../../kernels/every_kernel.ts";
import { test } from "../test_case.ts";

const KERNELS = new URL("../../kernels/", import.meta.url);
const read = { permissions: { read: true } } as const;

/** Texts of the .wgsl files below a folder, by their names without the ending. */
function wgslFiles(folder: URL): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) {
      Object.assign(files, wgslFiles(new URL(`${name}/`, folder)));
    } else if (name.endsWith(".wgsl")) {
      const text = Deno.readTextFileSync(new URL(name, folder));
      files[name.slice(0, -".wgsl".length)] = text;
    }
  }
  return files;
}

/** Sixteen hexadecimal digits of the hash of a text's tokens, one a line. */
async function tokenHash(text: string): Promise<string> {
  const code = text.replaceAll(/\/\/.*/g, "");
  const tokens = code.match(/[A-Za-z_]\w*|\d[\w.]*|\S/g) ?? [];
  const bytes = new TextEncoder().encode(tokens.join("\n"));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex().slice(0, 16);
}

test("every kernel's text is that of commit 74c3165", read, async () => {
  const fixture = new URL("../fixtures/kernel_texts.json", import.meta.url);
  const known: Record<string, string> = JSON.parse(
    Deno.readTextFileSync(fixture),
  );
  const made: Record<string, string> = {};
  for (const { name, source } of everyKernel(wgslFiles(KERNELS))) {
    made[name] = await tokenHash(source);
  }
  assertEquals(made, known);
  console.log(`${Object.keys(made).length} texts equal`);
});
