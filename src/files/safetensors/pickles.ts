/**
 * Pickled weights: loading one runs whatever code it holds, so none is read, and none downloaded.
 */

const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;

/** Whether a file's name is that of pickled weights. */
export function isPickle(name: string): boolean {
  return PICKLE.test(name);
}

/** What to do instead of loading pickles. */
export const PICKLE_ADVICE =
  "pickles can run code when loaded: take a revision or repository with .safetensors files, or convert them where you trust them";
