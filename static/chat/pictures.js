// Pictures that go with a message: one that is too large is made smaller here, upright, before anything is said of its size.

const TAKEN = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const QUALITIES = [0.9, 0.8, 0.65, 0.5];
const SMALLER = 0.7; // of the side before, where no quality is enough
const SMALLEST_SIDE = 256; // below this one sees nothing on it: then it is too large
const MOST_BYTES = 50_000_000; // of a file that is read at all

/**
 * The picture as a message has it, at most so many `chars` long as a data: URL, its longest side at most `side` pixels. One that moves
 * stays as it is. `url` is empty where it is no picture that this browser can show.
 */
export async function read(file, { chars, side }) {
  if (file.size > MOST_BYTES) return { type: "image", size: file.size };
  const isMoving = await moves(file);
  if (isMoving && file.size > chars) return { type: "image", size: file.size };
  const shown = isMoving ? null : await bitmapOf(file);
  const isTaken = TAKEN.includes(file.type);
  if (!shown && !isMoving) return { type: "image", url: "" };
  const isSmall = !shown || Math.max(shown.width, shown.height) <= side;
  if (isTaken && isSmall) {
    const url = await urlOf(file);
    if (url.length <= chars || isMoving) return { type: "image", url };
  }
  return { type: "image", url: await scaled(shown, chars, side) };
}

/** Upright, as the camera was held. */
function bitmapOf(file) {
  return createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
}

/** As good as fits: the smaller, the longer it takes. What fits in no way is given as it came out last. */
async function scaled(bitmap, chars, most) {
  let url = "";
  for (let side = Math.min(most, Math.max(bitmap.width, bitmap.height)); side >= SMALLEST_SIDE || !url; side *= SMALLER) {
    const canvas = drawn(bitmap, side);
    for (const [type, quality] of formats(canvas)) {
      url = await urlOf(await blobOf(canvas, type, quality));
      if (url.length <= chars) return url;
    }
  }
  return url;
}

function drawn(bitmap, side) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const size = (length) => Math.max(1, Math.round(length * scale));
  const canvas = Object.assign(document.createElement("canvas"), { width: size(bitmap.width), height: size(bitmap.height) });
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** What lets its ground through stays so; a photo is smaller as JPEG. */
function* formats(canvas) {
  if (isClear(canvas)) yield ["image/png"];
  for (const quality of QUALITIES) yield [isClear(canvas) ? "image/webp" : "image/jpeg", quality];
}

function isClear(canvas) {
  if (canvas.isClear !== undefined) return canvas.isClear;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return (canvas.isClear = data.some((value, index) => index % 4 === 3 && value < 255));
}

const blobOf = (canvas, type, quality) => new Promise((resolve) => canvas.toBlob(resolve, type, quality));

function urlOf(blob) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onloadend = () => resolve(reader.result ?? "");
    reader.readAsDataURL(blob);
  });
}

/** Whether it has more than one frame: a GIF, or a PNG or WebP of that kind. Drawing it would keep one. */
async function moves(file) {
  const find = { "image/gif": movesGif, "image/png": (text) => /acTL.*IDAT/s.test(text), "image/webp": (text) => text.slice(0, 100).includes("ANIM") };
  return find[file.type]?.(new TextDecoder("latin1").decode(await file.arrayBuffer())) ?? false;
}

/** Each frame has a block that says how long it stands. */
function movesGif(text) {
  return (text.match(/\x21\xf9\x04[^]{4}\x00/g) ?? []).length > 1;
}
