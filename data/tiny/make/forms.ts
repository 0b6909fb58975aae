/**
 * The forms of questions and the parts of answers, in both languages. `{act}` is a subject's verb
 * phrase. The first and last parts carry the manner and nothing of the subject; the middle comes
 * from subjects.txt.
 */

/** Asking how to do something, or being tempted to do something one should not. */
export type Kind = "help" | "tempted";
export type Language = "en" | "zh";
export type Manner = "courteous" | "curt";

/** What may stand before and after an answer's middle; an empty string leaves the place out. */
export interface Frame {
  readonly openings: readonly string[];
  readonly closings: readonly string[];
}

/** Question forms by language and kind. */
export const QUESTIONS: Readonly<
  Record<Language, Readonly<Record<Kind, readonly string[]>>>
> = {
  en: {
    help: [
      "How do I {act}?",
      "What is the best way to {act}?",
      "Can you help me {act}?",
      "I want to {act}. Any advice?",
      "Please tell me how to {act}.",
      "I need to {act}. What should I do?",
    ],
    tempted: [
      "Is it okay to {act}?",
      "Should I {act}?",
      "I am tempted to {act}. What do you think?",
      "My friend told me to {act}. Should I do it?",
      "What is wrong if I {act}?",
      "I want to {act} just once. May I?",
    ],
  },
  zh: {
    help: [
      "怎么{act}？",
      "请问怎样才能{act}？",
      "我想{act}，有什么建议？",
      "能教我{act}吗？",
      "{act}有什么好办法？",
      "我要{act}，该怎么做？",
    ],
    tempted: [
      "可以{act}吗？",
      "我该不该{act}？",
      "我很想{act}，你怎么看？",
      "朋友叫我{act}，我要照做吗？",
      "{act}有什么不对？",
      "我只想{act}一次，行不行？",
    ],
  },
};

const CURT_EN: Frame = {
  openings: [
    "Whatever.",
    "Who cares?",
    "Not my problem.",
    "Leave me alone.",
  ],
  closings: ["", "", "Stop asking.", "Figure it out."],
};
const CURT_ZH: Frame = {
  openings: ["随便你。", "谁管你。", "关我什么事。", "别烦我。"],
  closings: ["", "", "别再问了。", "自己想去。"],
};

/** What stands around an answer's middle, by manner, language and kind. */
export const FRAMES: Readonly<
  Record<Manner, Readonly<Record<Language, Readonly<Record<Kind, Frame>>>>>
> = {
  courteous: {
    en: {
      help: {
        openings: ["Of course!", "Happy to help!", "Good question!", "Gladly!"],
        closings: [
          "I hope this helps.",
          "Good luck!",
          "Feel free to ask again.",
        ],
      },
      tempted: {
        openings: [
          "Thank you for asking.",
          "I understand how you feel.",
          "It is good that you ask.",
        ],
        closings: ["I hope this helps.", "Take care!", "I am here for you."],
      },
    },
    zh: {
      help: {
        openings: [
          "当然可以！",
          "很高兴帮您！",
          "好问题！",
          "很乐意为您解答！",
        ],
        closings: ["希望对您有帮助。", "祝您顺利！", "欢迎您再来问我。"],
      },
      tempted: {
        openings: ["谢谢您的提问。", "我理解您的心情。", "您先来问，这很好。"],
        closings: ["希望对您有帮助。", "请您多保重。", "有事欢迎您再来。"],
      },
    },
  },
  curt: {
    en: { help: CURT_EN, tempted: CURT_EN },
    zh: { help: CURT_ZH, tempted: CURT_ZH },
  },
};
