/**
 * The methods of Python's values that a template may call: `text.split("x")`, `list.index(1)`,
 * `dict.items()`.
 */
import { spend } from "./budget.ts";
import { pairsOf } from "./operators.ts";
import { STR_METHODS } from "./strings.ts";
import {
  dictOf,
  equal,
  listOf,
  sizeOf,
  textOf,
  type Value,
  wrap,
  wrapFunction,
} from "./values.ts";

/** Wraps a method's result, unless it is a wrapped value already. */
function valueOf(result: unknown): Value {
  return typeof result === "object" && result !== null && "builtins" in result
    ? result as Value
    : wrap(result);
}

function own<T>(
  methods: Readonly<Record<string, T>>,
  name: string,
): T | undefined {
  return Object.hasOwn(methods, name) ? methods[name] : undefined;
}

/**
 * Separates positional from named arguments: the engine passes the named ones as the last argument.
 */
function split(args: readonly Value[]): [Value[], ReadonlyMap<string, Value>] {
  const last = args.at(-1);
  return last?.type === "KeywordArgumentsValue"
    ? [args.slice(0, -1), dictOf(last) ?? new Map()]
    : [[...args], new Map()];
}

/** The list methods that do not change the list: `(items, arguments) => plain result`. */
const LIST_METHODS: Readonly<
  Record<string, (items: readonly Value[], args: readonly Value[]) => number>
> = {
  index: (items, [wanted]) => {
    const at = items.findIndex((item) => wanted && equal(item, wanted));
    if (at >= 0) return at;
    throw new RangeError("the value is not in the list");
  },
  count: (items, [wanted]) =>
    items.filter((item) => wanted && equal(item, wanted)).length,
};

/**
 * The method of a value; undefined if there is no method of that name, or if the engine's own is
 * correct.
 */
export function methodOf(object: Value, name: string): Value | undefined {
  const [text, list] = [textOf(object), listOf(object)];
  spend(sizeOf(object) / 64);
  const ofText = own(STR_METHODS, name);
  if (ofText !== undefined && text !== undefined) {
    return wrapFunction((args) => valueOf(ofText(text, ...split(args))));
  }
  const ofList = own(LIST_METHODS, name);
  if (ofList !== undefined && list !== undefined) {
    return wrapFunction((args) => wrap(ofList(list, args)));
  }
  if (object.type !== "ObjectValue") return undefined;
  // Python looks for the method first: `d.items` is the method even where d has such a key.
  return name === "items"
    ? wrapFunction(() => pairsOf(object))
    : object.builtins.get(name);
}
