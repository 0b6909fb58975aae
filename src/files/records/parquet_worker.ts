/**
 * Decodes parquet in a thread of its own, which parquet_records.ts ends if it does not answer:
 * damaged bytes can keep the package from ever coming back. It opens no file; bytes are asked for.
 */
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import type { JsonObject } from "../disk/json_file.ts";
import { DECOMPRESSORS } from "./parquet_pages.ts";
import { plainObject } from "./plain_values.ts";

/** What the thread is asked for: the rows of all groups, or the rows from one to another. */
export type Question =
  | { readonly open: number }
  | { readonly from: number; readonly to: number }
  | { readonly bytes: ArrayBuffer };

/** What it answers; `start` asks for bytes in its turn. */
export type Answer =
  | { readonly groups: readonly number[] }
  | { readonly rows: readonly JsonObject[] }
  | { readonly fault: string }
  | { readonly start: number; readonly end: number };

/** The thread's own side of the channel, which the types of the main thread do not have. */
const channel = globalThis as unknown as {
  postMessage(answer: Answer): void;
  addEventListener(
    kind: "message" | "unhandledrejection",
    heard: (event: MessageEvent<Question>) => void,
  ): void;
};

let waiting: ((bytes: ArrayBuffer) => void)[] = [];
let asked: { start: number; end: number }[] = [];

/** Asks for one piece at a time, in the order in which the package wants them. */
function slice(start: number, end: number): Promise<ArrayBuffer> {
  return new Promise((take) => {
    waiting.push(take);
    asked.push({ start, end });
    if (asked.length === 1) channel.postMessage({ start, end });
  });
}

function taken(bytes: ArrayBuffer): void {
  const [take, ...others] = waiting;
  waiting = others;
  asked = asked.slice(1);
  if (asked[0] !== undefined) channel.postMessage(asked[0]);
  take?.(bytes);
}

let byteLength = 0;
const file = {
  get byteLength() {
    return byteLength;
  },
  slice: (start: number, end = byteLength) => slice(start, end),
};
let metadata: Awaited<ReturnType<typeof parquetMetadataAsync>> | undefined;

async function answerTo(question: Question): Promise<Answer> {
  if ("open" in question) {
    byteLength = question.open;
    metadata = await parquetMetadataAsync(file);
    return { groups: metadata.row_groups.map((one) => Number(one.num_rows)) };
  }
  const { from, to } = question as { from: number; to: number };
  const rows = await parquetReadObjects({
    file,
    metadata: metadata!,
    compressors: DECOMPRESSORS,
    rowStart: from,
    rowEnd: to,
  });
  return { rows: rows.map(plainObject) };
}

channel.addEventListener("message", ({ data }) => {
  if ("bytes" in data) return taken(data.bytes);
  answerTo(data)
    .catch((error): Answer => ({
      fault: error instanceof Error ? error.message : String(error),
    }))
    .then((answer) => channel.postMessage(answer));
});
// the package leaves promises behind that fail after it has thrown
channel.addEventListener("unhandledrejection", (event) => {
  (event as unknown as Event).preventDefault();
});
