/**
 * Results of tuning in files, `<folder>/<key>.json`; the key names adapter, Deno and kernels, so that a change of any
 * measures anew. A file that cannot be read or written is as good as none.
 */

/** What is kept. */
export interface KeptTuning {
  readonly adapter: string;
  /** The name of the chosen candidate. */
  readonly name: string;
}

/** A name for what was measured where: 32 hexadecimal digits. */
export async function tuningKey(
  adapter: string,
  texts: readonly string[],
  deno = Deno.version.deno,
): Promise<string> {
  const all = [adapter, deno, ...texts].join("\0");
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(all),
  );
  return new Uint8Array(digest).toHex().slice(0, 32);
}

/** The name of the candidate that was chosen; undefined if none is known. */
export async function readTuning(
  folder: string,
  key: string,
): Promise<string | undefined> {
  try {
    const text = await Deno.readTextFile(`${folder}/${key}.json`);
    const kept: unknown = JSON.parse(text);
    const isKept = typeof kept === "object" && kept !== null && "name" in kept;
    return isKept && typeof kept.name === "string" ? kept.name : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a result, if the folder may be written. */
export async function writeTuning(
  folder: string,
  key: string,
  tuning: KeptTuning,
): Promise<void> {
  const path = `${folder}/${key}.json`;
  const part = `${path}.${crypto.randomUUID()}.part`;
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(part, `${JSON.stringify(tuning, null, 2)}\n`);
    await Deno.rename(part, path);
  } catch {
    await Deno.remove(part).catch(() => {});
  }
}
