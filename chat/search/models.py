"""What messages are found by: a row for each that is searched, with its terms as its database takes them."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models

from chat.models import Chat, Message
from chat.search.index import INDEX, vector
from chat.search.query import Query, fts5, tsquery

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_MICROSECOND = 1 << 10
OF_A_SECOND = 1_000_000 * _PER_MICROSECOND


class TermsField(models.TextField):  # type: ignore[type-arg]
    """A text's terms in order: a tsvector on PostgreSQL; on SQLite a text, of which an FTS5 table has the index."""

    def db_type(self, connection: Any) -> str:
        """The column's type."""
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        """Where its value goes in a statement."""
        return "%s::tsvector" if connection.vendor == "postgresql" else "%s"

    def get_prep_value(self, value: Any) -> Any:
        """The terms."""
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """The terms as the database reads them."""
        return vector(value) if connection.vendor == "postgresql" else " ".join(value)


@TermsField.register_lookup
class Matches(models.Lookup):
    """`terms__matches=Query`: the rows that have all words of it."""

    lookup_name = "matches"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        """What is asked is made below, by the kind of database."""
        return "%s", [value]

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:
        """The row's number is that of its terms in FTS5's table."""
        table = compiler.quote_name_unless_alias(self.lhs.alias)
        return f"{table}.id IN (SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH %s)", [fts5(self._query)]

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:
        """By the column's GIN index. In an overlong text the words of a phrase are found wherever they stand."""
        column, params = compiler.compile(self.lhs)
        exact = f"{column} @@ %s::tsquery"
        if not self._query.has_phrase:
            return exact, [*params, tsquery(self._query)]
        is_long = f"{compiler.quote_name_unless_alias(self.lhs.alias)}.is_long"
        asked = [*params, tsquery(self._query), *params, tsquery(self._query, in_a_row=False)]
        return f"({exact} OR ({is_long} AND {exact}))", asked

    @property
    def _query(self) -> Query:
        query: Query = self.rhs
        return query


class SearchEntry(models.Model):
    """What one message is found by. Its number tells when the message was made, so the newest are the highest."""

    id = models.BigIntegerField(primary_key=True)
    message = models.OneToOneField(Message, models.CASCADE, related_name="+")
    # No constraint: making a row would wait for whoever holds the chat, and it goes with its message anyway.
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="+", db_constraint=False)
    terms = TermsField()
    is_long = models.BooleanField(default=False)  # PostgreSQL does not know the place of each of its terms

    class Meta:
        verbose_name_plural = "search entries"

    def __str__(self) -> str:
        return f"terms of {self.message_id}"


def first_number(at: datetime) -> int:
    """The number of the first row of that microsecond."""
    return (at - EPOCH) // timedelta(microseconds=1) * _PER_MICROSECOND


def number_of(id: uuid.UUID, created_at: datetime) -> int:
    """The number of a message's row, if it is not taken: then it has the next one that is free."""
    return first_number(created_at) + id.int % _PER_MICROSECOND
