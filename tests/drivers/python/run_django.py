"""Django's ORM on mysqlclient: what it asks at connecting, its schema editor, querysets, atomic blocks."""

import datetime as dt
from decimal import Decimal

import django
from django.conf import settings

from checks import Target, check, raised

target = Target()
settings.configure(
    DATABASES={"default": {
        "ENGINE": "django.db.backends.mysql", "NAME": target.database, "USER": target.user,
        "PASSWORD": target.password, "HOST": target.host, "PORT": target.port, "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True, "OPTIONS": {"charset": "utf8mb4", "ssl": {"ca": target.ca}},
    }},
    INSTALLED_APPS=[], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True, TIME_ZONE="UTC",
)
django.setup()

from django.db import connection, models, transaction  # noqa: E402 - the settings come first
from django.db.utils import DataError, IntegrityError, OperationalError, ProgrammingError  # noqa: E402


class Author(models.Model):
    name = models.CharField(max_length=40)
    born = models.DateField(null=True)
    seen = models.DateTimeField(null=True)
    spent = models.DurationField(null=True)
    royalty = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    details = models.JSONField(default=dict)
    photo = models.BinaryField(null=True)
    active = models.BooleanField(default=True)
    key = models.UUIDField(null=True)

    class Meta:
        app_label = "checks"
        db_table = "dj_authors"


def made():
    with connection.schema_editor() as editor:
        if "dj_authors" in connection.introspection.table_names():
            editor.delete_model(Author)
        editor.create_model(Author)
    return "dj_authors" in connection.introspection.table_names()


SEEN = dt.datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=dt.timezone.utc)
KEY = __import__("uuid").UUID("00112233-4455-6677-8899-aabbccddeeff")


def stored():
    author = Author.objects.create(
        name="Größe 😀", born=dt.date(1815, 12, 10), seen=SEEN, spent=dt.timedelta(days=-3, microseconds=7),
        royalty=Decimal("1234567890.1234"), details={"a": [1, None, "é"]}, photo=bytes(range(256)), key=KEY)
    got = Author.objects.get(pk=author.pk)
    return (got.name, got.born, got.seen, got.spent, got.royalty, got.details, bytes(got.photo), got.active, got.key)


KEPT = ("Größe 😀", dt.date(1815, 12, 10), SEEN, dt.timedelta(days=-3, microseconds=7), Decimal("1234567890.1234"),
        {"a": [1, None, "é"]}, bytes(range(256)), True, KEY)


def rolled_back():
    author = Author.objects.create(name="kept")
    try:
        with transaction.atomic():
            Author.objects.filter(pk=author.pk).update(name="gone")
            raise RuntimeError
    except RuntimeError:
        return Author.objects.get(pk=author.pk).name


def nested():
    author = Author.objects.create(name="first")
    with transaction.atomic():
        Author.objects.filter(pk=author.pk).update(name="outer")
        try:
            with transaction.atomic():
                Author.objects.filter(pk=author.pk).update(name="inner")
                Author.objects.create(pk=author.pk, name="again")
        except IntegrityError:
            pass
    return Author.objects.get(pk=author.pk).name


def in_bulk():
    return len(Author.objects.bulk_create([Author(id=9000 + n, name="bulk", royalty=n) for n in range(100)]))


def many():
    for n in range(100):
        Author(id=1000 + n, name="many", royalty=n).save(force_insert=True)
    seen = sorted(author.id for author in Author.objects.filter(name="many").iterator(chunk_size=50))
    return (seen == list(range(1000, 1100)), Author.objects.filter(pk=1007).exists(),
            Author.objects.in_bulk([1003, 1004]).keys() == {1003, 1004})


def updated():
    counted = Author.objects.filter(name="many").update(active=False)
    again = Author.objects.filter(name="many").update(active=False)
    author = Author.objects.get(pk=1001)
    author.royalty = models.F("royalty") + 1
    author.save()
    author.refresh_from_db()
    return (counted, again, author.royalty)


def locked():
    with transaction.atomic():
        return Author.objects.select_for_update().get(pk=1002).name


def got_or_made():
    first = Author.objects.update_or_create(pk=5000, defaults={"name": "one"})
    second = Author.objects.update_or_create(pk=5000, defaults={"name": "two"})
    return (first[1], second[1], Author.objects.get(pk=5000).name)


def described():
    with connection.cursor() as cursor:
        columns = [(column.name, column.null_ok) for column in
                   connection.introspection.get_table_description(cursor, "dj_authors")][:3]
        keys = connection.introspection.get_constraints(cursor, "dj_authors")
        return (columns, keys["PRIMARY"]["columns"])


def altered():
    field = models.IntegerField(null=True)
    field.set_attributes_from_name("rank_")
    with connection.schema_editor() as editor:
        editor.add_field(Author, field)
        editor.remove_field(Author, field)
    return Author.objects.filter(pk=5000).exists()


def raw(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def reconnected():
    import MySQLdb

    number = raw("select connection_id()")[0][0]
    other = MySQLdb.connect(host=target.host, port=target.port, user=target.user, password=target.password,
                            ssl={"ca": target.ca}, ssl_mode="VERIFY_CA")
    other.cursor().execute(f"kill {number}")
    error = type(raised(lambda: raw("select 1"))).__name__
    connection.close_if_unusable_or_obsolete()
    return (error, raw("select 'back'")[0][0])


check("connect.version", (9, 7), lambda: connection.mysql_version[:2])
check("connect.features", (True, True, False), lambda: (
    connection.features.has_select_for_update, connection.features.supports_transactions,
    connection.mysql_is_mariadb))
check("schema.made", True, made)
check("schema.described", ([("id", False), ("name", False), ("born", True)], ["id"]), described)
check("orm.stored", KEPT, stored)
check("orm.rolled_back", "kept", rolled_back)
check("orm.nested", "outer", nested)
check("orm.many", (True, True, True), many)
check("orm.in_bulk", 100, in_bulk)
check("orm.updated", (100, 100, Decimal(2)), updated)
check("orm.locked", "many", locked)
check("orm.got_or_made", (True, False, "two"), got_or_made)
check("orm.json", ["Größe 😀"], lambda: [a.name for a in Author.objects.filter(details__a__2="é")])
check("orm.text", [1007], lambda: [a.id for a in Author.objects.filter(pk=1007, name__icontains="MAN")])
check("orm.dates", ["Größe 😀"], lambda: [a.name for a in Author.objects.filter(seen__year=2024, born__month=12)])
check("orm.deleted", (1, {"checks.Author": 1}), lambda: Author.objects.filter(pk=1099).delete())
check("orm.too_long", DataError.__name__, lambda: type(raised(lambda: Author.objects.create(name="x" * 41))).__name__)
check("orm.duplicate", IntegrityError.__name__,
      lambda: type(raised(lambda: Author.objects.create(pk=5000, name="x"))).__name__)
check("orm.no_table", ProgrammingError.__name__, lambda: type(raised(lambda: raw("select * from dj_none"))).__name__)
check("orm.raw", ((1, "é"),), lambda: raw("select %s, %s", 1, "é"))
check("schema.altered", True, altered)
check("life.reconnected", (OperationalError.__name__, "back"), reconnected)
