/** Which trainers a row is for that cannot be read as the kind of example that is asked for. */
import { DEMONSTRATION_FORMATS } from "../formats/demonstration_formats.ts";
import { FEEDBACK_FORMATS } from "../formats/feedback_formats.ts";
import { type Format, readRows, type ReadSettings } from "../formats/format.ts";
import type { AskedRow } from "../formats/preference.ts";
import { PREFERENCE_FORMATS } from "../formats/preference_formats.ts";
import type { Row } from "../formats/turns.ts";

interface Kind {
  readonly formats: readonly Format<AskedRow>[];
  readonly advice: string;
}

const PAIRS = new Set(PREFERENCE_FORMATS.map(({ name }) => name));

/** The first that fits counts: every judged answer could be learnt too. */
const KINDS: readonly Kind[] = [
  {
    formats: FEEDBACK_FORMATS.filter(({ name }) => !PAIRS.has(name)),
    advice: "single answers with a label are for --trainer=kto",
  },
  {
    formats: PREFERENCE_FORMATS,
    advice:
      "pairs are for --trainer=dpo, or another of docs/methods.md that compares two answers",
  },
  {
    formats: DEMONSTRATION_FORMATS,
    advice: "single answers or texts are for --trainer=sft",
  },
];

/** What to do with a row that another kind of example can be read from; undefined: nothing. */
export function otherKind(
  row: Row,
  own: readonly Format<AskedRow>[],
  settings: ReadSettings,
): string | undefined {
  return KINDS.find(({ formats }) =>
    formats[0] !== own[0] && isReadable(row, formats, settings)
  )?.advice;
}

function isReadable(
  row: Row,
  formats: readonly Format<AskedRow>[],
  settings: ReadSettings,
): boolean {
  try {
    return readRows(row, 0, formats, settings).examples.length > 0;
  } catch {
    return false;
  }
}
