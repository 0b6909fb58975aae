/** Decodes parquet in a thread of its own, see `decoder_thread.ts`. */
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { type Answer, rowsAnswer, serve, slice } from "./decoder_thread.ts";
import { DECOMPRESSORS } from "./parquet_pages.ts";
import { plainObject } from "./plain_values.ts";

let byteLength = 0;
const file = {
  get byteLength() {
    return byteLength;
  },
  slice: (start: number, end = byteLength) => slice(start, end),
};
let metadata: Awaited<ReturnType<typeof parquetMetadataAsync>> | undefined;

serve(async (question): Promise<Answer> => {
  if ("open" in question) {
    byteLength = question.open;
    metadata = await parquetMetadataAsync(file);
    return { groups: metadata.row_groups.map((one) => Number(one.num_rows)) };
  }
  const { from, to } = question as { from: number; to: number };
  const rows = await parquetReadObjects({
    file,
    metadata: metadata!,
    compressors: DECOMPRESSORS,
    rowStart: from,
    rowEnd: to,
  });
  return rowsAnswer(rows.map(plainObject));
});
