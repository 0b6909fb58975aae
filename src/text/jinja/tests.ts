/**
 * The template tests, `x is name`, as in Python's Jinja2. Filters such as `select` use them by name
 * too.
 */
import { contains, itemsOf, lessThan } from "./operators.ts";
import { equal, isUndefined, numberOf, textOf, type Value } from "./values.ts";

type Test = (value: Value, args: readonly Value[]) => boolean;

function integerOf(value: Value | undefined, test: string): number {
  const number = value && numberOf(value);
  if (number !== undefined) return number;
  throw new TypeError(`Cannot test "is ${test}": expected a number`);
}

/** A test that compares the value with one argument. */
function withOne(compare: (a: Value, b: Value) => boolean): Test {
  return (value, args) => {
    const [other] = args;
    if (other === undefined || args.length > 1) {
      throw new TypeError(
        `Cannot test: found ${args.length} arguments, expected 1`,
      );
    }
    return compare(value, other);
  };
}

const cased = (value: Value, change: "toUpperCase" | "toLowerCase") => {
  const text = textOf(value) ?? "";
  return text === text[change]() && text.toUpperCase() !== text.toLowerCase();
};
const ofType = (...types: readonly string[]): Test => ({ type }) =>
  types.includes(type);

const equals = withOne(equal);
const differs = withOne((a, b) => !equal(a, b));
const less = withOne(lessThan);
const more = withOne((a, b) => lessThan(b, a));
const atMost = withOne((a, b) => lessThan(a, b) || equal(a, b));
const atLeast = withOne((a, b) => lessThan(b, a) || equal(a, b));

/** The tests by name. */
export const PYTHON_TESTS: Readonly<Record<string, Test>> = {
  defined: (value) => !isUndefined(value),
  undefined: isUndefined,
  none: ofType("NullValue"),
  boolean: ofType("BooleanValue"),
  true: (value) => value.type === "BooleanValue" && value.value === true,
  false: (value) => value.type === "BooleanValue" && value.value === false,
  integer: ofType("IntegerValue"),
  float: ofType("FloatValue"),
  number: (value) => numberOf(value) !== undefined,
  string: ofType("StringValue"),
  mapping: ofType("ObjectValue"),
  callable: ofType("FunctionValue"),
  iterable: (value) => itemsOf(value) !== undefined,
  sequence: (value) => itemsOf(value) !== undefined,
  odd: (value) => integerOf(value, "odd") % 2 !== 0,
  even: (value) => integerOf(value, "even") % 2 === 0,
  divisibleby: withOne((a, b) =>
    integerOf(a, "divisibleby") % integerOf(b, "divisibleby") === 0
  ),
  lower: (value) => cased(value, "toLowerCase"),
  upper: (value) => cased(value, "toUpperCase"),
  in: withOne(contains),
  sameas: withOne((a, b) =>
    a.type === b.type && (a === b || a.value === b.value)
  ),
  eq: equals,
  equalto: equals,
  "==": equals,
  ne: differs,
  "!=": differs,
  lt: less,
  lessthan: less,
  "<": less,
  gt: more,
  greaterthan: more,
  ">": more,
  le: atMost,
  "<=": atMost,
  ge: atLeast,
  ">=": atLeast,
};

/** Whether a value passes a test. @throws {TypeError} naming a test that is not served */
export function passes(
  name: string,
  value: Value,
  args: readonly Value[],
): boolean {
  const test = Object.hasOwn(PYTHON_TESTS, name)
    ? PYTHON_TESTS[name]
    : undefined;
  if (test === undefined) throw new TypeError(`Unknown test: ${name}`);
  return test(value, args);
}
