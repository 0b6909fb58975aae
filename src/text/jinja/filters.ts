/**
 * The template filters, `value | name(...)`, as Python's Jinja2 computes them. For a filter that is
 * not here the npm engine's own is applied, if it has one; an unknown filter or argument is refused
 * by name.
 */
import { makeText, spend } from "./budget.ts";
import { isTrue, keyOf, LIST_FILTERS } from "./collections.ts";
import type { Filter, FilterArguments, FilterCall } from "./filter.ts";
import { jsonText } from "./json.ts";
import { iterate, pairsOf } from "./operators.ts";
import { passes } from "./tests.ts";
import { percentFormat } from "./format.ts";
import { floatOf, integerOf, rounded } from "./numbers.ts";
import {
  capitalize,
  indented,
  joinAll,
  replaced,
  strip,
  titleWords,
} from "./strings.ts";
import {
  dictOf,
  isUndefined,
  listOf,
  numberOf,
  reprText,
  sizeOf,
  strText,
  textOf,
  type Value,
  wrap,
  wrapDict,
  wrapList,
  wrapTuple,
} from "./values.ts";

const orDefault: Filter = {
  params: ["default_value", "boolean"],
  run(value, call) {
    const isMissing = isUndefined(value) ||
      (isTrue(call.get("boolean")) && !isTrue(value));
    return isMissing ? call.get("default_value") ?? wrap("") : value;
  },
};

function length(value: Value): Value | undefined {
  if (isUndefined(value)) return wrap(0);
  const size = textOf(value) === undefined && dictOf(value)?.size;
  return typeof size === "number" ? wrap(size) : wrap(iterate(value).length);
}

function tojson(value: Value, { get }: FilterCall): Value {
  const indent = get("indent");
  const width = indent && numberOf(indent);
  const separators = get("separators");
  const [comma, colon] = separators && listOf(separators) || [];
  return wrap(jsonText(value, {
    indent: width === undefined ? indent && textOf(indent) : spaces(width),
    separators: comma && colon && [strText(comma), strText(colon)],
    sortKeys: isTrue(get("sort_keys")),
    ensureAscii: isTrue(get("ensure_ascii")),
  }));
}

function spaces(count: number): string {
  makeText(count);
  return " ".repeat(Math.max(0, count));
}

const onText = (change: (text: string) => string): Filter => ({
  run: (value) => wrap(change(strText(value))),
});

/** Filters by name. */
export const PYTHON_FILTERS: Readonly<Record<string, Filter>> = {
  trim: {
    params: ["chars"],
    run: (value, { get }) => {
      const chars = get("chars");
      return wrap(strip(strText(value), chars && strText(chars)));
    },
  },
  upper: onText((text) => text.toUpperCase()),
  lower: onText((text) => text.toLowerCase()),
  capitalize: onText(capitalize),
  title: onText(titleWords),
  replace: {
    params: ["old", "new", "count"],
    run: (value, { get }) => {
      const [old, other, count] = ["old", "new", "count"].map(get);
      return wrap(
        replaced(
          strText(value),
          [old && strText(old), other && strText(other)],
          count && numberOf(count),
        ),
      );
    },
  },
  string: onText((text) => text),
  length: { run: length },
  count: { run: length },
  list: { run: (value) => wrapList(iterate(value)) },
  first: { run: (value) => iterate(value)[0] ?? wrap(undefined) },
  last: { run: (value) => iterate(value).at(-1) ?? wrap(undefined) },
  join: {
    params: ["d", "attribute"],
    run: (value, call) => {
      const glue = call.get("d");
      const items = iterate(value).map(keyOf(call));
      return wrap(joinAll(items, glue === undefined ? "" : strText(glue)));
    },
  },
  default: orDefault,
  d: orDefault,
  indent: {
    params: ["width", "first", "blank"],
    run: (value, { get }) => {
      const width = get("width");
      const text = width && textOf(width);
      const count = width === undefined ? 4 : numberOf(width) ?? 0;
      return wrap(indented(strText(value), text ?? spaces(count), {
        first: isTrue(get("first")),
        blank: isTrue(get("blank")),
      }));
    },
  },
  int: {
    params: ["default", "base"],
    run: (value, { get }) =>
      integerOf(value, get("base")) ?? get("default") ?? wrap(0),
  },
  float: {
    params: ["default"],
    run: (value, { get }) => floatOf(value, get("default")),
  },
  round: {
    params: ["precision", "method"],
    run: (value, { get }) => rounded(value, get("precision"), get("method")),
  },
  format: {
    params: ["*"],
    run: (value, { args, named }) =>
      wrap(percentFormat(
        strText(value),
        named.size > 0 ? wrapDict(named) : wrapTuple(args),
      )),
  },
  tojson: {
    params: ["ensure_ascii", "indent", "separators", "sort_keys"],
    run: tojson,
  },
  pprint: {
    run: (value) => textOf(value) && wrap(reprText(value)) || undefined,
  },
  items: { run: (value) => isUndefined(value) ? wrapList([]) : pairsOf(value) },
  ...LIST_FILTERS,
};

/**
 * Applies a filter; undefined if the filter is not here or leaves the value to the engine.
 *
 * @param engine applies the npm engine's own filters, for those that are not here
 * @throws {TypeError} naming an argument that the filter does not have
 */
export function applyFilter(
  name: string,
  operand: Value,
  { args, named }: FilterArguments,
  engine: FilterCall["filter"],
): Value | undefined {
  const row = Object.hasOwn(PYTHON_FILTERS, name)
    ? PYTHON_FILTERS[name]
    : undefined;
  if (row === undefined) return undefined;
  const { params = [], run } = row;
  spend(sizeOf(operand) / 64);
  const unknown = [...named.keys()].filter((key) => !params.includes(key));
  if (!params.includes("*") && (args.length > params.length || unknown[0])) {
    throw new TypeError(
      `Cannot apply the filter "${name}": found the argument ${
        unknown[0] ?? args.length
      }, expected ${params.join(", ") || "none"}`,
    );
  }
  return run(operand, {
    get: (key) => args[params.indexOf(key)] ?? named.get(key),
    args,
    named,
    test: passes,
    filter: (other, value, rest) =>
      applyFilter(other, value, { args: rest, named: new Map() }, engine) ??
        engine(other, value, rest),
  });
}
