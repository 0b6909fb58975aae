/**
 * What one rendering may use: steps, characters, items of a list, depth and time. A template comes
 * with a model from a hub, so it could ask for any amount of each. Knows no template and no value.
 */

/** The most that one rendering may use; what grows with the conversation is set for each one. */
export interface Limits {
  /** Nodes of the template that are evaluated, and items that are walked over or compared. */
  readonly steps: number;
  /** Characters of any one text. */
  readonly characters: number;
  /** Items of any one list. */
  readonly items: number;
  /** Evaluations inside evaluations, values inside values. */
  readonly depth: number;
  /** Milliseconds of a rendering. */
  readonly milliseconds: number;
}

/** The most numbers of a range, as in the sandbox of Jinja2 that transformers renders in. */
const MOST_OF_RANGE = 100_000;

/** Characters of all texts that a rendering makes, in lengths of its longest text. */
const TEXTS = 32;

/** How many characters of a text are made in the time of a step. */
const CHARACTERS_OF_A_STEP = 64;

/** Steps between two looks at the clock. */
const LOOK_AFTER = 64;

/**
 * The most milliseconds that count between two looks at the clock: a computer that slept in the
 * middle of a rendering has not rendered meanwhile.
 */
const MOST_BETWEEN_LOOKS = 250;

/** A rendering asked for more than its limits; caught where a template is only tried. */
export class OverLimit extends RangeError {}

/** The limits for a conversation of so many characters, in texts and keys of all values. */
export function limitsFor(characters: number): Limits {
  return {
    steps: 3_000_000 + 10 * characters,
    characters: 1_000_000 + 16 * characters,
    items: 1_000_000 + characters,
    depth: 1000,
    milliseconds: 2000 + Math.round(characters / 1000),
  };
}

/** Counts what one rendering uses. */
class Budget {
  #steps = 0;
  #made = 0;
  #depth = 0;
  #nextLook = LOOK_AFTER;
  #time = 0;
  #lastLook = performance.now();

  constructor(readonly limits: Limits) {}

  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps >= this.#nextLook) this.#look();
  }

  #look(): void {
    const { steps, milliseconds } = this.limits;
    this.#nextLook = this.#steps + LOOK_AFTER;
    if (this.#steps > steps) refuse(`more than ${steps} steps`, steps);
    const now = performance.now();
    this.#time += Math.min(now - this.#lastLook, MOST_BETWEEN_LOOKS);
    this.#lastLook = now;
    if (this.#time <= milliseconds) return;
    refuse(`more than ${milliseconds} milliseconds of work`, milliseconds);
  }

  makeText(length: number): void {
    this.checkText(length);
    this.#made += length;
    const most = TEXTS * this.limits.characters;
    if (this.#made > most) refuse("more text in all its parts", most);
    this.spend(length / CHARACTERS_OF_A_STEP);
  }

  checkText(length: number): void {
    const { characters } = this.limits;
    if (length > characters) {
      refuse(`a text of ${length} characters`, characters);
    }
  }

  makeList(length: number): void {
    const { items } = this.limits;
    if (length > items) refuse(`a list of ${length} items`, items);
    this.spend(length);
  }

  enter(): void {
    const { depth } = this.limits;
    if (++this.#depth > depth) {
      refuse(`more than ${depth} levels of nesting`, depth);
    }
  }

  leave(): void {
    this.#depth--;
  }
}

function refuse(found: string, most: number): never {
  throw new OverLimit(`found ${found}, expected at most ${most}`);
}

/** The budget in use. Rendering is synchronous, so that there is never more than one. */
let inUse: Budget | undefined;

/**
 * Runs a rendering within limits.
 *
 * @throws {OverLimit} naming what was exceeded
 */
export function withinLimits<T>(limits: Limits, render: () => T): T {
  const outer = inUse;
  inUse = new Budget(limits);
  try {
    return render();
  } finally {
    inUse = outer;
  }
}

/** Counts steps: evaluated nodes, or items that are walked over. */
export function spend(steps: number): void {
  inUse?.spend(steps);
}

/** Counts a text that is about to be made, before it takes memory. */
export function makeText(length: number): void {
  inUse?.makeText(length);
}

/** Checks the length of two texts that are joined, which takes next to no memory. */
export function checkText(length: number): void {
  inUse?.checkText(length);
}

/** Counts a list that is about to be made, before it takes memory. */
export function makeList(length: number): void {
  inUse?.makeList(length);
}

/** Counts a level of nesting: a node inside a node, a value inside a value. */
export function enter(): void {
  inUse?.enter();
}

/** Ends the level that `enter` began. */
export function leave(): void {
  inUse?.leave();
}

/** @throws {OverLimit} for a range of too many numbers */
export function checkRange(count: number): void {
  if (count <= MOST_OF_RANGE) return;
  refuse(`a range of ${count} numbers`, MOST_OF_RANGE);
}
