// What a file is called when it is sent: as it is, but for what no name may hold.

const MOST_CHARS = 255;
const END_CHARS = 20;
const NEVER = /[\p{Cc}\p{Zl}\p{Zp}]/gu; // ends a line, or is none of the characters one sees
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g; // turns the order of what is read; Windows puts one before a path that was copied

/** The file's name, at most 255 characters of it: its end says what it is, so the middle goes. */
export function nameOf({ name }) {
  const clean = (name.toWellFormed?.() ?? name).replace(NEVER, " ").replace(TURNING, "");
  const letters = [...clean.normalize("NFC")]; // as the server counts: a Mac sends each accent apart
  return letters.length <= MOST_CHARS ? clean : [...letters.slice(0, MOST_CHARS - END_CHARS - 1), "…", ...letters.slice(-END_CHARS)].join("");
}
