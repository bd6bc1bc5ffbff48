// Characters that a reader does not see, or that turn the order of what is read: the set of tools/hidden.py.

const PICTURE = String.raw`\p{Extended_Pictographic}[\u{1f3fb}-\u{1f3ff}]?\ufe0f?`;
const CHARACTERS = String.raw`[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]`;
const SEEN_OR_NOT = new RegExp(String.raw`(${PICTURE}(?:\u200d${PICTURE})*|[#*0-9]\ufe0f\u20e3)|${CHARACTERS}`, "gu");

const named = (char) => (char === "\r" ? "␍" : `⟨U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

/** The text with what cannot be seen, or turns what is seen, written out: its lines stay lines. */
export const visible = (text) => text.replace(SEEN_OR_NOT, (char, isSeen) => isSeen ?? named(char));

/** The same of a name: one that holds line breaks looks like no other lines. */
export const onOneLine = (text) => visible(text).replaceAll("\n", "␊").replaceAll("\t", "␉");
