// Texts kept in this browser until they have arrived: by person and chat, in IndexedDB. Without one nothing is kept, and nothing fails.

const NAME = "kept";
let opening = null;

function open() {
  opening ??= new Promise((resolve) => {
    const asked = indexedDB.open("parley", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(NAME);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => resolve(null);
  }).catch(() => null);
  return opening;
}

async function act(mode, doing) {
  const store = (await open())?.transaction(NAME, mode).objectStore(NAME);
  const request = store && doing(store);
  return request && new Promise((resolve) => (request.onsuccess = request.onerror = () => resolve(request.result)));
}

const under = (prefix) => IDBKeyRange.bound(prefix, `${prefix}\uffff`);

/** Keep a value by its key; an empty one goes. */
export const keep = (key, value) => act("readwrite", (store) => (value ? store.put(value, key) : store.delete(key)));
export const kept = (key) => act("readonly", (store) => store.get(key));
/** The values whose keys begin so, in the order of their keys. */
export const keptUnder = async (prefix) => (await act("readonly", (store) => store.getAll(under(prefix)))) ?? [];
export const forget = (prefix) => act("readwrite", (store) => store.delete(under(prefix)));
