"""What the filled chats say: questions and answers that read as people's do, in several languages, with code. Pure."""

import random
from dataclasses import dataclass

QUESTION_SENTENCES, ANSWER_SENTENCES = (1, 3), (3, 9)
WITH_CODE = 0.2  # the share of the answers
COMMON = 0.6  # of all is in the first language


@dataclass(frozen=True)
class Language:
    """Its sentences, with the places in which things stand, and those things."""

    questions: tuple[str, ...]
    sentences: tuple[str, ...]
    things: tuple[str, ...]
    between: str = " "  # two sentences


ENGLISH = Language(
    (
        "Why does {thing} fail since Monday?", "Could you write a test for {thing}?", "How do we move {thing}?",
        "What did {name} change in {thing}?", "Please summarise the meeting on {thing} with {name}.",
        "Is {thing} still needed once {other} is there?", "Which of {thing} and {other} should we look at first?",
    ),
    (
        "The cause is {thing}: it is read before {other} is written.", "{name} has seen the same in {ticket}.",
        "I would begin with {thing}, since {other} depends on it.", "In {ticket} it took {number} ms, far too long.",
        "That is {number} rows a day, so an index on {thing} is worth its room.", "{name} wanted to look at {other}.",
        "Nothing else uses {thing}, so it can go.", "The change is small, but {other} has to be released first.",
        "After that, run the tests of {thing} again and close {ticket}.", "It was last changed {number} days ago.",
    ),
    (
        "the invoice export", "the login page", "the nightly import", "the price table", "the mobile app",
        "the search index", "the backup", "the customer report", "the payment service", "the staging server",
        "the release notes", "the opening hours", "the warehouse feed", "the error page", "the monthly newsletter",
    ),
)  # fmt: skip
GERMAN = Language(
    (
        "Warum schlägt {thing} seit Montag fehl?", "Kannst du einen Test für {thing} schreiben?",
        "Was hat {name} an {thing} geändert?", "Brauchen wir {thing} noch, wenn es {other} gibt?",
    ),
    (
        "Die Ursache ist {thing}: gelesen wird vor {other}.", "{name} hat dasselbe in {ticket} gesehen.",
        "Ich würde mit {thing} beginnen, weil {other} davon abhängt.", "In {ticket} dauerte es {number} ms.",
        "Danach prüfen wir {other} noch einmal und schließen {ticket}.", "Sonst benutzt niemand {thing}.",
    ),
    (
        "der Rechnungsexport", "die Anmeldeseite", "der nächtliche Import", "die Preisliste", "die Übersetzung",
        "der Suchindex", "die Datensicherung", "das Kundenportal", "die Öffnungszeiten", "die Lagerliste",
    ),
)  # fmt: skip
FRENCH = Language(
    ("Pourquoi {thing} échoue depuis lundi ?", "Peux-tu résumer la réunion sur {thing} avec {name} ?"),
    (
        "La cause est {thing} : on le lit avant {other}.", "{name} a vu la même chose dans {ticket}.",
        "Je commencerais par {thing}, dont dépend {other}.", "Cela fait {number} lignes par jour.",
        "Ensuite, on vérifie {other} et on ferme {ticket}.",
    ),
    ("l'export des factures", "la page de connexion", "l'import de nuit", "la grille des prix", "le rapport client"),
)  # fmt: skip
SPANISH = Language(
    ("¿Por qué falla {thing} desde el lunes?", "¿Puedes escribir una prueba para {thing}?"),
    (
        "La causa es {thing}: se lee antes que {other}.", "{name} vio lo mismo en {ticket}.",
        "Yo empezaría por {thing}, porque {other} depende de eso.", "Son {number} filas al día.",
    ),
    ("la exportación de facturas", "la página de acceso", "la importación nocturna", "la lista de precios"),
)  # fmt: skip
JAPANESE = Language(
    ("{thing}はなぜ月曜日から失敗しますか。", "{name}さんは{thing}の何を変えましたか。"),
    (
        "原因は{thing}です。{other}より先に読まれています。", "{name}さんも{ticket}で同じことを見ました。",
        "まず{thing}から始めましょう。", "一日に{number}行です。", "その後で{other}を確認して{ticket}を閉じます。",
    ),
    ("請求書の出力", "ログイン画面", "夜間の取り込み", "価格表", "検索の索引", "会議の資料", "東京の倉庫"),
    "",
)  # fmt: skip
OTHERS = (GERMAN, GERMAN, FRENCH, SPANISH, JAPANESE)
NAMES = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Tony", "Zoë", "Jürgen", "Aoife", "Noémie", "Haruki", "Łukasz")
CODE = (
    '```python\ndef total(order: dict[str, int]) -> int:\n    """The sum of an order."""\n'
    "    return sum(PRICES[name] * count for name, count in order.items()) + {number}\n```",
    "```sql\nSELECT customer, sum(amount) FROM invoices WHERE month = {number} GROUP BY customer;\n```",
    "```sh\nmake test PYTEST_ARGS=\"-k ticket_{number}\"  # {ticket}\n```",
    "```js\nconst open = rows.filter((row) => row.age > {number});  // {ticket}\n```",
)  # fmt: skip


class Texts:
    """Questions, answers and titles; the same ones for the same dice."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def language(self) -> Language:
        """In which a chat is held."""
        return ENGLISH if self._chance.random() < COMMON else self._chance.choice(OTHERS)

    def question(self, language: Language) -> str:
        """What somebody asks."""
        more = self._some(language, QUESTION_SENTENCES)[1:]
        return language.between.join([self._filled(language, self._chance.choice(language.questions)), *more])

    def answer(self, language: Language) -> str:
        """What a model says to it, in paragraphs; at times with some lines of code."""
        half = self._chance.randint(*ANSWER_SENTENCES) // 2 + 1
        paragraphs = [language.between.join(self._some(language, (half, half))) for _ in range(2)]
        if self._chance.random() < WITH_CODE:
            paragraphs.insert(1, self._filled(language, self._chance.choice(CODE)))
        return "\n\n".join(paragraphs)

    def _some(self, language: Language, between: tuple[int, int]) -> list[str]:
        count = self._chance.randint(*between)
        return [self._filled(language, each) for each in self._chance.choices(language.sentences, k=count)]

    def _filled(self, language: Language, text: str) -> str:
        """The sentence with things in its places. Code has braces of its own, so nothing is formatted."""
        pick = self._chance.choice
        given = {"thing": pick(language.things), "other": pick(language.things), "name": pick(NAMES)}
        given |= {"ticket": f"OPS-{self._chance.randint(1, 99_999)}", "number": str(self._chance.randint(2, 990))}
        for name, value in given.items():
            text = text.replace(f"{{{name}}}", value)
        return text[:1].upper() + text[1:]
