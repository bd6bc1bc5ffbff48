// What is kept in this browser until it has arrived, by person and chat: in IndexedDB, or where there is none or it is full in this
// tab alone. Nothing here fails: whoever keeps something is told whether it is kept.

const NAME = "kept";
const TAB = "parley.kept:"; // before the keys of what this tab alone keeps
let opening = null;

function open() {
  opening ??= new Promise((resolve) => {
    const asked = indexedDB.open("parley", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(NAME);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = asked.onblocked = () => resolve(null);
  }).catch(() => null);
  return opening;
}

/** {isDone, result} of one transaction; it is done when it is stored, not before. */
async function act(mode, doing) {
  try {
    const transaction = (await open()).transaction(NAME, mode);
    const asked = doing(transaction.objectStore(NAME));
    return await new Promise((resolve) => {
      transaction.oncomplete = () => resolve({ isDone: true, result: asked.result });
      transaction.onabort = transaction.onerror = () => resolve({ isDone: false });
    });
  } catch {
    return { isDone: false };
  }
}

const under = (prefix) => IDBKeyRange.bound(prefix, `${prefix}\uffff`);

/** Keep a value by its key; an empty one goes. Gives whether it will be there after a reload. */
export async function keep(key, value) {
  const { isDone } = await act("readwrite", (store) => (value ? store.put(value, key) : store.delete(key)));
  return isDone ? (inTab.put(key), true) : inTab.put(key, value);
}

/** The same, as a page goes away: the tab keeps it at once, also that it is empty, as the database may not come to it any more. */
export function keepNow(key, value, isEmpty) {
  inTab.put(key, value);
  keep(key, isEmpty ? null : value);
}

export const kept = async (key) => inTab.get(key) ?? (await act("readonly", (store) => store.get(key))).result;

/** [key, value] of those whose keys begin so, in the order of their keys. */
export async function keptUnder(prefix) {
  const [{ result: keys = [] }, { result: values = [] }] = await Promise.all([
    act("readonly", (store) => store.getAllKeys(under(prefix))),
    act("readonly", (store) => store.getAll(under(prefix))),
  ]);
  const found = new Map(keys.map((key, index) => [key, values[index]]));
  for (const key of inTab.keys(prefix)) if (!isNewer(found.get(key), inTab.get(key))) found.set(key, inTab.get(key));
  return [...found].filter(([, value]) => value).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Another tab has taken it since. */
const isNewer = (there, here) => there?.isMoved && there.at > here.at;

/** Take a value away, and leave another in its place: of several who do it at once, one gets it. */
export async function take(key, instead) {
  const here = inTab.get(key);
  if (here) return inTab.put(key), here;
  let found;
  await act("readwrite", (store) => {
    const asked = store.get(key);
    asked.onsuccess = () => {
      found = asked.result;
      if (found) instead ? store.put(instead, key) : store.delete(key);
    };
    return asked;
  });
  return found;
}

export const forget = async (prefix) => {
  inTab.keys(prefix).forEach((key) => inTab.put(key));
  await act("readwrite", (store) => store.delete(under(prefix)));
};

// A browser may forbid this too.
const inTab = {
  get(key) {
    try {
      return JSON.parse(sessionStorage.getItem(TAB + key)) ?? undefined;
    } catch {
      return undefined;
    }
  },
  put(key, value) {
    try {
      if (value) sessionStorage.setItem(TAB + key, JSON.stringify(value));
      else sessionStorage.removeItem(TAB + key);
      return true;
    } catch {
      return !value;
    }
  },
  keys(prefix) {
    try {
      return Object.keys(sessionStorage).filter((key) => key.startsWith(TAB + prefix)).map((key) => key.slice(TAB.length));
    } catch {
      return [];
    }
  },
};
