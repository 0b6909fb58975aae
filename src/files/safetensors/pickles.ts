/**
 * Recognizes pickled weights. Loading a pickle runs any code that it contains, so none is ever read
 * or downloaded.
 */

const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;

/** Whether a file's name is that of pickled weights. */
export function isPickle(name: string): boolean {
  return PICKLE.test(name);
}

/** The advice in errors about pickles. */
export const PICKLE_ADVICE =
  "pickles can run code when loaded: take a revision or repository with .safetensors files, or convert them where you trust them";
