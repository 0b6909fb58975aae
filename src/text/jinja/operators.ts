/**
 * The binary operators of a template with Python's rules: text cannot be added to a number, `%`
 * takes the sign of its right side, floats stay floats, lists compare item by item, and wrong types
 * are errors.
 */
import { checkText, makeList, makeText, spend } from "./budget.ts";
import { percentFormat } from "./format.ts";
import {
  dictOf,
  equal,
  isUndefined,
  listOf,
  numberOf,
  strText,
  textOf,
  typeName,
  type Value,
  wrap,
  wrapFloat,
  wrapList,
  wrapTuple,
} from "./values.ts";

/** `item in container`. @throws {TypeError} if the right side is not a container */
export function contains(item: Value, container: Value): boolean {
  if (isUndefined(container)) return false;
  const list = listOf(container);
  if (list !== undefined) return list.some((other) => equal(item, other));
  const text = textOf(item);
  const dict = dictOf(container);
  if (dict !== undefined) return text !== undefined && dict.has(text);
  const whole = textOf(container);
  spend((whole?.length ?? 0) / 64);
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

/** Two texts in one, which takes time only when it is read. */
function joined(a: string, b: string): Value {
  checkText(a.length + b.length);
  return wrap(a + b);
}

function add(left: Value, right: Value): Value | undefined {
  const [a, b] = [textOf(left), textOf(right)];
  if (a !== undefined && b !== undefined) return joined(a, b);
  if (a !== undefined) {
    throw new TypeError(
      `can only concatenate str (not "${typeName(right)}") to str`,
    );
  }
  const sum = onNumbers("+", left, right);
  if (sum !== undefined) return sum;
  const [items, others] = [listOf(left), listOf(right)];
  if (items !== undefined && others !== undefined && left.type === right.type) {
    makeList(items.length + others.length);
    const all = [...items, ...others];
    return left.type === "TupleValue" ? wrapTuple(all) : wrapList(all);
  }
  throw new TypeError(
    `unsupported operand type(s) for +: '${typeName(left)}' and '${
      typeName(right)
    }'`,
  );
}

/**
 * `a < b`: numbers, texts by code points, lists item by item.
 *
 * @throws {TypeError} as Python does for other types
 */
export function lessThan(a: Value, b: Value): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x < y;
  const [left, right] = [textOf(a), textOf(b)];
  if (left !== undefined && right !== undefined) return left < right;
  const [items, others] = [listOf(a), listOf(b)];
  if (items !== undefined && others !== undefined && a.type === b.type) {
    spend(1);
    const at = items.findIndex((item, i) =>
      others[i] === undefined || !equal(item, others[i])
    );
    const [item, other] = [items[at], others[at]];
    if (item !== undefined) return other !== undefined && lessThan(item, other);
    return items.length < others.length;
  }
  throw new TypeError(
    `'<' not supported between instances of '${typeName(a)}' and '${
      typeName(b)
    }'`,
  );
}

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "//": (a, b) => Math.floor(a / b),
  "%": (a, b) => ((a % b) + b) % b,
  "**": (a, b) => a ** b,
};

function onNumbers(
  operator: string,
  left: Value,
  right: Value,
): Value | undefined {
  const [a, b] = [numberOf(left), numberOf(right)];
  const compute = ARITHMETIC[operator];
  if (a === undefined || b === undefined || compute === undefined) {
    return undefined;
  }
  if (b === 0 && /^[/%]/.test(operator)) {
    throw new RangeError("division or modulo by zero");
  }
  const isFloat = [left, right].some(({ type }) => type === "FloatValue") ||
    operator === "/" || (operator === "**" && b < 0);
  const result = compute(a, b);
  if (isFloat) return wrapFloat(result);
  if (Number.isSafeInteger(result)) return wrap(result);
  throw new RangeError(
    `Cannot compute ${a} ${operator} ${b}: the number is beyond 2^53`,
  );
}

/** A text or list repeated `times` times; undefined for other values. */
function repeated(value: Value, times: number): Value | undefined {
  const [text, list] = [textOf(value), listOf(value)];
  const count = Math.max(0, times);
  if (text !== undefined) {
    makeText(text.length * count);
    return wrap(text.repeat(count));
  }
  if (list === undefined) return undefined;
  makeList(list.length * count);
  const items = Array.from({ length: count }, () => list).flat();
  return value.type === "TupleValue" ? wrapTuple(items) : wrapList(items);
}

function ordered(
  operator: string,
  left: Value,
  right: Value,
): Value | undefined {
  if (operator === "<") return wrap(lessThan(left, right));
  if (operator === ">") return wrap(lessThan(right, left));
  if (operator === "<=") {
    return wrap(lessThan(left, right) || equal(left, right));
  }
  return operator === ">="
    ? wrap(lessThan(right, left) || equal(left, right))
    : undefined;
}

/**
 * The value of `left operator right` where Python's rule differs from the engine's; undefined where
 * the engine is correct.
 *
 * @throws {TypeError} as Python does for operands of the wrong type
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
  if (operator === "~") return joined(strText(left), strText(right));
  if (isUndefined(left) || isUndefined(right)) return undefined;
  if (operator === "+") return add(left, right);
  if (operator === "%" && textOf(left) !== undefined) {
    return wrap(percentFormat(textOf(left) ?? "", right));
  }
  if (operator === "*") {
    const [a, b] = [numberOf(left), numberOf(right)];
    if (a === undefined && b !== undefined) return repeated(left, b);
    if (b === undefined && a !== undefined) return repeated(right, a);
  }
  return ordered(operator, left, right) ?? onNumbers(operator, left, right);
}

/**
 * The items of a list, keys of a dict or characters of a text; an empty list for an undefined name;
 * undefined for values without items.
 */
export function itemsOf(value: Value): readonly Value[] | undefined {
  if (isUndefined(value)) return [];
  const text = textOf(value);
  if (text !== undefined) {
    makeList(text.length);
    return [...text].map(wrap);
  }
  const keys = dictOf(value)?.keys();
  return listOf(value) ??
    (keys === undefined ? undefined : [...keys].map(wrap));
}

/** `dict.items()`: a tuple for each entry. @throws {TypeError} if the value is not a dict */
export function pairsOf(value: Value): Value {
  const dict = dictOf(value);
  if (dict === undefined) {
    throw new TypeError(`Cannot list the items of ${typeName(value)}`);
  }
  makeList(dict.size);
  return wrapList(
    [...dict].map(([key, item]) => wrapTuple([wrap(key), item])),
  );
}

/**
 * The values that a `for` loop walks over: items of a list, keys of a dict, characters of a text;
 * none for an undefined name.
 *
 * @throws {TypeError} for values without items, `none` included.
 */
export function iterate(value: Value): readonly Value[] {
  const list = itemsOf(value);
  if (list === undefined) {
    throw new TypeError(`'${typeName(value)}' object is not iterable`);
  }
  return list;
}
