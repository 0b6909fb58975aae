/**
 * A test touches what it names and nothing beside it, and is skipped where that was not granted.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { fixturePath } from "./fixture_path.ts";
import { isGranted, test } from "./test_case.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));
const TOKENIZER = fixturePath("tokenizer");

test(
  "test() lets a test read the folder that it names, and denies what lies beside it",
  {
    permissions: { read: [TOKENIZER] },
  },
  () => {
    assert(Deno.readTextFileSync(`${TOKENIZER}/tokenizer.json`).length > 0);
    const beside = fixturePath("tokenizer_bos/tokenizer.json");
    for (const path of [beside, fixturePath("README.md"), `${ROOT}deno.json`]) {
      assertThrows(() => Deno.readTextFileSync(path), Deno.errors.NotCapable);
    }
    const write = () => Deno.writeTextFileSync(`${TOKENIZER}/x`, "");
    assertThrows(write, Deno.errors.NotCapable);
  },
);

test("test() denies everything to a test that names no permission", () => {
  const read = () => Deno.readTextFileSync(`${TOKENIZER}/tokenizer.json`);
  assertThrows(read, Deno.errors.NotCapable);
  assertThrows(() => Deno.env.get("HOME"), Deno.errors.NotCapable);
});

test("isGranted() asks for each path, variable and program that is named", {
  permissions: { read: [TOKENIZER], env: ["HOME"] },
}, () => {
  const file = `${TOKENIZER}/tokenizer.json`;
  assert(isGranted("none"));
  assert(isGranted({ read: [file], env: ["HOME"], write: false, net: [] }));
  assert(!isGranted({ read: [file, fixturePath("peft")] }));
  assert(!isGranted({ read: true }));
  assert(!isGranted({ env: ["HOME", "PATH"] }));
  assert(!isGranted({ run: ["deno"] }));
});

/**
 * Runs three test files without any permission; `tests/temporary_folder.ts` is imported by one of
 * them.
 */
test(
  "deno test without permissions skips by name what needs them, passes, and says how to run all",
  {
    permissions: { read: [ROOT], run: ["deno"] },
  },
  async () => {
    const { code, stdout, stderr } = await new Deno.Command("deno", {
      args: [
        "test",
        "--no-prompt",
        "--no-check",
        "tests/base/arguments_test.ts",
        "tests/files/folders/model_folder_test.ts",
        "tests/zz_reference_cases_test.ts",
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    const lines = decoder.decode(stdout).trim().split("\n");
    assertEquals(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
    const [, passed, skipped] =
      lines.at(-1)!.match(/^ok \| (\d+) passed .*\| (\d+) ignored/) ?? [];
    assert(Number(passed) > 0 && Number(skipped) > 0, lines.at(-1));
    const last = lines.findLast((line) => line.includes(" ... "))!;
    assert(last.includes("deno test -P=test ... ignored"), last);
    const opened = lines.find((line) => line.startsWith("openModelFolder()"))!;
    assert(opened.endsWith("... ignored (0ms)"), opened);
  },
);
