/**
 * A disk in memory that can lose its power: what was not synced is lost then. `sync()` of a file
 * saves its bytes, `syncFolder()` the names in a folder, and neither the other. Real disks save
 * more, at times of their own; this one saves the least that they promise.
 */
import { basename, dirname, join } from "@std/path";
import {
  type Disk,
  type DiskFile,
  NotFound,
  type OpenOptions,
} from "../../src/files/disk.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * What a power cut loses: bytes and names that were not synced, or bytes alone, as where a file
 * system keeps a journal of its names.
 */
export type Cut = "names and bytes" | "bytes";

/** A disk whose power can be cut. */
export interface PoweredDisk extends Disk {
  /** Puts a file there for good, with the folders above it. */
  put(path: string, bytes: Bytes): void;
  /** All files as they are, by their paths. */
  files(): Map<string, Bytes>;
  /** What is not synced is lost. Files that are open belong to a program that is gone. */
  cut(what: Cut): void;
  /** Another disk that holds the same, synced or not. */
  copy(): PoweredDisk;
}

interface HeldFile {
  bytes: Bytes;
  synced: Bytes;
}

interface Folder {
  names: Map<string, HeldFile | Folder>;
  synced: Map<string, HeldFile | Folder>;
}

const isFolder = (held: HeldFile | Folder): held is Folder => "names" in held;
const emptyFolder = (): Folder => ({ names: new Map(), synced: new Map() });

/** Makes an empty disk. */
export function poweredDisk(): PoweredDisk {
  return diskBelow(emptyFolder());
}

function diskBelow(root: Folder): PoweredDisk {
  const parts = (path: string) =>
    join("/", path).split("/").filter((name) => name !== "");
  const missing = (path: string) =>
    new NotFound(`No such file or folder: "${path}"`);

  function at(path: string): HeldFile | Folder {
    let held: HeldFile | Folder = root;
    for (const name of parts(path)) {
      const next: HeldFile | Folder | undefined = isFolder(held)
        ? held.names.get(name)
        : undefined;
      if (next === undefined) throw missing(path);
      held = next;
    }
    return held;
  }

  function folderAt(path: string): Folder {
    const held = at(path);
    if (isFolder(held)) return held;
    throw new Error(`Not a folder: "${path}"`);
  }

  function fileAt(path: string): HeldFile {
    const held = at(path);
    if (!isFolder(held)) return held;
    throw new Error(`Is a folder: "${path}"`);
  }

  function make(path: string): Folder {
    let folder = root;
    for (const name of parts(path)) {
      const next = folder.names.get(name) ?? emptyFolder();
      if (!isFolder(next)) throw new Error(`Not a folder: "${path}"`);
      folder.names.set(name, next);
      folder = next;
    }
    return folder;
  }

  function open(path: string, options: OpenOptions): DiskFile {
    const { create = false, createNew = false, truncate = false } = options;
    const folder = folderAt(dirname(path));
    const name = basename(path);
    if (createNew && folder.names.has(name)) {
      throw new Error(`There is a file already: "${path}"`);
    }
    if ((create || createNew) && !folder.names.has(name)) {
      folder.names.set(name, {
        bytes: new Uint8Array(),
        synced: new Uint8Array(),
      });
    }
    const held = fileAt(path);
    if (truncate) held.bytes = new Uint8Array();
    return new PoweredFile(held, options.append === true);
  }

  return {
    put(path, bytes) {
      make(dirname(path)).names.set(basename(path), { bytes, synced: bytes });
      save(root);
    },
    files() {
      return new Map([...filesBelow(root, "")].toSorted());
    },
    cut(what) {
      lose(root, what);
    },
    copy: () => diskBelow(copyOf(root, new Map()) as Folder),
    open: async (path, options = {}) => await soon(() => open(path, options)),
    readFile: async (path) => await soon(() => fileAt(path).bytes.slice()),
    stat: async (path) =>
      await soon(() => {
        const held = at(path);
        const isDirectory = isFolder(held);
        const size = isDirectory ? 0 : held.bytes.length;
        return { isFile: !isDirectory, isDirectory, size, mtime: null };
      }),
    async *list(path) {
      const { names } = await soon(() => folderAt(path));
      for (const [name, held] of [...names]) {
        const isDirectory = isFolder(held);
        yield { name, isFile: !isDirectory, isDirectory };
      }
    },
    makeFolder: async (path) => await soon(() => void make(path)),
    remove: async (path, { recursive = false } = {}) =>
      await soon(() => {
        const held = at(path);
        if (isFolder(held) && held.names.size > 0 && !recursive) {
          throw new Error(`The folder is not empty: "${path}"`);
        }
        folderAt(dirname(path)).names.delete(basename(path));
      }),
    rename: async (from, to) =>
      await soon(() => {
        const held = at(from);
        const old = folderAt(dirname(to)).names.get(basename(to));
        if (old !== undefined && isFolder(old) && old.names.size > 0) {
          throw new Error(`The folder is not empty: "${to}"`);
        }
        folderAt(dirname(from)).names.delete(basename(from));
        folderAt(dirname(to)).names.set(basename(to), held);
      }),
    realPath: async (path) => await soon(() => join("/", path)),
    syncFolder: async (path) =>
      await soon(() => {
        const folder = folderAt(path);
        folder.synced = new Map(folder.names);
      }),
  };
}

