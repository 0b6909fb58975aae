/**
 * Follows the frames of a zstd stream without unpacking them, so that one that asks for more memory
 * than usual is refused before it gets any. Source: https://www.rfc-editor.org/rfc/rfc8878, 3.1.
 */

/** The largest window that is unpacked; zstd's own program refuses more too, unless it is told. */
const MOST_WINDOW = 2 ** 27;

const MAGIC = 0xfd2fb528;
/** Frames that hold no data of the stream have any of 16 numbers. */
const isSkippable = (magic: number) => (magic & 0xfffffff0) === 0x184d2a50;
/** Bytes of the fields of a header, by their flags. */
const dictionaryBytes = (flags: number) => [0, 1, 2, 4][flags & 3]!;
const sizeBytes = (flags: number) => [0, 2, 4, 8][flags >> 6 & 3]!;

/** What is read next. */
type State = "magic" | "skipped" | "header" | "block" | "unknown";

/** Looks at the bytes of a stream as they come. */
export class ZstdFrames {
  #state: State = "magic";
  /** Bytes of a field that has not come as a whole. */
  #held: number[] = [];
  /** Bytes to pass over. */
  #skip = 0;
  #hasChecksum = false;

  /** @throws {TypeError} for a window that is larger than is unpacked */
  look(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.#state !== "unknown";) {
      const passed = Math.min(this.#skip, bytes.length - at);
      this.#skip -= passed;
      at += passed;
      if (at === bytes.length) return;
      this.#held.push(bytes[at++]!);
      if (this.#held.length === this.#wanted()) this.#take();
    }
  }

  /** Bytes of the field that is read. */
  #wanted(): number {
    if (this.#state === "block") return 3;
    if (this.#state !== "header") return 4;
    const [flags] = this.#held;
    return flags === undefined ? 1 : headerBytes(flags);
  }

  #take(): void {
    const field = this.#held;
    const number = field.slice(0, 4)
      .reduce((sum, byte, i) => sum + byte * 256 ** i, 0);
    if (this.#state === "header") {
      checkWindow(windowOf(field));
      this.#hasChecksum = (field[0]! & 4) !== 0;
      this.#state = "block";
    } else if (this.#state === "block") this.#takeBlock(number);
    else if (this.#state === "skipped") {
      this.#skip = number;
      this.#state = "magic";
    } else {
      this.#state = number === MAGIC
        ? "header"
        : isSkippable(number)
        ? "skipped"
        : "unknown"; // the decompressor says what is wrong
    }
    this.#held = [];
  }

  #takeBlock(header: number): void {
    const [isLast, kind, size] = [header & 1, header >> 1 & 3, header >> 3];
    this.#skip = kind === 1 ? 1 : size; // a byte that repeats stands once
    if (isLast === 0) return;
    this.#skip += this.#hasChecksum ? 4 : 0;
    this.#state = "magic";
  }
}

const isSingle = (flags: number) => (flags & 0x20) !== 0;

function headerBytes(flags: number): number {
  const size = sizeBytes(flags);
  const single = isSingle(flags);
  return 1 + (single ? 0 : 1) + dictionaryBytes(flags) +
    (single && size === 0 ? 1 : size);
}

/** The window of a header: its own, or in a single segment the size of the content. */
function windowOf(field: readonly number[]): number {
  const flags = field[0]!;
  if (!isSingle(flags)) {
    const [exponent, mantissa] = [field[1]! >> 3, field[1]! & 7];
    return 2 ** (10 + exponent) * (1 + mantissa / 8);
  }
  const at = 1 + dictionaryBytes(flags);
  return field.slice(at).reduce((sum, byte, i) => sum + byte * 256 ** i, 0);
}

function checkWindow(bytes: number): void {
  if (bytes <= MOST_WINDOW) return;
  throw new TypeError(
    `found a frame of zstd with a window of ${bytes} bytes, expected at most ${MOST_WINDOW}`,
  );
}
