// The page's own connection to Parley, by its session.

import { Parley } from "../parley.js";

export const parley = new Parley();
export const get = (path, accept) => parley.get(path, accept);
export const post = (path, body, options) => parley.post(path, body, options);
