/**
 * Formats values into text: `"%s" % value` and `"{}".format(value)`. Widths and precisions are
 * refused by name.
 */
import { checkText, makeText } from "./budget.ts";
import {
  dictOf,
  listOf,
  numberOf,
  reprText,
  strText,
  typeName,
  type Value,
} from "./values.ts";

function counted(text: string): string {
  makeText(text.length);
  return text;
}

/**
 * `text % value`, as the `format` filter writes too.
 *
 * @throws {RangeError} for a conversion that is not served, {TypeError} for too few or too many
 *   values
 */
export function percentFormat(text: string, value: Value): string {
  const values = value.type === "TupleValue" ? listOf(value) ?? [] : [value];
  const dict = dictOf(value);
  let next = 0;
  const written = text.replace(
    /%(?:\((\w+)\))?(.?)/gs,
    (all, key: string | undefined, conversion: string) => {
      if (conversion === "%") return "%";
      const item = key === undefined ? values[next++] : dict?.get(key);
      if (item === undefined) {
        throw new TypeError("not enough arguments for format string");
      }
      if (conversion === "s") return counted(strText(item));
      if (conversion === "r") return reprText(item);
      const number = numberOf(item);
      if (conversion === "d" && number !== undefined) {
        return String(Math.trunc(number));
      }
      throw new RangeError(
        `Cannot format ${typeName(item)} by "${all}": expected %s, %r or %d`,
      );
    },
  );
  checkText(written.length);
  if (next === values.length || (next === 0 && dict !== undefined)) {
    return written;
  }
  throw new TypeError("not all arguments converted during string formatting");
}

/**
 * `text.format(...)`.
 *
 * @throws {RangeError} for a field that is more than a number or a name, or that no value is given
 *   for
 */
export function braceFormat(
  text: string,
  args: readonly Value[],
  named: ReadonlyMap<string, Value>,
): string {
  let next = 0;
  return text.replace(
    /\{\{|\}\}|\{([^{}]*)\}?|\}/g,
    (all, field: string | undefined) => {
      if (all === "{{" || all === "}}") return all[0] ?? "";
      const isNumber = field === "" || /^\d+$/.test(field ?? "");
      const value = field === undefined || !all.endsWith("}")
        ? undefined
        : isNumber
        ? args[field === "" ? next++ : Number(field)]
        : named.get(field);
      if (value !== undefined) return counted(strText(value));
      throw new RangeError(
        `Cannot format by "${all}": expected {}, the number of a value or its name`,
      );
    },
  );
}
