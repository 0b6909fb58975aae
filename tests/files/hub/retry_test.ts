import { assertEquals, assertRejects } from "@std/assert";
import { listenToNotes } from "../../../src/base/notes.ts";
import { askedWait, HubError, retrying } from "../../../src/files/hub/retry.ts";
import { test } from "../../test_case.ts";

/** Fails so many times with an error, and keeps the waits and what is told. */
async function waitsOf(
  failures: number,
  error: (failure: number) => HubError,
  options: Parameters<typeof retrying>[1] = {},
) {
  const waits: number[] = [];
  const notes: string[] = [];
  using _notes = listenToNotes((note) => notes.push(note));
  let calls = 0;
  const end = await retrying(() => {
    if (++calls > failures) return Promise.resolve("done");
    return Promise.reject(error(calls));
  }, {
    delay: (milliseconds) => {
      waits.push(milliseconds);
      return Promise.resolve();
    },
    random: () => 1,
    ...options,
  }).catch(({ message }: Error) => message);
  return { waits, notes, end, calls };
}

const asked = (value: string) =>
  askedWait(new Headers({ "retry-after": value }));

test("askedWait() reads seconds and dates, and nothing else", () => {
  assertEquals(askedWait(new Headers()), 0);
  assertEquals(asked("2"), 2000);
  for (const none of ["", "-5", "soon", "1e9", "NaN", "Infinity"]) {
    assertEquals(asked(none), 0, none);
  }
  const date = new Date(Date.now() + 3_600_000).toUTCString();
  const wait = asked(date);
  assertEquals(wait > 3_590_000 && wait <= 3_600_000, true, `${wait}`);
  assertEquals(asked("Wed, 21 Oct 2015 07:28:00 GMT"), 0);
});

test("retrying() waits 5 minutes at most, and says why and how long", async () => {
  for (const seconds of ["3600", "99999999999", "9".repeat(400)]) {
    const { waits, notes, end } = await waitsOf(
      1,
      () => new HubError("Cannot x", { retry: true, wait: asked(seconds) }),
    );
    assertEquals([waits, end], [[300_000], "done"]);
    assertEquals(notes.length, 1);
    assertEquals(
      notes[0]!.startsWith(
        "Cannot x; try 2 comes in 5 min 00 s, though it asks for ",
      ),
      true,
      notes[0],
    );
  }
});

test("retrying() waits as long as the server asks, and tells waits of 5 s", async () => {
  const { waits, notes } = await waitsOf(
    2,
    (failure) =>
      new HubError("Cannot x", {
        retry: true,
        wait: asked(failure === 1 ? "4" : "7"),
      }),
  );
  assertEquals(waits, [4000, 7000]);
  assertEquals(notes, ["Cannot x; try 3 comes in 7.0 s"]);
});

test("retrying() ends a wait when the signal is aborted", async () => {
  const stop = new AbortController();
  const waiting = retrying(
    () => Promise.reject(new HubError("x", { retry: true, wait: 60_000 })),
    { signal: stop.signal },
  );
  setTimeout(() => stop.abort(new Error("enough")), 10);
  await assertRejects(() => waiting, Error, "enough");
});

test("retrying() tries a fault with `tries` no more often, whatever came", async () => {
  let bytes = 0;
  const wrong = () => new HubError("wrong", { retry: true, tries: 2 });
  const all = await waitsOf(9, wrong);
  assertEquals([all.calls, all.end], [2, "wrong (tried 2 times)"]);
  let calls = 0;
  const end = await retrying(
    () => {
      calls++;
      bytes += 100; // it gets further each time
      return Promise.reject(wrong());
    },
    { delay: () => Promise.resolve() },
    () => bytes,
  ).catch((error) => error.message);
  assertEquals([calls, end], [2, "wrong (tried 2 times)"]);
});

test("retrying() gives up after five tries in a row", async () => {
  const { calls, end } = await waitsOf(
    9,
    () => new HubError("x", { retry: true }),
  );
  assertEquals([calls, end], [5, "x (tried 5 times in a row)"]);
});

test("HubError shows what a hub says without what a terminal obeys", () => {
  const { message } = new HubError("\u001b[2J\u202ex", { retry: false });
  assertEquals(message, "\\u{1b}[2J\\u{202e}x");
});
