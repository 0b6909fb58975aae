/**
 * A reference's log-probabilities that the data itself gives (`ref_chosen_logps`,
 * `ref_rejected_logps`), in place of those that the reference model would compute.
 */
import type { TokenPair } from "../../preference/tokens/token_examples.ts";

type Given = Partial<Pick<TokenPair, "line" | "referenceLogps">>;

/**
 * The column that the pairs carry, `[2 * pairs]`, chosen first of each, in nats; undefined if none
 * carries any.
 *
 * @throws {TypeError} if some carry it and some do not
 */
export function givenReference(
  examples: readonly Given[],
): Float64Array | undefined {
  const without = examples.find(({ referenceLogps }) =>
    referenceLogps === undefined
  );
  if (without === undefined && examples.length > 0) {
    return Float64Array.from(
      examples.flatMap(({ referenceLogps }) => [
        referenceLogps?.chosen ?? NaN,
        referenceLogps?.rejected ?? NaN,
      ]),
    );
  }
  if (examples.every(({ referenceLogps }) => referenceLogps === undefined)) {
    return undefined;
  }
  throw new TypeError(
    `Cannot take the reference from the data: the row of line ${without?.line} has no "ref_chosen_logps" and "ref_rejected_logps", expected them on all rows or on none`,
  );
}