/** Work at once, whose faults are those of a promise. */
async function soon<T>(work: () => T): Promise<T> {
  return await Promise.resolve().then(work);
}

function* filesBelow(folder: Folder, path: string): Generator<[string, Bytes]> {
  for (const [name, held] of folder.names) {
    const below = `${path}/${name}`;
    if (isFolder(held)) yield* filesBelow(held, below);
    else yield [below, held.bytes.slice()];
  }
}

/** @param copies what was copied before: a file may be known by several names */
function copyOf(
  held: HeldFile | Folder,
  copies: Map<HeldFile | Folder, HeldFile | Folder>,
): HeldFile | Folder {
  const known = copies.get(held);
  if (known !== undefined) return known;
  // files replace their bytes when they are synced or grow, but are written in place
  const copy = isFolder(held)
    ? emptyFolder()
    : { bytes: held.bytes.slice(), synced: held.synced };
  copies.set(held, copy);
  if (isFolder(held) && isFolder(copy)) {
    for (const names of ["names", "synced"] as const) {
      for (const [name, below] of held[names]) {
        copy[names].set(name, copyOf(below, copies));
      }
    }
  }
  return copy;
}

function lose(folder: Folder, what: Cut): void {
  if (what === "names and bytes") folder.names = new Map(folder.synced);
  else folder.synced = new Map(folder.names);
  for (const held of folder.names.values()) {
    if (isFolder(held)) lose(held, what);
    else held.bytes = held.synced.slice();
  }
}

function save(folder: Folder): void {
  folder.synced = new Map(folder.names);
  for (const held of folder.names.values()) {
    if (isFolder(held)) save(held);
    else held.synced = held.bytes.slice();
  }
}

class PoweredFile implements DiskFile {
  readonly #held: HeldFile;
  readonly #append: boolean;
  #position = 0;

  constructor(held: HeldFile, append: boolean) {
    this.#held = held;
    this.#append = append;
  }

  async read(bytes: Bytes): Promise<number | null> {
    const count = await this.readAt(this.#position, bytes);
    this.#position += count ?? 0;
    return count;
  }

  readAt(position: number, bytes: Bytes): Promise<number | null> {
    return soon(() => {
      const end = position + bytes.length;
      const found = this.#held.bytes.slice(position, end);
      bytes.set(found);
      return found.length === 0 && bytes.length > 0 ? null : found.length;
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return soon(() => {
      const { length } = this.#held.bytes;
      const from = this.#append ? length : this.#position;
      const end = from + bytes.length;
      if (end > length) this.#resize(end);
      this.#held.bytes.set(bytes, from);
      this.#position = end;
      return bytes.length;
    });
  }

  seek(position: number): Promise<void> {
    return soon(() => void (this.#position = position));
  }

  truncate(size: number): Promise<void> {
    return soon(() => this.#resize(size));
  }

  #resize(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.#held.bytes.subarray(0, size));
    this.#held.bytes = bytes;
  }

  size(): Promise<number> {
    return soon(() => this.#held.bytes.length);
  }

  sync(): Promise<void> {
    return soon(() => void (this.#held.synced = this.#held.bytes.slice()));
  }

  stream(): ReadableStream<Bytes> {
    return new Blob([this.#held.bytes.subarray(this.#position)]).stream();
  }

  [Symbol.dispose](): void {}
}
