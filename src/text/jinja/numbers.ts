/** The template filters `int`, `float` and `round`, as Python computes them. */
import { numberOf, textOf, type Value, wrap, wrapFloat } from "./values.ts";

const INTEGER = /^[+-]?\d+(_\d+)*$/;
const FLOAT = /^[+-]?(\d+(_\d+)*(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

function floatIn(value: Value): number | undefined {
  const text = textOf(value)?.trim();
  if (text === undefined) return numberOf(value);
  return FLOAT.test(text) ? Number(text.replaceAll("_", "")) : undefined;
}

/**
 * `value | int`; undefined if the filter's default is to be taken.
 *
 * @throws {RangeError} for another base than 10
 */
export function integerOf(value: Value, base?: Value): Value | undefined {
  if (base !== undefined && numberOf(base) !== 10) {
    throw new RangeError("Cannot read an int: expected the base 10");
  }
  const text = textOf(value)?.trim() ?? "";
  const number = INTEGER.test(text)
    ? Number(text.replaceAll("_", ""))
    : floatIn(value);
  return number === undefined || !Number.isSafeInteger(Math.trunc(number))
    ? undefined
    : wrap(Math.trunc(number) + 0); // no -0
}

/** `value | float(missing)`. */
export function floatOf(value: Value, missing?: Value): Value {
  const number = floatIn(value);
  return number === undefined ? missing ?? wrapFloat(0) : wrapFloat(number);
}

/** Rounds half to even, by the exact value of the float. */
function roundHalfEven(x: number, digits: number): number {
  const scale = 10 ** digits;
  const longer = x.toFixed(digits + 1);
  const isTie = longer.endsWith("5") && Number(longer) === x;
  if (!isTie) return Number(x.toFixed(digits));
  const below = Math.floor(x * scale);
  return (below % 2 === 0 ? below : below + 1) / scale;
}

/**
 * `value | round(precision, method)`.
 *
 * @throws {RangeError} for a precision or method that is not served
 */
export function rounded(value: Value, precision?: Value, way?: Value): Value {
  const x = numberOf(value);
  const digits = precision === undefined ? 0 : numberOf(precision) ?? -1;
  const method = way === undefined ? "common" : textOf(way);
  if (x === undefined) throw new TypeError("Cannot round: expected a number");
  const scale = 10 ** digits;
  if (digits >= 0 && digits <= 15) {
    if (method === "ceil") return wrapFloat(Math.ceil(x * scale) / scale);
    if (method === "floor") return wrapFloat(Math.floor(x * scale) / scale);
    if (method === "common") {
      return value.type === "FloatValue"
        ? wrapFloat(roundHalfEven(x, digits))
        : wrap(x);
    }
  }
  throw new RangeError(
    `Cannot round to ${digits} digits by "${method}": expected 0 to 15, and common, ceil or floor`,
  );
}
