/**
 * A disk whose faults say what a user can do: a full, failing or forbidden disk is told with the
 * file, the bytes that were to be written and an advice, in place of the system's few words. What
 * callers ask for by its class (`NotFound`, `NotCapable`, a file that exists) stays as it is.
 */
import type { Disk, DiskFile, OpenOptions } from "./disk_calls.ts";
import { withoutTemporaryNames } from "./file_names.ts";

const FULL = "free space there, or choose a folder on another disk";
const FORBIDDEN = "give the right to it, or choose another folder";
const FAILING = "the disk may be failing: copy what matters, and check it";

/** What to do, by the system's number of an error: those of Linux, macOS and Windows. */
const ADVICE: Readonly<Record<number, string>> = {
  28: FULL, // ENOSPC
  122: FULL, // EDQUOT of Linux
  69: FULL, // EDQUOT of macOS
  112: FULL, // ERROR_DISK_FULL
  27: "the disk takes no file as large; choose a folder on another one", // EFBIG
  5: FAILING, // EIO
  1117: FAILING, // ERROR_IO_DEVICE
  1: FORBIDDEN, // EPERM
  13: FORBIDDEN, // EACCES
  30: "it can only be read; choose another folder", // EROFS
  19: "it can only be read; choose another folder", // ERROR_WRITE_PROTECT
  24: "close other programs, or raise the limit of open files", // EMFILE
};

const told = new WeakSet<Error>();

/** Whether an error names its file and says what to do already. */
export function isTold(error: unknown): error is Error {
  return error instanceof Error && told.has(error);
}

/** What an error says, without the file where it is named: whoever tells it names another. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return isTold(error) ? message.slice(message.indexOf('": ') + 3) : message;
}

/** The system's words and number in a message, wherever it stands in it. */
const SYSTEM = /([^:]*) \(os error (\d+)\)/;

/** The error as it is told; others than the disk's own come back as they are. */
function tell(error: unknown, what: string, bytes?: number): unknown {
  if (!(error instanceof Error) || told.has(error)) return error;
  const [, words, number] = SYSTEM.exec(error.message) ?? [];
  const advice = ADVICE[Number(number)];
  if (words === undefined || advice === undefined) return error;
  const lost = bytes === undefined ? "" : `, ${bytes} bytes were to be written`;
  const message =
    `Cannot ${what}: ${words.trim()} (os error ${number})${lost}; ${advice}`;
  // its class says to callers what it is
  const Kind = error.constructor as ErrorConstructor;
  const better = new Kind(message, { cause: error });
  told.add(better);
  return better;
}

async function telling<T>(
  work: () => Promise<T>,
  what: string,
  bytes?: number,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw tell(error, what, bytes);
  }
}

/** The same pieces; the faults of reading them are told. */
function toldStream(
  pieces: ReadableStream<Uint8Array<ArrayBuffer>>,
  what: string,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = pieces.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await telling(() => reader.read(), what);
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function toldFile(
  file: DiskFile,
  path: string,
  { write = false, append = false }: OpenOptions,
): DiskFile {
  const read = reading(path);
  const written = writing(path);
  return {
    read: (bytes) => telling(() => file.read(bytes), read),
    readAt: (position, bytes) =>
      telling(() => file.readAt(position, bytes), read),
    write: (bytes) => telling(() => file.write(bytes), written, bytes.length),
    seek: (position) => telling(() => file.seek(position), read),
    truncate: (size) => telling(() => file.truncate(size), written),
    size: () => telling(() => file.size(), read),
    sync: () =>
      telling(
        () => file.sync(),
        write || append ? `${written} to its disk` : read,
      ),
    stream: () => toldStream(file.stream(), read),
    ...file.lock && { lock: () => file.lock!() },
    ...file.isAt && {
      isAt: (other: string) => telling(() => file.isAt!(other), reading(other)),
    },
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}

const reading = (path: string) => `read "${withoutTemporaryNames(path)}"`;
const writing = (path: string) => `write "${withoutTemporaryNames(path)}"`;

/** A file or folder takes its name once it is whole, which is a part of writing it. */
function renaming(from: string, to: string): string {
  const [before, after] = [from, to].map(withoutTemporaryNames);
  return before === after ? writing(to) : `rename "${before}" to "${after}"`;
}

/** The same disk, whose faults are told. */
export function toldDisk(inner: Disk): Disk {
  const isWritten = ({ write, append, create, createNew }: OpenOptions) =>
    write || append || create || createNew;
  return {
    async open(path, options) {
      const what = isWritten(options ?? {}) ? writing(path) : reading(path);
      const file = await telling(() => inner.open(path, options), what);
      return toldFile(file, path, options ?? {});
    },
    readFile: (path) => telling(() => inner.readFile(path), reading(path)),
    stat: (path) => telling(() => inner.stat(path), reading(path)),
    async *list(path) {
      try {
        yield* inner.list(path);
      } catch (error) {
        throw tell(error, reading(path));
      }
    },
    makeFolder: (path) =>
      telling(
        () => inner.makeFolder(path),
        `make folder "${withoutTemporaryNames(path)}"`,
      ),
    remove: (path, options) =>
      telling(
        () => inner.remove(path, options),
        `remove "${withoutTemporaryNames(path)}"`,
      ),
    rename: (from, to) =>
      telling(() => inner.rename(from, to), renaming(from, to)),
    realPath: (path) => telling(() => inner.realPath(path), reading(path)),
    ...inner.touch && { touch: (path: string) => inner.touch!(path) },
    ...inner.syncFolder && {
      syncFolder: (path: string) =>
        telling(() => inner.syncFolder!(path), `${writing(path)} to its disk`),
    },
    ...inner.isLink && {
      isLink: (path: string) =>
        telling(() => inner.isLink!(path), reading(path)),
    },
    get program() {
      return inner.program;
    },
  };
}
