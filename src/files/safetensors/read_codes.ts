/** What a reader of a quantized checkpoint says of the codes behind its floats, as types. */

/** Doubly quantized scales: `numbers[code] * absmax + offset`, an absmax for each 256. */
export interface StoredNesting {
  /** A byte for each scale. */
  readonly codes: Uint8Array<ArrayBuffer>;
  /** `[256]` the numbers of the codes. */
  readonly numbers: Float32Array<ArrayBuffer>;
  /** The largest magnitude of each 256 scales, less the offset. */
  readonly absmax: Float32Array<ArrayBuffer>;
  /** Added to each scale. */
  readonly offset: number;
}

/** Codes of 8 bits with a scale per row, or of 4 bits with one per 64 numbers. */
export interface StoredCodes {
  /** Type of the codes. */
  readonly dtype: "int8" | "nf4" | "fp4";
  /** In 4 bits the first code of each byte is in its upper half. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The 16 numbers of the codes in 4 bits. */
  readonly numbers: Float32Array<ArrayBuffer>;
  /** The largest magnitude of each row or block. */
  readonly absmax: Float32Array<ArrayBuffer>;
  /** How `absmax` is stored, if not as it is. */
  readonly nesting: StoredNesting | undefined;
}

/** What a reader says of the codes that its floats come from. */
export interface ReadCodes {
  /** The layout, as people call it. */
  readonly layout: string;
  /** The codes of each weight whose codes may be used as they are. */
  readonly codes: ReadonlyMap<
    string,
    {
      /** Type of the codes. */
      readonly dtype: StoredCodes["dtype"];
      /** Whether the scales are quantized too. */
      readonly nested: boolean;
      /** Reads them from the files. */
      read(): Promise<StoredCodes>;
    }
  >;
  /** The weights that are served rounded to bf16. */
  readonly rounded: ReadonlySet<string>;
  /**
   * The root mean square of the errors of rounding over that of the numbers, of all that was read
   * so far.
   */
  roundingError(): number;
}
