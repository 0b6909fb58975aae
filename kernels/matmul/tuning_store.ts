/**
 * Where results of tuning are kept from run to run, under a key that names device, platform and
 * kernels, so that a change of any of them measures anew. Knows no file: a store is handed in.
 */

/** Texts under keys. A store that cannot be read has none, one that cannot be written forgets. */
export interface TuningStore {
  /** The text under a key; undefined if there is none. */
  read(key: string): Promise<string | undefined>;
  /** Keeps a text under a key. */
  write(key: string, text: string): Promise<void>;
}

/** What is kept. */
export interface KeptTuning {
  /** The device's description, for people who read it. */
  readonly device: string;
  /** The name of the chosen candidate. */
  readonly name: string;
}

/** A name for what was measured where: 32 hexadecimal digits. */
export async function tuningKey(
  device: string,
  texts: readonly string[],
  platform = navigator.userAgent,
): Promise<string> {
  const all = [device, platform, ...texts].join("\0");
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(all),
  );
  return new Uint8Array(digest).toHex().slice(0, 32);
}

/** The name of the candidate that was chosen; undefined if none is known. */
export async function readTuning(
  store: TuningStore,
  key: string,
): Promise<string | undefined> {
  const text = await store.read(key);
  if (text === undefined) return undefined;
  try {
    const kept: unknown = JSON.parse(text);
    const isKept = typeof kept === "object" && kept !== null && "name" in kept;
    return isKept && typeof kept.name === "string" ? kept.name : undefined;
  } catch {
    return undefined; // a broken text is measured anew
  }
}

/** Keeps a result. */
export async function writeTuning(
  store: TuningStore,
  key: string,
  tuning: KeptTuning,
): Promise<void> {
  await store.write(key, `${JSON.stringify(tuning, null, 2)}\n`);
}
