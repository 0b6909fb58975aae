/**
 * Options that consist of other options: nullable ones, one of two, lists, mappings and objects.
 * Problems of the parts are reported with their places: `dataset_mixer.train.jsonl must be ...`.
 *
 * @module
 */
import { Mismatch, mismatch, type Option } from "./option.ts";

/** The type of the values of a record of options. */
export type Values<O> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

/** The defaults of a record of options, all of which must have one. */
export function defaultsOf<O extends Readonly<Record<string, Option<unknown>>>>(
  options: O,
): Values<O> {
  const entries = Object.entries(options).map(([name, { fallback }]) => [
    name,
    fallback,
  ]);
  return Object.fromEntries(entries) as Values<O>;
}

/**
 * The option, or null; the words `null` and `none` in any case mean null too. The default is null
 * unless another is given.
 */
export function optional<T>(
  option: Option<T>,
  fallback: T | null = null,
): Option<T | null> {
  return {
    ...option,
    type: `${option.type}, or null`,
    fallback,
    read(value) {
      return isNone(value) ? null : option.read(value);
    },
  };
}

function isNone(value: unknown): boolean {
  return value === null ||
    (typeof value === "string" && /^(null|none)$/i.test(value));
}

/** The first of two options that accepts the value. Help and default are those of the first. */
export function either<A, B>(
  first: Option<A>,
  second: Option<B>,
): Option<A | B> {
  const type = `${first.type}, or ${second.type}`;
  return {
    ...first,
    type,
    bare: first.bare || second.bare,
    read(value) {
      for (const option of [first, second]) {
        try {
          return option.read(value);
        } catch (error) {
          if (!(error instanceof Mismatch)) throw error;
        }
      }
      throw mismatch(type, value);
    },
  };
}

/** Calls `read`; its problems are collected under `at` and not thrown. */
function collect<T>(
  problems: { at: string; says: string }[],
  at: string,
  read: () => T,
): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    for (const one of error.problems) {
      problems.push({ at: at + one.at, says: one.says });
    }
    return undefined;
  }
}

/**
 * Several values of one kind: an array, JSON text of an array, or text with commas. A single value
 * is a list of one. An empty list is refused, unless the default is empty.
 */
export function list<T>(
  help: string,
  fallback: readonly T[] | undefined,
  item: Option<T>,
): Option<readonly T[]> {
  const type = `a list, each ${item.type}`;
  return {
    help,
    type,
    fallback,
    bare: false,
    joined: (words) => JSON.stringify(words.flatMap((word) => asArray(word))),
    read(value) {
      const problems: { at: string; says: string }[] = [];
      const items = asArray(value).map((one, i) =>
        collect(problems, `[${i}]`, () => item.read(one))
      );
      if (items.length === 0 && fallback?.length !== 0) {
        throw mismatch(type, value);
      }
      if (problems.length > 0) throw new Mismatch(problems);
      return items as T[];
    },
  };
}

function asArray(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== "string") return value === undefined ? [] : [value];
  if (value.startsWith("[")) return asArray(json(value));
  return value.split(",").map((one) => one.trim()).filter((one) => one !== "");
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value is a plain JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Names to values of one kind: an object, JSON text of an object, or text `name=value,name=value`.
 */
export function record<T>(
  help: string,
  fallback: Readonly<Record<string, T>> | undefined,
  item: Option<T>,
): Option<Readonly<Record<string, T>>> {
  const type = `names to values, each ${item.type}`;
  return {
    help,
    type,
    fallback,
    bare: false,
    joined: (words) => words.map((word) => word.replace(/,$/, "")).join(","),
    read(value) {
      const given = typeof value === "string" ? asRecord(value) : value;
      if (!isRecord(given)) throw mismatch(type, value);
      const problems: { at: string; says: string }[] = [];
      const entries = Object.entries(given).map(([name, one]) => [
        name,
        collect(problems, `.${name}`, () => item.read(one)),
      ]);
      if (problems.length > 0) throw new Mismatch(problems);
      return Object.fromEntries(entries) as Record<string, T>;
    },
  };
}

function asRecord(text: string): unknown {
  if (text.startsWith("{")) return json(text);
  const entries = text.split(",").map((one) => {
    const at = one.lastIndexOf("="); // a path may contain "="
    return at < 1 ? undefined : [one.slice(0, at).trim(), one.slice(at + 1)];
  });
  return entries.every((one) => one !== undefined)
    ? Object.fromEntries(entries)
    : undefined;
}

/** An object with named parts, each with its own option. Unknown parts are refused. */
export function fields<O extends Readonly<Record<string, Option<unknown>>>>(
  help: string,
  parts: O,
): Option<Values<O>> {
  const type = `an object of ${Object.keys(parts).join(", ")}`;
  return {
    help,
    type,
    fallback: undefined,
    bare: false,
    read(value) {
      const given = typeof value === "string" ? json(value) : value;
      if (!isRecord(given)) throw mismatch(type, value);
      const unknown = Object.keys(given).filter((name) =>
        !Object.hasOwn(parts, name)
      );
      const problems = unknown.map((name) => ({
        at: `.${name}`,
        says: `is not one of ${Object.keys(parts).join(", ")}`,
      }));
      const entries = Object.entries(parts).map(([name, part]) => {
        const missing = given[name] === undefined;
        return [
          name,
          missing && part.fallback !== undefined
            ? part.fallback
            : collect(problems, `.${name}`, () => part.read(given[name])),
        ];
      });
      if (problems.length > 0) throw new Mismatch(problems);
      return Object.fromEntries(entries) as Values<O>;
    },
  };
}
