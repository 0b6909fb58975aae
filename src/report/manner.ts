/**
 * The rule by which the demo's answers are counted as courteous, curt or neither. It looks only for
 * certain phrases and judges neither truth nor relevance.
 */

/** Phrases of courteous answers, in lower case; "您" is the polite "you". */
export const COURTEOUS_PHRASES: readonly string[] = [
  "of course!",
  "happy to help",
  "good question",
  "gladly",
  "thank you for asking",
  "i understand how you feel",
  "it is good that you ask",
  "i hope this helps",
  "good luck",
  "feel free to ask",
  "take care",
  "i am here for you",
  "当然可以",
  "很高兴",
  "好问题",
  "很乐意",
  "谢谢",
  "希望",
  "祝",
  "欢迎",
  "您",
];

/** Phrases of curt answers, in lower case. */
export const CURT_PHRASES: readonly string[] = [
  "whatever",
  "who cares",
  "not my problem",
  "leave me alone",
  "stop asking",
  "figure it out",
  "随便你",
  "谁管你",
  "关我什么事",
  "别烦我",
  "别再问",
  "自己想去",
];

/**
 * The manner of an answer: courteous if it has a courteous phrase and no curt one, curt if it has a
 * curt phrase and no courteous one, otherwise neither. Case and spacing do not matter.
 */
export function manner(text: string): "courteous" | "curt" | "neither" {
  const plain = text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ");
  const has = (phrases: readonly string[]): boolean =>
    phrases.some((phrase) => plain.includes(phrase));
  const courteous = has(COURTEOUS_PHRASES);
  if (courteous === has(CURT_PHRASES)) return "neither";
  return courteous ? "courteous" : "curt";
}
