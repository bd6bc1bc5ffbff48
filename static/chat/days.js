// Days as the reader has them: by this browser's time zone, in the page's language.

const LANGUAGE = document.documentElement.lang;

/** How times and dates are written: in the page's language, as it is written where this browser is at home. */
export const LOCALE = navigator.languages.find((each) => each.split("-")[0] === LANGUAGE.split("-")[0]) ?? LANGUAGE;

/** A time of day by the reader's clock. */
export const timeOfDay = (moment) => new Date(moment).toLocaleTimeString(LOCALE, { hour: "2-digit", minute: "2-digit" });

const DAY_MS = 86_400_000;
const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });

/** The day of a moment, as 2026-11-30. */
export function dayOf(moment) {
  const at = new Date(moment);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((each) => String(each).padStart(2, "0")).join("-");
}

export const today = () => dayOf(Date.now());

/** Today, Yesterday, or the day in full. */
export function dayInWords(day) {
  const isThisYear = day.slice(0, 4) === today().slice(0, 4);
  return recently(day) ?? written(day, { weekday: "long", day: "numeric", month: "long", year: isThisYear ? undefined : "numeric" });
}

/** Today, Yesterday, or its month. */
export function monthInWords(day) {
  return recently(day) ?? written(day, { month: "long", year: "numeric" });
}

function recently(day) {
  const ago = Math.round((Date.parse(today()) - Date.parse(day)) / DAY_MS); // both are midnight, UTC
  if (ago > 1) return null;
  const said = relative.format(-Math.max(0, ago), "day");
  return said[0].toLocaleUpperCase(LANGUAGE) + said.slice(1);
}

const written = (day, options) => new Date(`${day}T12:00`).toLocaleDateString(LOCALE, options);

/** An element that says a day by its words. */
export function timeOf(day, words) {
  return Object.assign(document.createElement("time"), { dateTime: day, textContent: words });
}
