/** docs/one_pair.md is true: every number on it is computed again. `deno task docs` writes them. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { gpuTest } from "../kernels/gpu_test_case.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";
import { onePair } from "./one_pair.ts";
import { placesOf, withPlaces } from "./places.ts";
import { pageText, ROOT } from "./pages.ts";
import { test } from "../test_case.ts";

const PAGE = "docs/one_pair.md";
const UPDATE = Deno.args.includes("--update");

const NUMBER = /-?\d+(?:\.\d+)?(?:e-?\d+)?/g;

/**
 * The first difference of two texts whose numbers may be apart by one in the fourth digit;
 * undefined if none.
 */
function difference(got: string, want: string): string | undefined {
  const words = (text: string) => text.replace(NUMBER, "#");
  if (words(got) !== words(want)) return `${got}\n\nin place of\n\n${want}`;
  const numbers = (text: string) => text.match(NUMBER) ?? [];
  const wanted = numbers(want);
  const wrong = numbers(got).find((text, i) => {
    const [a, b] = [Number(text), Number(wanted[i])];
    return Math.abs(a - b) > 1.5e-3 * Math.abs(b);
  });
  return wrong === undefined
    ? undefined
    : `${wrong} in\n${got}\n\nin place of\n\n${want}`;
}

test("difference() allows one in the fourth digit and no more", {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
}, () => {
  assertEquals(difference("a -12.34, 1e-4", "a -12.35, 1e-4"), undefined);
  assert(difference("a 12.34", "a 12.44") !== undefined);
  assert(difference("a 12.34", "b 12.34") !== undefined);
  assert(difference("rows 65", "rows 66") !== undefined);
});

await gpuTest(
  `${PAGE} has the numbers of a run`,
  async (device) => {
    await using folder = await temporaryFolder();
    const places = await onePair(device, folder.path);
    const text = pageText(PAGE);
    if (UPDATE) {
      Deno.writeTextFileSync(join(ROOT, PAGE), withPlaces(PAGE, text, places));
      return;
    }
    const found = placesOf(text);
    assertEquals(Object.keys(found).sort(), Object.keys(places).sort());
    const wrong = Object.entries(places).flatMap(([name, want]) =>
      difference(found[name] ?? "", want) ?? []
    );
    assertEquals(wrong, [], "run `deno task docs`");
  },
  { read: true, write: UPDATE ? [TEMPORARY, ROOT] : [TEMPORARY] },
);
