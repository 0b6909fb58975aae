/**
 * Keeps texts from run to run, each under a key in a file `<key>.json` of one folder. A file that
 * cannot be read or written is ignored.
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

/** The texts in a folder, which is made when the first one is written. */
export function keptTexts(folder: string): KeptTexts {
  const path = (key: string) => join(folder, `${key}.json`);
  return {
    read: (key) => readText(path(key)).catch(() => undefined),
    write: (key, text) => writeFileAtomic(path(key), text).catch(() => {}),
  };
}
