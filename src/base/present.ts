/** Optional parts of an object, where "absent" and "undefined" are to mean the same. */

/** The entries that have a value; those that are undefined are left out. */
export function present<T extends object>(
  entries: T,
): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const kept = Object.entries(entries).filter(([, value]) =>
    value !== undefined
  );
  return Object.fromEntries(kept) as ReturnType<typeof present<T>>;
}
