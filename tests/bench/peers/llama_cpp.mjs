/**
 * The side of llama.cpp in llama_cpp.ts, run by Node.js: reads `{ entry, path, jobs: [{ text, maxNewTokens }] }` from
 * standard input, answers each job with its tokens, the probabilities of the next one and the greedy ones.
 */
import { readFileSync } from "node:fs";
import process from "node:process";

const { entry, path, jobs } = JSON.parse(readFileSync(0, "utf8"));
const { getLlama, LlamaLogLevel } = await import(entry);
const llama = await getLlama({
  ...{ gpu: false, build: "never", skipDownload: true, progressLogs: false },
  logLevel: LlamaLogLevel.error,
});
const model = await llama.loadModel({ modelPath: path, useMmap: false });
const { bos, shouldPrependBosToken } = model.tokens;

async function answer({ text, maxNewTokens }) {
  const plain = model.tokenize(text, true);
  const promptIds = shouldPrependBosToken ? [bos, ...plain] : plain;
  const context = await model.createContext({
    ...{ contextSize: 512, flashAttention: false, threads: 1, batchSize: 512 },
  });
  const count = Math.min(
    maxNewTokens,
    model.trainContextSize - promptIds.length,
  );
  const ids = [];
  let first = new Map();
  if (count > 0) {
    const answer = context.getSequence().evaluateWithMetadata(
      promptIds,
      { probabilities: true },
      { temperature: 0, yieldEogToken: true },
    );
    for await (const { token, probabilities } of answer) {
      if (ids.length === 0) first = probabilities;
      ids.push(token);
      if (ids.length >= count) break;
    }
  }
  await context.dispose();
  return { promptIds, ids, probabilities: [...first] };
}

const answers = [];
for (const job of jobs) answers.push(await answer(job));
process.stdout.write(
  JSON.stringify({ addsBos: shouldPrependBosToken, answers }),
);
await llama.dispose();
