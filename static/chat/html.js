// The page's one door from HTML text to elements. What comes here was rendered and sanitized by our own server.

const policy = window.trustedTypes?.createPolicy("parley", { createHTML: (html) => html });

/** The elements of an HTML text that our own server rendered. */
export function fragmentOf(html) {
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content;
}
