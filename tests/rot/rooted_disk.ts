/**
 * The machine's disk with a folder as the place where relative paths begin, so that a run keeps its
 * caches there; times of change lie a minute back, so that hashes of files are remembered at once.
 */
import { isAbsolute, join } from "@std/path";
import type { Disk, DiskEntry } from "../../src/files/disk.ts";

const MINUTE = 60_000;

const earlier = (time: Date | null | undefined) =>
  time ? new Date(time.getTime() - MINUTE) : null;

/** Makes a disk of another. */
export function rootedDisk(under: Disk, root: string): Disk {
  const at = (path: string) => isAbsolute(path) ? path : join(root, path);
  return {
    open: (path, options) => under.open(at(path), options),
    readFile: (path) => under.readFile(at(path)),
    async stat(path): Promise<DiskEntry> {
      const found = await under.stat(at(path));
      const { isFile, isDirectory, size, ino } = found;
      const mtime = earlier(found.mtime);
      const ctime = earlier(found.ctime);
      return { isFile, isDirectory, size, mtime, ctime, ino: ino ?? null };
    },
    list: (path) => under.list(at(path)),
    makeFolder: (path) => under.makeFolder(at(path)),
    remove: (path, options) => under.remove(at(path), options),
    rename: (from, to) => under.rename(at(from), at(to)),
    realPath: (path) => under.realPath(at(path)),
    isLink: (path) => under.isLink!(at(path)),
  };
}
