/** Writes a date for `strftime_now(format)` of chat templates, as C's strftime does in English. */
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(
  " ",
);
const MONTHS =
  "January February March April May June July August September October November December"
    .split(" ");

function two(n: number): string {
  return String(n).padStart(2, "0");
}

const DIRECTIVES: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getFullYear()),
  y: (date) => two(date.getFullYear() % 100),
  m: (date) => two(date.getMonth() + 1),
  d: (date) => two(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2, " "),
  H: (date) => two(date.getHours()),
  I: (date) => two(date.getHours() % 12 || 12),
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
  p: (date) => date.getHours() < 12 ? "AM" : "PM",
  A: (date) => DAYS[date.getDay()] ?? "",
  a: (date) => (DAYS[date.getDay()] ?? "").slice(0, 3),
  B: (date) => MONTHS[date.getMonth()] ?? "",
  b: (date) => (MONTHS[date.getMonth()] ?? "").slice(0, 3),
  "%": () => "%",
};

/**
 * Writes `date` (local time) by a strftime format.
 *
 * @throws {RangeError} if the format has a directive that is not served.
 */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)(.)/gs, (all, minus: string, name: string) => {
    const write = Object.hasOwn(DIRECTIVES, name)
      ? DIRECTIVES[name]
      : undefined;
    if (write === undefined) {
      throw new RangeError(
        `Cannot write a date by "${format}": found ${all}, expected one of ${
          Object.keys(DIRECTIVES).map((key) => `%${key}`).join(" ")
        }`,
      );
    }
    return minus ? write(date).replace(/^[0 ](?=\d)/, "") : write(date);
  });
}
