// The page's own connection to Parley, by its session.

import { Parley } from "../parley.js";

export const parley = new Parley();
export const get = (path, accept) => parley.get(path, accept);
export const post = (path, body, options) => parley.post(path, body, options);

/** A message's attachment as it is sent: what the server has by its id, older ones as they are. */
export const asSent = ({ type, id, ...inline }) => (id ? { type, id } : { type, ...inline });
