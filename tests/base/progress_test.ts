import { assertEquals } from "@std/assert";
import { progressLine, startProgress } from "../../src/base/progress.ts";
import { formatBytes, formatDuration } from "../../src/base/units.ts";
import { test } from "../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test("progressLine() gives part, rate and time left", pure, () => {
  // 30 of 120 in 60 s: 0.5 per second, 90 left take 180 s
  assertEquals(
    progressLine({
      label: "train",
      done: 30,
      total: 120,
      unit: "steps",
      seconds: 60,
    }),
    "train  30/120 steps  25 %  2.00 s each  3 min 00 s left",
  );
});

test(
  "progressLine() shows bytes by size and does not count resumed ones for the rate",
  pure,
  () => {
    // 1 MB in 2 s beside 5 MB from before: 0.5 MB/s, 4 MB left take 8 s
    assertEquals(
      progressLine({
        label: "a.bin",
        unit: "bytes",
        seconds: 2,
        note: "resumed",
        done: 6e6,
        total: 1e7,
        start: 5e6,
      }),
      "a.bin  6.00 MB/10.0 MB  60 %  500 kB/s  8.0 s left  resumed",
    );
  },
);

test("progressLine() does without a total", pure, () => {
  assertEquals(
    progressLine({ label: "read", done: 500, unit: "rows", seconds: 5 }),
    "read  500 rows  100 rows/s  in 5.0 s",
  );
});

function recorded(terminal: boolean): string {
  let clock = 0;
  let text = "";
  const progress = startProgress({
    label: "x",
    unit: "steps",
    total: 4,
    terminal,
    columns: 20,
    every: 2,
    write: (part) => text += part,
    now: () => clock,
  });
  for (let done = 1; done <= 4; done++) {
    clock = done;
    progress.update(done);
  }
  progress.finish();
  return text;
}

test(
  "startProgress() writes over one clipped line on a terminal",
  pure,
  () => {
    const first = "\rx  1/4 steps  25 % \x1b[K";
    const second = "\rx  3/4 steps  75 % \x1b[K";
    assertEquals(
      recorded(true),
      `${first}${second}\rx  4/4 steps  100 %\x1b[K\n`,
    );
  },
);

test(
  "startProgress() writes plain lines, seldom and none twice, in a pipe",
  pure,
  () => {
    assertEquals(recorded(false).split("\n"), [
      "x  2/4 steps  50 %  1.00 steps/s  2.0 s left",
      "x  4/4 steps  100 %  1.00 steps/s  in 4.0 s",
      "",
    ]);
  },
);

test(
  "formatDuration() and formatBytes() change unit where the digits would overflow",
  pure,
  () => {
    assertEquals(
      [0, 59.9, 59.96, 187, 3599.6, 7500, Infinity].map(formatDuration),
      [
        "0.0 s",
        "59.9 s",
        "1 min 00 s",
        "3 min 07 s",
        "1 h 00 min",
        "2 h 05 min",
        "unknown",
      ],
    );
    assertEquals(
      [0, 999, 1000, 12_345, 999_499, 999_500, 1.5e9].map(formatBytes),
      ["0 B", "999 B", "1.00 kB", "12.3 kB", "999 kB", "1.00 MB", "1.50 GB"],
    );
  },
);
