/**
 * The template filters that walk over lists (select, map, sort, group, sum, ...), as in Python's
 * Jinja2.
 */
import type { Filter, FilterCall } from "./filter.ts";
import { iterate, lessThan, pairsOf } from "./operators.ts";
import {
  dictOf,
  equal,
  isUndefined,
  listOf,
  numberOf,
  strText,
  textOf,
  type Value,
  withAttributes,
  wrap,
  wrapList,
  wrapTuple,
} from "./values.ts";

/** Whether a value counts as true; an absent value does not. */
export function isTrue(value: Value | undefined): boolean {
  return value !== undefined && value.__bool__().value;
}

/** `item.a.b`, `item.0`: the attribute's value; an undefined value if there is none. */
function attribute(item: Value, path: string): Value {
  return path.split(".").reduce((value, key) => {
    const index = /^\d+$/.test(key) ? Number(key) : undefined;
    const list = index === undefined ? undefined : listOf(value);
    return (index === undefined ? dictOf(value)?.get(key) : list?.[index]) ??
      value.builtins.get(key) ?? wrap(undefined);
  }, item);
}

/** The value that a filter looks at: the item, or its attribute. */
export function keyOf(call: FilterCall): (item: Value) => Value {
  const path = call.get("attribute");
  return path === undefined || path.type === "NullValue"
    ? (item) => item
    : (item) => attribute(item, strText(path));
}

/** The key to sort or compare by: texts in lower case unless `case_sensitive` is given. */
function folded(call: FilterCall): (item: Value) => Value {
  const key = keyOf(call);
  return isTrue(call.get("case_sensitive")) ? key : (item) => {
    const value = key(item);
    const text = textOf(value);
    return text === undefined ? value : wrap(text.toLowerCase());
  };
}

function byKey(key: (item: Value) => Value): (a: Value, b: Value) => number {
  return (a, b) => {
    const [x, y] = [key(a), key(b)];
    return lessThan(x, y) ? -1 : lessThan(y, x) ? 1 : 0;
  };
}

function sorted(value: Value, call: FilterCall): Value {
  const order = byKey(folded(call));
  const sign = isTrue(call.get("reverse")) ? -1 : 1;
  return wrapList([...iterate(value)].sort((a, b) => sign * order(a, b)));
}

function extreme(sign: number): Filter {
  return {
    params: ["case_sensitive", "attribute"],
    run(value, call) {
      const order = byKey(folded(call));
      return [...iterate(value)].reduce<Value>(
        (best, item) =>
          isUndefined(best) || sign * order(item, best) > 0 ? item : best,
        wrap(undefined),
      );
    },
  };
}

/** `select` and `reject` by the item, `selectattr` and `rejectattr` by its attribute. */
function selecting(wanted: boolean, byAttribute: boolean): Filter {
  return {
    params: ["*"],
    run(value, { args, test }) {
      const path = byAttribute ? args[0] : undefined;
      const [name, ...rest] = byAttribute ? args.slice(1) : args;
      return wrapList(
        iterate(value).filter((item) => {
          const one = path === undefined
            ? item
            : attribute(item, strText(path));
          const passes = name === undefined
            ? isTrue(one)
            : test(strText(name), one, rest);
          return passes === wanted;
        }),
      );
    },
  };
}

function mapped(value: Value, call: FilterCall): Value {
  const { args, named, filter } = call;
  const path = named.get("attribute");
  const [name, ...rest] = args;
  if (path === undefined) {
    if (name === undefined || named.size > 0) {
      throw new TypeError('map needs a filter, or "attribute" alone');
    }
    return wrapList(
      iterate(value).map((item) => filter(strText(name), item, rest)),
    );
  }
  const missing = named.get("default");
  return wrapList(
    iterate(value).map((item) => {
      const found = attribute(item, strText(path));
      return isUndefined(found) && missing !== undefined ? missing : found;
    }),
  );
}

/** Groups items of equal attributes; each group is a tuple with the names `grouper` and `list`. */
function grouped(value: Value, call: FilterCall): Value {
  const key = folded(call);
  const original = keyOf(call);
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of iterate(sorted(value, call))) {
    const last = groups.at(-1);
    const itemKey = key(item);
    if (last !== undefined && equal(last.key, itemKey)) last.items.push(item);
    else groups.push({ key: itemKey, items: [item] });
  }
  return wrapList(groups.map(({ items }) => {
    const [first] = items;
    const grouper = first === undefined ? wrap(undefined) : original(first);
    const list = wrapList(items);
    const tuple = wrapTuple([grouper, list]);
    return withAttributes(tuple, { grouper, list });
  }));
}

function unique(value: Value, call: FilterCall): Value {
  const key = folded(call);
  const seen: Value[] = [];
  return wrapList(
    iterate(value).filter((item) => {
      const itemKey = key(item);
      if (seen.some((one) => equal(one, itemKey))) return false;
      seen.push(itemKey);
      return true;
    }),
  );
}

function summed(value: Value, call: FilterCall): Value {
  const key = keyOf(call);
  const start = call.get("start");
  const numbers = iterate(value).map((item) => numberOf(key(item)));
  if (numbers.includes(undefined) || start !== undefined) {
    throw new TypeError("Cannot sum: expected numbers, and no start");
  }
  return wrap(numbers.reduce<number>((sum, x) => sum + (x ?? 0), 0));
}

function reversed(value: Value): Value {
  const text = textOf(value);
  return text === undefined
    ? wrapList([...iterate(value)].reverse())
    : wrap([...text].reverse().join(""));
}

function dictsort(value: Value, call: FilterCall): Value {
  const by = call.get("by");
  const place = by !== undefined && strText(by) === "value" ? 1 : 0;
  const fold = folded(call);
  const order = byKey((pair) => fold(iterate(pair)[place] ?? pair));
  const sign = isTrue(call.get("reverse")) ? -1 : 1;
  const pairs = [...iterate(pairsOf(value))];
  return wrapList(pairs.sort((a, b) => sign * order(a, b)));
}

const KEYED = ["reverse", "case_sensitive", "attribute"];

/** The filters of this file by name. */
export const LIST_FILTERS: Readonly<Record<string, Filter>> = {
  reverse: { run: reversed },
  dictsort: { params: ["case_sensitive", "by", "reverse"], run: dictsort },
  select: selecting(true, false),
  reject: selecting(false, false),
  selectattr: selecting(true, true),
  rejectattr: selecting(false, true),
  map: { params: ["*"], run: mapped },
  sort: { params: KEYED, run: sorted },
  groupby: { params: ["attribute", "default", "case_sensitive"], run: grouped },
  unique: { params: ["case_sensitive", "attribute"], run: unique },
  min: extreme(-1),
  max: extreme(1),
  sum: { params: ["attribute", "start"], run: summed },
};
