// The frame's connection to its server: by the page's token. No cookie is sent and none is needed.

import { parley } from "../chat/api.js";
import { currentToken, newToken } from "./host.js";

const once = parley.fetch.bind(parley);

/** Sign every request of the page's modules with the token, and with a new one where that does not hold any more. */
export function signIn() {
  parley.token = currentToken;
  parley.fetch = async (path, options) => {
    if (!(await currentToken())) return new Response("{}", { status: 401 }); // as the server would say
    const response = await once(path, options);
    return response.status === 401 && (await newToken()) ? once(path, options) : response;
  };
}
