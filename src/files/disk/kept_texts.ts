/**
 * Texts that are kept from run to run if that is possible: each under a key, in a file `<key>.json`
 * of one folder. A file that cannot be read or written is as good as none.
 */
import { join } from "@std/path";
import { writeFileAtomic } from "./atomic.ts";
import { readText } from "./whole_file.ts";

/** Texts under keys. */
export interface KeptTexts {
  /** The text under a key; undefined if there is none that can be read. */
  read(key: string): Promise<string | undefined>;
  /** Keeps a text, if the folder may be written. */
  write(key: string, text: string): Promise<void>;
}

/** The texts that a folder keeps; it is made with the first one. */
export function keptTexts(folder: string): KeptTexts {
  const path = (key: string) => join(folder, `${key}.json`);
  return {
    read: (key) => readText(path(key)).catch(() => undefined),
    write: (key, text) => writeFileAtomic(path(key), text).catch(() => {}),
  };
}
