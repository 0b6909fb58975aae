import { assertEquals, assertThrows } from "@std/assert";
import {
  checkDistinctPaths,
  checkSafePaths,
  isSafePath,
} from "../../../src/files/hub/safe_path.ts";
import { test } from "../../test_case.ts";

const A245 = `${"a".repeat(240)}.json`;

test("isSafePath() takes what every disk and terminal can take", () => {
  for (
    const path of [
      ...[
        "config.json",
        "a/b/c.json",
        "模型.jsonl",
        "می\u200cخواهم",
        "..a",
        "a..",
      ],
      ...[A245, `${A245}/${A245}`, "é".repeat(122)],
    ]
  ) assertEquals(isSafePath(path), true, path);
  for (
    const path of [
      ...[
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        ".",
        "..",
        "a/../b",
        "a\\b",
        "C:/x",
        "c:x",
      ],
      ...["a\0b", "a\nb", "\u001b[2J", "a\u007f", "a\u0085b", "\u202egnp.exe"],
      ...["a\u2028b", "\u2066a", "a\u200eb", "a\ud800b", "\ufeffa"],
      ...[`a${A245}`, "é".repeat(123), Array(9).fill(A245).join("/")],
    ]
  ) assertEquals(isSafePath(path), false, JSON.stringify(path));
});

test("checkSafePaths() tells what is wrong with which names, at most 20 of a kind", () => {
  const long = `a${A245}`;
  const paths = ["ok", "ok", "../up", "\u202ex", long];
  assertThrows(
    () => checkSafePaths("o/r", paths),
    TypeError,
    `Cannot download "o/r": its file names come twice: "ok"; others leave its folder: "../up"; others have characters that cannot be shown: "\\u{202e}x"; others are longer than 245 bytes: "${long}"`,
  );
  const many = Array.from({ length: 50_000 }, (_, i) => `../${i}`);
  const { message } = assertThrows(
    () => checkSafePaths("o/r", many),
    TypeError,
  );
  assertEquals(message.endsWith('"../19" and 49980 more'), true, message);
});

test("checkDistinctPaths() keeps apart what would be written to one place", () => {
  for (
    const paths of [
      ["config.json", "CONFIG.JSON"],
      ["\u00e9.json", "e\u0301.json"],
      ["a", "a/b"],
      ["A/b", "a"],
      ["x.bin", "x.bin.part"],
      ["X.bin", "x.bin.part.etag"],
      [".tiebreak.json"],
      [".lock"],
    ]
  ) {
    assertThrows(
      () => checkDistinctPaths("o/r", paths),
      TypeError,
      "cannot lie beside",
    );
  }
  checkDistinctPaths("o/r", ["a/b", "a/c", "a.part", "b/.lock", "part"]);
});
