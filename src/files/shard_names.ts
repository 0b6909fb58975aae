/**
 * Finds the shards that are missing of files in several parts, by names such as
 * `train-00000-of-00002.parquet`. Reads no file.
 */

/** A number of several parts, perhaps with the hash that older releases of datasets wrote. */
const SHARD =
  /^(.*?)[-_.]?(\d+)[-_]of[-_](\d+)((?:-[0-9a-f]{8,})?(?:\.\w+)*)$/i;

/**
 * Says which parts are missing; undefined if none is.
 *
 * @param paths files of one folder or of several
 */
export function missingShards(paths: readonly string[]): string | undefined {
  const sets = Map.groupBy(
    paths.flatMap((path) => {
      const [, stem, number, total, ending] = SHARD.exec(path) ?? [];
      if (stem === undefined || number === undefined) return [];
      const kind = ending?.replace(/^-[0-9a-f]+/i, "");
      return [{ path, number, total: Number(total), key: `${stem}*${kind}` }];
    }),
    ({ key, total }) => `${key} of ${total}`,
  );
  for (const shards of sets.values()) {
    const { total, number, path } = shards[0]!;
    const found = new Set(shards.map((shard) => Number(shard.number)));
    // files of weights are counted from 1, those of rows by some tools
    const isOfWeights = /\.(safetensors|bin)$/.test(path);
    const first = !found.has(0) && (isOfWeights || found.has(total)) ? 1 : 0;
    const missing = Array.from({ length: total }, (_, i) => i + first)
      .filter((i) => !found.has(i))
      .map((i) => String(i).padStart(number.length, "0"));
    if (missing.length === 0) continue;
    const shown = missing.slice(0, 5).join(", ") +
      (missing.length > 5 ? " and others" : "");
    return `${missing.length} of the ${total} shards that "${path}" belongs to ${
      missing.length === 1 ? "is" : "are"
    } missing: ${shown}`;
  }
  return undefined;
}
