/**
 * Turns the values of columnar files (parquet, Arrow) into those that JSON would give. Nulls are
 * left out, since a table must have a place for keys that a row does not have.
 */
import type { JsonObject } from "../disk/json_file.ts";

/** A list, object or date of a library, which says itself what it is in JSON. */
interface Printable {
  toJSON(): unknown;
}

function isPrintable(value: object): value is Printable {
  return "toJSON" in value && typeof value.toJSON === "function";
}

/** A value in the form of JSON: integers as numbers, times as text, nothing for null. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array, plain);
  if (typeof value !== "object" || value === null) return value;
  return isPrintable(value) ? plain(value.toJSON()) : plainObject(value);
}

/** An object in the form of JSON, without its nulls. */
export function plainObject(value: object): JsonObject {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== null && part !== undefined)
      .map(([key, part]) => [key, plain(part)]),
  );
}
