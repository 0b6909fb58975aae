/** All files of a folder, kept in memory, and put back where they differ. */
import { dirname, join, relative } from "@std/path";

/** Paths below the folder, and what lies there. */
export type Snapshot = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** The plain files below a folder, by their paths in it; links and folders are named too. */
function* entries(
  root: string,
  below = root,
): Generator<{ readonly path: string; readonly isPlain: boolean }> {
  for (const { name, isFile, isDirectory } of Deno.readDirSync(below)) {
    const path = join(below, name);
    if (isDirectory) {
      if ([...Deno.readDirSync(path)].length === 0) {
        yield { path: relative(root, path), isPlain: false };
      }
      yield* entries(root, path);
    } else yield { path: relative(root, path), isPlain: isFile };
  }
}

/** Takes all files of a folder. */
export function takeSnapshot(root: string): Snapshot {
  return new Map(
    [...entries(root)].filter(({ isPlain }) => isPlain)
      .map(({ path }) => [path, Deno.readFileSync(join(root, path))]),
  );
}

/** Makes a folder what it was; a file that has not changed is not touched. */
export function putBack(root: string, snapshot: Snapshot): void {
  const same = new Set<string>();
  for (const { path, isPlain } of [...entries(root)]) {
    const wanted = snapshot.get(path);
    const isSame = isPlain && wanted !== undefined &&
      isEqual(Deno.readFileSync(join(root, path)), wanted);
    if (isSame) same.add(path);
    else Deno.removeSync(join(root, path), { recursive: true });
  }
  for (const [path, bytes] of snapshot) {
    if (same.has(path)) continue;
    Deno.mkdirSync(dirname(join(root, path)), { recursive: true });
    Deno.writeFileSync(join(root, path), bytes);
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
