/**
 * Binary operators and filters of a template where Python and the npm engine part: text never adds to a number,
 * `%` takes the sign of its right side, `trim` takes characters, an undefined name in arithmetic is an error.
 */
import { capitalize, joinAll, strip, title } from "./python_strings.ts";
import {
  dictOf,
  equal,
  floatText,
  isUndefined,
  listOf,
  numberOf,
  strText,
  textOf,
  typeName,
  type Value,
  wrap,
  wrapList,
} from "./python_values.ts";

function contains(item: Value, container: Value): boolean {
  if (isUndefined(container)) return false;
  const list = listOf(container);
  if (list !== undefined) return list.some((other) => equal(item, other));
  const text = textOf(item);
  const dict = dictOf(container);
  if (dict !== undefined) return text !== undefined && dict.has(text);
  const whole = textOf(container);
  if (whole === undefined) {
    throw new TypeError(
      `argument of type '${typeName(container)}' is not iterable`,
    );
  }
  if (text === undefined) {
    throw new TypeError(
      `'in <string>' requires string as left operand, not ${typeName(item)}`,
    );
  }
  return whole.includes(text);
}

function add(left: Value, right: Value): Value | undefined {
  const [a, b] = [textOf(left), textOf(right)];
  if (a !== undefined && b !== undefined) return wrap(a + b);
  if (a !== undefined) {
    throw new TypeError(
      `can only concatenate str (not "${typeName(right)}") to str`,
    );
  }
  const bothNumbers = numberOf(left) !== undefined &&
    numberOf(right) !== undefined;
  const bothLists = listOf(left) !== undefined && left.type === right.type;
  if (bothNumbers || bothLists) return undefined;
  throw new TypeError(
    `unsupported operand type(s) for +: '${typeName(left)}' and '${
      typeName(right)
    }'`,
  );
}

function compareText(
  operator: string,
  a: string,
  b: string,
): Value | undefined {
  if (operator === "<") return wrap(a < b);
  if (operator === ">") return wrap(a > b);
  if (operator === "<=") return wrap(a <= b);
  return operator === ">=" ? wrap(a >= b) : undefined;
}

function onNumbers(
  operator: string,
  left: Value,
  right: Value,
): Value | undefined {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a === undefined || b === undefined || operator !== "%") return undefined;
  if (b === 0) throw new RangeError("integer modulo by zero");
  if (left.type === "FloatValue" || right.type === "FloatValue") {
    return undefined;
  }
  return wrap(((a % b) + b) % b);
}

/**
 * The value of `left operator right` where Python's rule is not the engine's; undefined where the engine is right.
 *
 * @throws {TypeError} as Python does for operands that do not fit.
 */
export function pythonBinary(
  operator: string,
  left: Value,
  right: Value,
): Value | undefined {
  if (operator === "==") return wrap(equal(left, right));
  if (operator === "!=") return wrap(!equal(left, right));
  if (operator === "in") return wrap(contains(left, right));
  if (operator === "not in") return wrap(!contains(left, right));
  if (operator === "~") return wrap(strText(left) + strText(right));
  if (isUndefined(left) || isUndefined(right)) return undefined;
  if (operator === "+") return add(left, right);
  const [a, b] = [textOf(left), textOf(right)];
  if (a !== undefined && b !== undefined) return compareText(operator, a, b);
  const times = numberOf(right);
  if (operator === "*" && a !== undefined && times !== undefined) {
    return wrap(a.repeat(Math.max(0, times)));
  }
  return onNumbers(operator, left, right);
}

function refuseUnprintable(value: Value): void {
  if (isUndefined(value)) {
    throw new TypeError("Object of type Undefined is not JSON serializable");
  }
  const number = value.type === "FloatValue" ? Number(value.value) : undefined;
  if (number !== undefined && floatText(number) !== JSON.stringify(number)) {
    throw new RangeError(
      `Cannot write the number ${number} as JSON exactly as Python does`,
    );
  }
  listOf(value)?.forEach(refuseUnprintable);
  dictOf(value)?.forEach(refuseUnprintable);
}

function length(value: Value): Value | undefined {
  if (isUndefined(value)) return wrap(0);
  const text = textOf(value);
  const size = text !== undefined
    ? [...text].length
    : listOf(value)?.length ?? dictOf(value)?.size;
  return size === undefined ? undefined : wrap(size);
}

function items(value: Value): readonly Value[] | undefined {
  if (isUndefined(value)) return [];
  const text = textOf(value);
  if (text !== undefined) return [...text].map(wrap);
  const keys = dictOf(value)?.keys();
  return listOf(value) ??
    (keys === undefined ? undefined : [...keys].map(wrap));
}

function truncate(value: Value): Value | undefined {
  return value.type === "FloatValue"
    ? wrap(Math.trunc(Number(value.value)))
    : undefined;
}

function joined(value: Value, args: readonly Value[]): Value | undefined {
  const list = items(value);
  const glue = args[0] === undefined ? "" : strText(args[0]);
  return list === undefined ? undefined : wrap(joinAll(list, glue));
}

/** Filters by name: `(value, positional arguments) => result`, undefined where the engine's own is right. */
export const PYTHON_FILTERS: Readonly<
  Record<string, (value: Value, args: readonly Value[]) => Value | undefined>
> = {
  trim: (value, args) =>
    wrap(strip(strText(value), args[0] && strText(args[0]))),
  upper: (value) => wrap(strText(value).toUpperCase()),
  lower: (value) => wrap(strText(value).toLowerCase()),
  capitalize: (value) => wrap(capitalize(strText(value))),
  title: (value) => wrap(title(strText(value))),
  string: (value) => wrap(strText(value)),
  length,
  count: length,
  list: (value) => {
    const list = items(value);
    return list === undefined ? undefined : wrapList(list);
  },
  first: (value) => items(value)?.[0] ?? wrap(undefined),
  last: (value) => items(value)?.at(-1) ?? wrap(undefined),
  join: joined,
  int: truncate,
  tojson: (value) => {
    refuseUnprintable(value);
    return undefined;
  },
};

/** Tests (`x is name`) where Python's answer is not the engine's. */
export const PYTHON_TESTS: Readonly<Record<string, (value: Value) => boolean>> =
  {
    iterable: (value) => items(value) !== undefined,
    sequence: (value) => items(value) !== undefined,
    number: (value) => numberOf(value) !== undefined,
    float: (value) => value.type === "FloatValue",
  };

/**
 * What a `for` loop goes over: items, keys of a dict, characters of a text; an undefined name is empty.
 *
 * @throws {TypeError} for values without items, `none` included.
 */
export function iterate(value: Value): readonly Value[] {
  const list = items(value);
  if (list === undefined) {
    throw new TypeError(`'${typeName(value)}' object is not iterable`);
  }
  return list;
}
