// What is written into the page piece by piece, whatever others do to it meanwhile.

const NODE_CHARS = 2000; // a longer text node makes each further piece slow

/** Whether each text that it is asked about begins as those before did: a function. */
export function begins() {
  let [head, length] = ["", 0];
  return (text) => {
    if (text.length < length || !text.startsWith(head)) return false;
    length = text.length;
    if (head.length < 64) head = text.slice(0, 64);
    return true;
  };
}

/** Put our own elements back into it, where they are no longer there in their order. */
export function keepIn(element, own) {
  const isBefore = (each, next) => each.compareDocumentPosition(next) & Node.DOCUMENT_POSITION_FOLLOWING;
  const isWhole = own.every((each, index) => each.parentNode === element && (index === 0 || isBefore(own[index - 1], each)));
  if (!isWhole) element.replaceChildren(...own);
}

/**
 * Writes a growing text into an element of its own piece by piece, so that a selection in it stays. It goes by its own nodes: where
 * others (a translation, an extension) have put something in their place, it writes its text anew.
 */
export class Writer {
  #nodes = []; // ours, in order
  #shown = "";
  #isSame = begins();

  constructor(element) {
    this.element = element;
    element.replaceChildren();
  }

  /** Append what is new. False when this is another text than the one begun. */
  write(text) {
    if (!this.#isSame(text)) return false;
    this.show(text);
    return true;
  }

  /** Show this text, and touch only what is another one. Empty lines before the first word are not shown. */
  show(text) {
    if (!this.#isWhole()) this.#startAnew();
    const wanted = text.replace(/^[\r\n]+/, "");
    const same = wanted.startsWith(this.#shown) ? this.#shown.length : common(wanted, this.#shown);
    this.#cutTo(same);
    if (wanted.length > same) this.#append(wanted.slice(same));
    this.#shown = wanted;
  }

  /** Whether the element holds our nodes, with as much text as we wrote, and nothing else. */
  #isWhole() {
    const { childNodes } = this.element;
    const length = this.#nodes.reduce((sum, node) => sum + node.length, 0);
    return childNodes.length === this.#nodes.length && length === this.#shown.length && this.#nodes.every((node, index) => childNodes[index] === node);
  }

  #startAnew() {
    this.element.replaceChildren();
    [this.#nodes, this.#shown] = [[], ""];
  }

  #cutTo(length) {
    for (let over = this.#shown.length - length; over > 0; ) {
      const last = this.#nodes.at(-1);
      const gone = Math.min(over, last.length);
      if (gone === last.length) this.#nodes.pop().remove();
      else last.deleteData(last.length - gone, gone);
      over -= gone;
    }
  }

  #append(piece) {
    const last = this.#nodes.at(-1);
    if (last && last.length < NODE_CHARS) last.appendData(piece);
    else this.#add(piece);
  }

  /** New nodes begin at a line where they can, so that the browser lays out whole lines again. */
  #add(piece) {
    for (let at = 0; at < piece.length; at += NODE_CHARS) {
      const node = new Text(piece.slice(at, at + NODE_CHARS));
      this.#nodes.push(node);
      this.element.append(node);
    }
  }
}

/** How many characters two texts have in common at their beginning. */
function common(one, other) {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at;
}
