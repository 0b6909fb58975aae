/** SECURITY.md promises nothing that no test holds, and says how to report. */
import { assert, assertEquals } from "@std/assert";
import { everySource } from "../sources.ts";
import { test } from "../test_case.ts";
import { pageText, ROOT } from "./pages.ts";

const OPTIONS = { permissions: { read: [ROOT] } };

/** The text under each heading. */
function parts(page: string): Map<string, string> {
  const [, ...sections] = pageText(page).split(/^## /m);
  return new Map(sections.map((text) => {
    const [heading = "", ...lines] = text.split("\n");
    return [heading, lines.join("\n")];
  }));
}

/** The bullets of a text, each on one line. */
const bullets = (text: string) =>
  text.split(/^- /m).slice(1).map((one) => one.replaceAll(/\s+/g, " "));

test("SECURITY.md says what it should", OPTIONS, () => {
  assertEquals([...parts("SECURITY.md").keys()], [
    "What is promised",
    "What is not promised",
    "Versions",
    "How to report",
  ]);
  assert(pageText("docs/README.md").includes("(../SECURITY.md)"));
});

test("each promise of SECURITY.md names tests that there are", OPTIONS, () => {
  const promises = bullets(parts("SECURITY.md").get("What is promised")!);
  assert(promises.length >= 10, `${promises.length} promises`);
  const files = new Map(everySource().map(({ path, text }) => [path, text]));
  const faults = promises.flatMap((promise) => {
    const named = [...promise.matchAll(/`(tests\/[^`]+)`/g)]
      .map(([, path = ""]) => path);
    const wrong = named.filter((path) =>
      !path.endsWith("_test.ts") ||
      !/\b\w*[tT]est\(/.test(files.get(path) ?? "")
    );
    return named.length === 0 ? [promise] : wrong;
  });
  assertEquals(faults, []);
});
