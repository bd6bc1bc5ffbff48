// Pictures that go with a message: upright, and no larger than anybody looks at them, before they go on their way.

const TAKEN = ["image/png", "image/jpeg", "image/webp"];
const SMALL_BYTES = 2_000_000; // one that is small already is not written anew
const READ_BYTES = 60_000_000; // of a file that is read at all
const QUALITY = 0.85;

/**
 * The picture as it is sent, its longest side at most `side` pixels: a JPEG, or a PNG where its ground shows through. One that may move (a GIF)
 * and one that this browser cannot show go as they are: the server says what it thinks of them.
 */
export async function smaller(file, side) {
  if (file.type === "image/gif" || file.size > READ_BYTES) return file;
  const shown = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!shown) return file;
  const isSmall = TAKEN.includes(file.type) && file.size <= SMALL_BYTES && Math.max(shown.width, shown.height) <= side;
  const blob = isSmall ? null : await drawn(shown, side, file.type !== "image/jpeg");
  shown.close();
  return blob ? new File([blob], named(file.name, blob.type), { type: blob.type }) : file;
}

/** Whether it is of the kind that phones make and few browsers show. */
export const isHeic = ({ name, type }) => /^image\/hei[cf]/.test(type) || /\.hei[cf]$/i.test(name);

function drawn(shown, side, mayBeClear) {
  const scale = Math.min(1, side / Math.max(shown.width, shown.height));
  const size = (length) => Math.max(1, Math.round(length * scale));
  const canvas = Object.assign(document.createElement("canvas"), { width: size(shown.width), height: size(shown.height) });
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(shown, 0, 0, canvas.width, canvas.height);
  const type = mayBeClear && isClear(pen, canvas) ? "image/png" : "image/jpeg";
  return new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
}

/** Whether its ground shows through anywhere. */
function isClear(pen, { width, height }) {
  const { data } = pen.getImageData(0, 0, width, height);
  for (let at = 3; at < data.length; at += 4) if (data[at] < 255) return true;
  return false;
}

/** The name with the end of what it has become. */
function named(name, type) {
  const end = type === "image/png" ? ".png" : ".jpg";
  const isSo = new RegExp(type === "image/png" ? "\\.png$" : "\\.jpe?g$", "i").test(name);
  return isSo ? name : name.replace(/\.[^.]*$/, "") + end;
}
