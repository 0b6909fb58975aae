/**
 * A disk in memory: for tests that must not touch the machine's, and the proof that `Disk` says all
 * that files need. Paths are plain: one root, no links, no permissions.
 */
import { basename, dirname, join } from "@std/path";
import {
  type Disk,
  type DiskFile,
  NotFound,
  type OpenOptions,
} from "../../src/files/disk.ts";

/** A disk whose files can be looked at. */
export interface MemoryDisk extends Disk {
  /** Paths of all files, in the order of their names. */
  paths(): string[];
  /** Puts a file there, with the folders above it. */
  put(path: string, bytes: Uint8Array<ArrayBuffer>): void;
}

interface Held {
  bytes: Uint8Array<ArrayBuffer>;
}

/** Relative paths count from the root. */
const absolute = (path: string) => join("/", path).replace(/(.)\/$/, "$1");

/** Makes an empty disk. */
export function memoryDisk(): MemoryDisk {
  const files = new Map<string, Held>();
  const folders = new Set(["/"]);
  const missing = (path: string) =>
    new NotFound(`No such file or folder: "${path}"`);

  function makeFolder(path: string): void {
    for (let at = path; at !== "/"; at = dirname(at)) folders.add(at);
  }

  /** What lies under a path, with the path itself. */
  const below = (path: string) => (name: string) =>
    name === path || name.startsWith(path === "/" ? "/" : `${path}/`);

  function open(path: string, options: OpenOptions): DiskFile {
    const { create = false, createNew = false, truncate = false } = options;
    let held = files.get(path);
    if (held !== undefined && createNew) {
      throw new Error(`There is a file already: "${path}"`);
    }
    if (held === undefined) {
      const canBeMade = (create || createNew) &&
        folders.has(dirname(path));
      if (!canBeMade) throw missing(path);
      files.set(path, held = { bytes: new Uint8Array() });
    }
    if (truncate) held.bytes = new Uint8Array();
    return new MemoryFile(held, options.append === true);
  }

  function* children(path: string) {
    for (
      const [names, isFile] of [[files.keys(), true], [folders, false]] as const
    ) {
      for (const name of names) {
        if (name === path || dirname(name) !== path) continue;
        yield { name: basename(name), isFile, isDirectory: !isFile };
      }
    }
  }

  return {
    paths: () => [...files.keys()].sort(),
    put(path, bytes) {
      makeFolder(dirname(absolute(path)));
      files.set(absolute(path), { bytes });
    },
    async open(path, options = {}) {
      return await Promise.resolve(open(absolute(path), options));
    },
    async readFile(path) {
      const held = await Promise.resolve(files.get(absolute(path)));
      if (held === undefined) throw missing(path);
      return held.bytes.slice();
    },
    async stat(path) {
      const full = absolute(path);
      const held = await Promise.resolve(files.get(full));
      const isDirectory = folders.has(full);
      if (held === undefined && !isDirectory) throw missing(path);
      const size = held?.bytes.length ?? 0;
      return { isFile: !isDirectory, isDirectory, size, mtime: null };
    },
    async *list(path) {
      const full = absolute(path);
      if (!folders.has(full)) throw missing(path);
      yield* await Promise.resolve([...children(full)]);
    },
    async makeFolder(path) {
      await Promise.resolve(makeFolder(absolute(path)));
    },
    async remove(path, { recursive = false } = {}) {
      const full = absolute(path);
      const doomed = await Promise.resolve(
        [...files.keys(), ...folders].filter(below(full)),
      );
      if (doomed.length === 0) throw missing(path);
      if (doomed.length > 1 && !recursive) {
        throw new Error(`The folder is not empty: "${path}"`);
      }
      for (const name of doomed) {
        files.delete(name);
        folders.delete(name);
      }
    },
    async rename(from, to) {
      const [old, fresh] = [absolute(from), absolute(to)];
      const moved = await Promise.resolve(
        [...files.keys(), ...folders].filter(below(old)),
      );
      if (moved.length === 0) throw missing(from);
      for (const name of moved) {
        const path = fresh + name.slice(old.length);
        const held = files.get(name);
        if (held === undefined) folders.add(path);
        else files.set(path, held);
        files.delete(name);
        folders.delete(name);
      }
    },
    realPath: (path) => Promise.resolve(absolute(path)),
  };
}

class MemoryFile implements DiskFile {
  readonly #held: Held;
  readonly #append: boolean;
  #position = 0;

  constructor(held: Held, append: boolean) {
    this.#held = held;
    this.#append = append;
  }

  async read(bytes: Uint8Array<ArrayBuffer>): Promise<number | null> {
    const count = await this.readAt(this.#position, bytes);
    this.#position += count ?? 0;
    return count;
  }

  async readAt(
    position: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<number | null> {
    const end = position + bytes.length;
    const found = await Promise.resolve(this.#held.bytes.slice(position, end));
    bytes.set(found);
    return found.length === 0 && bytes.length > 0 ? null : found.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const { length } = this.#held.bytes;
    const from = this.#append ? length : this.#position;
    const end = from + bytes.length;
    if (end > length) this.#resize(end);
    this.#held.bytes.set(bytes, from);
    this.#position = end;
    return await Promise.resolve(bytes.length);
  }

  async seek(position: number): Promise<void> {
    this.#position = await Promise.resolve(position);
  }

  async truncate(size: number): Promise<void> {
    await Promise.resolve(this.#resize(size));
  }

  #resize(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.#held.bytes.subarray(0, size));
    this.#held.bytes = bytes;
  }

  async size(): Promise<number> {
    return await Promise.resolve(this.#held.bytes.length);
  }

  async sync(): Promise<void> {
    await Promise.resolve();
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new Blob([this.#held.bytes.subarray(this.#position)]).stream();
  }

  [Symbol.dispose](): void {}
}
