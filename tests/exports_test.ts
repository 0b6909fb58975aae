/**
 * What the package exports by deno.json: each entry begins with an example that runs, and all of it
 * is documented.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { test } from "./test_case.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));
/** What the example of the root leaves. */
const EXAMPLE = join(ROOT, "output", "example");
const OPTIONS = {
  permissions: { read: [ROOT], write: [EXAMPLE], run: ["deno"] },
};

/** The files of the entries, from the root. */
function entries(): string[] {
  const config: { exports: Record<string, string> } = JSON.parse(
    Deno.readTextFileSync(join(ROOT, "deno.json")),
  );
  return Object.values(config.exports);
}

/** Runs Deno in the project's folder; its output if it fails. */
async function deno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return success ? "" : decoder.decode(stdout) + decoder.decode(stderr);
}

test("every entry begins with an example", OPTIONS, () => {
  for (const path of entries()) {
    const text = Deno.readTextFileSync(join(ROOT, path));
    assertMatch(text, /^\/\*\*[^/]*?\n \* ```ts\n \* import \{/, path);
  }
});

test("the examples of all entries run", OPTIONS, async () => {
  const args = ["-q", "--no-prompt", "-P=train"];
  try {
    assertEquals(await deno("test", "--doc", ...args, ...entries()), "");
  } finally {
    await Deno.remove(EXAMPLE, { recursive: true }).catch(() => {});
  }
});

test("every export has its documentation", OPTIONS, async () => {
  assertEquals(await deno("doc", "-q", "--lint", ...entries()), "");
});
