/** How large JSON data is, before anything is made of it. */

/** The characters of all texts and keys in JSON data, and one for each value. */
export function charactersOf(data: unknown): number {
  if (typeof data === "string") return data.length + 1;
  if (typeof data !== "object" || data === null) return 1;
  if (Array.isArray(data)) {
    return data.reduce<number>((sum, value) => sum + charactersOf(value), 1);
  }
  return Object.entries(data).reduce<number>(
    (sum, [key, value]) => sum + key.length + charactersOf(value),
    1,
  );
}
