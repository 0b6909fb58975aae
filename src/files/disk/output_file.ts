/**
 * A text file that grows line by line. Each line is flushed to the disk before the program
 * continues.
 */
import { writeFileAtomic } from "./atomic.ts";
import { disk } from "../disk.ts";
import { writeAll } from "./whole_file.ts";

/** An open file to append to. */
export interface OutputFile extends Disposable {
  /** The path of the file, as given. */
  readonly path: string;
  /** Appends text and waits until it is on the disk. */
  append(text: string): Promise<void>;
}

/**
 * Opens a file for writing. An older file is emptied, and a link is replaced and not followed; the
 * folders above it are made.
 */
export async function openOutputFile(path: string): Promise<OutputFile> {
  await writeFileAtomic(path, "");
  const file = await disk().open(path, { write: true });
  return {
    path,
    async append(text) {
      await writeAll(file, new TextEncoder().encode(text));
      await file.sync();
    },
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}
