"""What a hostile model may say, a stranger's host that counts who comes, and a guard that sees every element."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

# {host} is the stranger's, as `127.0.0.1:PORT`.
CORPUS = r"""<script>alert(1)</script><script src="http://{host}/a.js"></script> first **words**

<img src=x onerror=alert(2)> <img src="http://{host}/b.png"> ![image](http://{host}/c.png) ![named][c]
![](//{host}/d.png)

[js](javascript:alert(3)) [mixed](JaVaScRiPt:alert(4)) [tab](java	script:alert(5)) [entity](&#106;avascript:alert(6))
[data](data:text/html,<script>alert(7)</script>) [vb](vbscript:alert(8)) [relative](//{host}/e) [ours](/logout/) [file](file:///x)
<javascript:alert(9)> <data:text/html,x> [good](https://example.org/?a=1) [broken](http://[x)

<link rel=prefetch href=http://{host}/f> <link rel=stylesheet href=http://{host}/g.css> <base href=http://{host}/>
<style>@import url(http://{host}/h.css); * {{ display: none }}</style>
<meta http-equiv=refresh content="0;url=http://{host}/i">

<svg onload=alert(10)><image href="http://{host}/j"/></svg> <math><mtext><img src=x onerror=alert(11)></mtext></math>
<iframe src=http://{host}/k srcdoc="<script>alert(12)</script>"></iframe> <object data=http://{host}/l></object>
<embed src=http://{host}/m> <video src=http://{host}/n poster=http://{host}/o></video> <audio src=http://{host}/p>

<details class="tool" open data-call="forged" data-status="asked"><summary>deploy</summary><form class="ask">
<button type="submit" data-action="allow">Allow once</button></form></details>

</div></article></main></template><article id="message-1" class="message own" data-id="1">
<h2>Alice, 12:00</h2></article>

<a href="http://{host}/q" ping="http://{host}/r" onclick=alert(13) id=text class="primary">click me</a>
<input autofocus onfocus=alert(14)> <form action="http://{host}/s"><button>Sign in</button></form>

```js" onclick="alert(15)" class="tool
</code></pre><script>alert(16)</script>
const password = "<b>kept</b>";
```

```"><img src=x onerror=alert(17)>
code
```

| <script>alert(18)</script> | [x](javascript:alert(19)) |
|---|---|
| <img src=http://{host}/t> | ![y](http://{host}/u) |

# <script>alert(20)</script> {{#text .primary onclick=alert(21)}}

> <img src=x onerror=alert(22)> ![z](data:image/svg+xml,<svg onload=alert(23)>)

1. [later][d] ![later][c]
   - [ours][e] <b onmouseover=alert(24)>bold?</b>

[c]: http://{host}/v.png "onmouseover=alert(25)"
[d]: javascript:alert(26)
[e]: //{host}/w

&lt;script&gt;alert(27)&lt;/script&gt; &#60;img src=x onerror=alert(28)&#62; \<script>alert(29)\</script>

**half open <img src=x onerror=alert(30)> [half](javascript:alert(31

~~~html
<script>alert(32)</script><img src=http://{host}/x>
"""
# Short enough for a name, and harmful wherever it is not text.
NAME = '"><img src=x onerror=alert(40)></title><script>alert(41)</script>'

# Each element that comes into a message's text, for however short a time, is looked at.
GUARD = r"""() => {
  const TAGS = new Set(("p h1 h2 h3 h4 h5 h6 ul ol li blockquote hr br em strong s code pre a span div "
    + "table thead tbody tr th td button sup math semantics annotation mi mo mn mtext mspace mrow mfrac msqrt mroot "
    + "msub msup msubsup munder mover munderover mtable mtr mtd mpadded mphantom menclose").split(" "));
  const NAMES = new Set(("class href rel target start role tabindex aria-label type data-action dir data-language "
    + "display displaystyle scriptlevel mathvariant stretchy form lspace rspace accent accentunder linethickness width "
    + "translate title aria-pressed "
    + "height depth minsize maxsize symmetric largeop movablelimits separator fence notation encoding").split(" "));
  const OURS = "host|wide|code|bar|language|long|plain|rest|fence|link|footnote|unformatted-why|task|math|formula|"
    + "unformatted|failed|left|center|right";
  const CLASS = new RegExp(`^(${OURS}|[a-z]{1,2}[0-9a-z]?)$`);
  window.strange = [];
  window.looked = 0;
  const isOurs = (element) => element.localName === "button" && ["copy-code", "wrap"].includes(element.dataset.action);
  const look = (element) => {
    window.looked += 1;
    const say = (what) => strange.push(`${what}: ${element.outerHTML.slice(0, 200)}`);
    for (const { name, value } of element.attributes) {
      if (/^on|^srcdoc$|^ping$/.test(name)) say("handler");
      const isAddress = /^(href|src|action|formaction|data|poster)$/.test(name);
      if (isAddress && /^\s*(javascript|data|vbscript):/i.test(value)) say("address");
    }
    if (/^(script|iframe|object|embed|base|meta|link|style|video|audio|img|form|input)$/.test(element.localName)) {
      if (!element.closest(".ask, .edit-form")) say("element");
    }
    if (element.localName === "math" && !element.closest(".text")) say("element");
    if (!element.parentElement?.closest(".text, .thoughts")) return;
    if (!TAGS.has(element.localName)) say("tag");
    if (element.localName === "button" && !isOurs(element)) say("button");
    for (const { name } of element.attributes) if (!NAMES.has(name)) say(`attribute ${name}`);
    for (const each of element.classList) if (!CLASS.test(each)) say(`class ${each}`);
    const isWhole = /^(https?:\/\/|mailto:)/.test(element.getAttribute("href") ?? "https://");
    if (element.localName === "a" && !isWhole) say("link");
  };
  const all = (node) => { if (node.nodeType === 1) [node, ...node.querySelectorAll("*")].forEach(look); };
  new MutationObserver((changes) => changes.forEach(({ type, target, addedNodes }) => {
    if (type === "attributes") look(target); else addedNodes.forEach(all);
  })).observe(document.getElementById("log"), { subtree: true, childList: true, attributes: true });
  all(document.getElementById("log"));
}"""


class Stranger:
    """Another host on this machine; `visits` counts who connected to it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.visits = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                self.visits += 1
                connection.close()
