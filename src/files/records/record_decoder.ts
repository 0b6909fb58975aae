/**
 * Lets a thread decode the records of a file, and ends it if it does not come back: damaged bytes
 * can keep the packages that read columnar files from ever doing so. Knows no format.
 */
import type { DiskFile } from "../disk.ts";
import type { JsonObject } from "../disk/json_file.ts";
import type { Answer, Question } from "./decoder_thread.ts";

/** The most rows of a group, which are in memory at once; usual are a thousand to a million. */
export const MOST_OF_GROUP = 10_000_000;

/**
 * How long a thread may work without a word, and for each byte that it was given since. At the end
 * it has `grace`: if this thread was busy, an answer may have come that was not heard yet.
 */
const PATIENCE = { milliseconds: 8000, perByte: 1 / 2000, grace: 100 };

/** What is left to do with an answer. */
type Found = Exclude<Answer, { start: number } | { fault: string }>;

/** A thread that answers questions, and the bytes that it may ask for. */
export interface Decoder extends Disposable {
  /**
   * Asks, and waits.
   *
   * @throws {SyntaxError} for a fault, or if no answer comes in time
   */
  ask(question: Question): Promise<Found>;
}

/**
 * Opens a decoder.
 *
 * @param make starts the thread
 * @param read gives the bytes from one place to another
 * @param patience milliseconds without a word after which the thread is ended; default 8000
 */
export function openDecoder(
  make: () => Worker,
  read: (start: number, end: number) => Promise<ArrayBuffer>,
  patience: number = PATIENCE.milliseconds,
): Decoder {
  const worker = make();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = (question: Question) =>
    new Promise<Found>((answer, fail) => {
      let given = 0;
      const listen = () => {
        clearTimeout(timer);
        const wait = patience + given * PATIENCE.perByte;
        const end = () => {
          worker.terminate();
          fail(new SyntaxError(`reading it took more than ${wait} ms`));
        };
        timer = setTimeout(() => {
          timer = setTimeout(end, PATIENCE.grace);
        }, wait);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        clearTimeout(timer);
        fail(new SyntaxError(event.message));
      };
      worker.onmessage = ({ data }: MessageEvent<Answer>) => {
        clearTimeout(timer);
        if ("fault" in data) return fail(new SyntaxError(data.fault));
        if (!("start" in data)) return answer(data);
        read(data.start, data.end).then((bytes) => {
          given += bytes.byteLength;
          listen();
          worker.postMessage({ bytes } satisfies Question, [bytes]);
        }, fail);
      };
      listen();
      worker.postMessage(question);
    });
  return {
    ask,
    [Symbol.dispose]() {
      clearTimeout(timer);
      worker.terminate();
    },
  };
}

/** A decoder whose thread reads an open file. */
export function fileDecoder(file: DiskFile, make: () => Worker): Decoder {
  return openDecoder(make, (start, end) => bytesOf(file, start, end));
}

async function bytesOf(
  file: DiskFile,
  start: number,
  end: number,
): Promise<ArrayBuffer> {
  const size = await file.size();
  if (!(start >= 0 && end >= start && end <= size)) {
    throw new SyntaxError(`found a part outside of its ${size} bytes`);
  }
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const count = await file.readAt(start + filled, bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.buffer;
}

/** The rows of an answer. */
export function rowsOf(answer: Found): readonly JsonObject[] {
  if ("rows" in answer) return answer.rows;
  if (!("json" in answer)) return [];
  return JSON.parse(new TextDecoder().decode(answer.json));
}

/**
 * Asks for something that is wanted soon. It is decoded while this thread does something else; a
 * fault shows where it is awaited.
 */
export function askAhead(decoder: Decoder, question: Question): Promise<Found> {
  const answer = decoder.ask(question);
  answer.catch(() => {});
  return answer;
}
