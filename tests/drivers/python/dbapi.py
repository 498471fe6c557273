"""The checks that all drivers with Python's database interface (PEP 249) go through."""

import hashlib

from checks import check, raised
from kinds import CREATE, KINDS, POINT

LARGE = 20 << 20

# How clients number the loss of a connection.
LOST = (-1, 2006, 2013, 2055, 4031, 1317, 1053)


class Driver:
    """What the checks need to know of a driver. `connect(**options)` understands: tls ('off', 'verified'),
    charset, database, password, found_rows, multi, compress, local_infile, attributes."""

    # What it makes of some kinds, where it is not the value of `kinds`.
    reads = {}
    # The byte 0x80 of MySQL's latin1.
    euro = "€"
    # An attribute that it tells the server at login.
    attribute = ("program_name", "checks")
    # What it takes for some kinds as a parameter.
    takes = {}

    def __init__(self, target):
        self.target = target

    def stream(self, connection):
        """A cursor that leaves rows on the server until they are fetched."""
        raise NotImplementedError

    def code(self, error):
        """The number of an error, with its SQLSTATE if the driver tells that."""
        return error.args[0]

    def states(self):
        """Whether `code` gives pairs."""
        return False


def run(cursor, sql, *values):
    cursor.execute(sql, values or None)
    return cursor.fetchall() if cursor.description else cursor.rowcount


def answer(connection, sql, *values):
    """What a statement gives on a connection that nothing else holds: some drivers' cursors do not either."""
    return run(connection.cursor(), sql, *values)


def value(connection, sql, *values):
    cursor = connection.cursor()
    rows = run(cursor, sql, *values)
    cursor.close()
    return rows[0][0] if rows else None


def fresh(connection, table, columns):
    cursor = connection.cursor()
    cursor.execute(f"drop table if exists {table}")
    cursor.execute(f"create table {table} ({columns})")
    cursor.close()


def writer(driver, **options):
    """A connection each statement of which is a transaction; drivers differ in whether this is a method."""
    return commits(driver.connect(**options), True)


def commits(connection, by_itself):
    if callable(connection.autocommit):
        connection.autocommit(by_itself)
    else:
        connection.autocommit = by_itself
    return connection


def suite(driver):
    connection = writer(driver, tls="verified")
    logins(driver)
    kinds(driver, connection, "text", connection.cursor)
    large(driver, connection)
    counts(driver, connection)
    transactions(driver)
    errors(driver, connection)
    streams(driver, connection)
    metadata(driver, connection)
    characters(driver, connection)
    lives(driver, connection)
    several(driver)
    options(driver)
    connection.close()


def logins(driver):
    cipher = "show status like 'Ssl_cipher'"
    inside = lambda tls: bool(answer(driver.connect(tls=tls), cipher)[0][1])
    check("login.tls", True, lambda: inside("verified"))
    check("login.plain", False, lambda: inside("off"))
    check("login.database", driver.target.database, lambda: value(driver.connect(), "select database()"))
    check("login.no_database", None, lambda: value(driver.connect(database=None), "select database()"))
    code = lambda **options: driver.code(raised(lambda: driver.connect(**options)))
    pair = lambda number, state: (number, state) if driver.states() else number
    check("login.wrong_password", pair(1045, "28000"), lambda: code(password="wrong"))
    check("login.unknown_database", pair(1049, "42000"), lambda: code(database="nowhere"))
    check("login.user", f"{driver.target.user}@", lambda: value(driver.connect(), "select user()").split("@")[0] + "@")


def kinds(driver, connection, protocol, cursor_of):
    cursor = connection.cursor()
    run(cursor, "drop table if exists kinds")
    run(cursor, CREATE)
    for number, (name, _, kept) in enumerate(KINDS):
        written = driver.takes.get((protocol, name), driver.takes.get(name, kept))
        read = driver.reads.get((protocol, name), driver.reads.get(name, kept))

        def there_and_back(number=number, name=name, written=written):
            cursor = cursor_of()
            cursor.execute(f"insert into kinds (id, {name}) values (%s, %s)", (number, written))
            cursor.execute(f"select {name} from kinds where id = %s", (number,))
            rows = cursor.fetchall()
            cursor.close()
            return rows[0][0]

        check(f"{protocol}.{name}", read, there_and_back)

    def geometry():
        cursor = cursor_of()
        cursor.execute("insert into kinds (id, place) values (%s, st_geomfromtext(%s))", (1000, "POINT(1 -2)"))
        cursor.execute("select place from kinds where id = %s", (1000,))
        return bytes(cursor.fetchall()[0][0])

    check(f"{protocol}.geometry", POINT, geometry)

    def zero(name, text):
        def there_and_back():
            cursor = cursor_of()
            cursor.execute("set sql_mode = ''")
            cursor.execute(f"insert into kinds (id, {name}) values (%s, %s)", (1001 + len(name), text))
            cursor.execute(f"select {name}, concat({name}) from kinds where id = %s", (1001 + len(name),))
            row = cursor.fetchall()[0]
            cursor.execute("set sql_mode = default")
            return row

        return there_and_back

    day, moment = "0000-00-00", "0000-00-00 00:00:00.000000"
    check(f"{protocol}.zero_date", (driver.reads.get("zero_date"), day), zero("day", day))
    check(f"{protocol}.zero_datetime", (driver.reads.get("zero_datetime"), moment), zero("moment", moment))
    rows = sorted([*range(len(KINDS)), 1000, 1004, 1007])
    check(f"{protocol}.all_rows", rows, lambda: sorted(row[0] for row in run(connection.cursor(), "select id from kinds")))
    nothing = "select id from kinds where nothing is not null"
    check(f"{protocol}.null_is_null", [], lambda: list(run(connection.cursor(), nothing)))


def large(driver, connection):
    fresh(connection, "large", "id int primary key, b longblob")
    content = hashlib.shake_128(b"large").digest(1 << 20) * (LARGE >> 20)

    def there_and_back():
        cursor = connection.cursor()
        run(cursor, "insert into large values (%s, %s)", 1, content)
        return bytes(value(connection, "select b from large where id = 1")) == content

    check("large.blob", True, there_and_back)
    digest = hashlib.sha256(content).hexdigest()
    check("large.digest", digest, lambda: value(connection, "select sha2(b, 256) from large where id = 1"))


def counts(driver, connection):
    fresh(connection, "counts", "id bigint auto_increment primary key, note varchar(20), n int")
    cursor = connection.cursor()
    count = lambda sql, *values: run(cursor, sql, *values)
    check("counts.insert", 3, lambda: count("insert into counts values (101, 'a', 1), (102, 'b', 2), (103, 'c', 3)"))
    check("counts.update", 3, lambda: count("update counts set n = 7"))
    check("counts.unchanged", 0, lambda: count("update counts set n = 7"))
    found = lambda: answer(writer(driver, found_rows=True), "update counts set n = 7")
    check("counts.found_rows", 3, found)
    twice = "insert into counts values (101, 'a', 1) on duplicate key update n = 8"
    check("counts.on_duplicate", 2, lambda: count(twice))
    check("counts.replace", 2, lambda: count("replace into counts values (101, 'z', 1)"))
    check("counts.delete", 1, lambda: count("delete from counts where id = 102"))
    check("counts.ignored", 0, lambda: count("insert ignore into counts values (101, 'a', 1)"))
    many = lambda: (cursor.executemany("insert into counts values (%s, %s, %s)",
                                       [(n, "m", n) for n in range(200, 250)]), cursor.rowcount)[1]
    check("counts.executemany", 50, many)
    check("counts.sum", sum(range(200, 250)), lambda: sum(row[0] for row in run(connection.cursor(), "select n from counts where note = 'm'")))

    def last(sql):
        run(cursor, sql)
        return cursor.lastrowid

    check("last_id.given", 500, lambda: last("insert into counts values (500, 'g', 0)"))
    numbered = lambda: last("insert into counts (note) values ('numbered')") == value(
        connection, "select id from counts where note = 'numbered'")
    check("last_id.numbered", True, numbered)
    first = lambda: last("insert into counts (note) values ('x'), ('x'), ('x')") == min(
        row[0] for row in run(connection.cursor(), "select id from counts where note = 'x'"))
    check("last_id.first_of_many", True, first)
    asked = lambda: (last("insert into counts (note) values ('q')"), value(connection, "select last_insert_id()"))
    check("last_id.function", True, lambda: len(set(asked())) == 1)
    check("last_id.none", 0, lambda: last("update counts set n = 0 where id = 500") or 0)


def transactions(driver):
    one, other = writer(driver), writer(driver)
    fresh(one, "moved", "id int primary key, n int")
    run(one.cursor(), "insert into moved values (1, 0)")
    n = lambda: value(other, "select n from moved where id = 1")

    def add(end):
        cursor = one.cursor()
        run(cursor, "begin")
        run(cursor, "update moved set n = n + 1 where id = 1")
        unseen = n()
        end()
        return (unseen, n())

    check("transaction.commit", (0, 1), lambda: add(one.commit))
    check("transaction.rollback", (1, 1), lambda: add(one.rollback))

    def error_within():
        cursor = one.cursor()
        run(cursor, "begin")
        run(cursor, "update moved set n = 10 where id = 1")
        code = driver.code(raised(lambda: run(cursor, "insert into moved values (1, 0)")))
        run(cursor, "update moved set n = n + 1 where id = 1")
        one.commit()
        return (code if isinstance(code, int) else code[0], n())

    check("transaction.error_within", (1062, 11), error_within)

    def savepoint():
        cursor = one.cursor()
        for sql in ["begin", "update moved set n = 20 where id = 1", "savepoint here",
                    "update moved set n = 30 where id = 1", "rollback to savepoint here", "commit"]:
            run(cursor, sql)
        return n()

    check("transaction.savepoint", 20, savepoint)

    def without_autocommit():
        late = commits(driver.connect(), False)
        run(late.cursor(), "update moved set n = 40 where id = 1")
        before = n()
        late.commit()
        run(late.cursor(), "update moved set n = 50 where id = 1")
        late.close()
        return (before, n())

    check("transaction.autocommit_off", (20, 40), without_autocommit)

    def locked():
        run(other.cursor(), "set innodb_lock_wait_timeout = 1")
        run(one.cursor(), "begin")
        run(one.cursor(), "update moved set n = 60 where id = 1")
        code = driver.code(raised(lambda: run(other.cursor(), "update moved set n = 61 where id = 1")))
        one.rollback()
        return code if isinstance(code, int) else code[0]

    check("transaction.lock_wait_timeout", 1205, locked)


def errors(driver, connection):
    fresh(connection, "strict", "id int primary key, name varchar(3) not null, n tinyint")
    cursor = connection.cursor()
    run(cursor, "insert into strict values (1, 'a', 1)")
    for name, number, state, sql in [
        ("duplicate", 1062, "23000", "insert into strict values (1, 'a', 1)"),
        ("no_table", 1146, "42S02", "select * from missing"),
        ("syntax", 1064, "42000", "selec 1"),
        ("null", 1048, "23000", "insert into strict values (2, null, 1)"),
        ("too_long", 1406, "22001", "insert into strict values (2, 'long', 1)"),
        ("no_column", 1054, "42S22", "select nothing from strict where id = 1"),
        ("out_of_range", 1264, "22003", "insert into strict values (2, 'a', 1000)"),
        ("not_a_number", 1366, "HY000", "insert into strict values (2, 'a', 'word')"),
        ("no_default", 1364, "HY000", "insert into strict (id) values (2)"),
        ("column_count", 1136, "21S01", "insert into strict values (2, 'a')"),
        ("table_exists", 1050, "42S01", "create table strict (id int primary key)"),
        ("unknown_database", 1049, "42000", "use nowhere"),
        ("unknown_function", 1305, "42000", "select nothing(1)"),
    ]:
        expected = (number, state) if driver.states() else number
        check(f"error.{name}", expected, lambda sql=sql: driver.code(raised(lambda: run(cursor, sql))))
    check("error.connection_lives", 1, lambda: value(connection, "select id from strict"))

    def warned():
        run(cursor, "insert ignore into strict values (3, 'long', 1)")
        return [(level, number) for level, number, _ in run(cursor, "show warnings")]

    check("error.warning", [("Warning", 1265)], warned)


def streams(driver, connection):
    fresh(connection, "rows_", "id int primary key, pad varchar(200)")
    cursor = connection.cursor()
    cursor.executemany("insert into rows_ values (%s, %s)", [(n, "p" * 200) for n in range(2000)])

    def fetched():
        stream = driver.stream(connection)
        stream.execute("select id, pad from rows_")
        got = [stream.fetchone(), *stream.fetchmany(10), *stream]
        stream.close()
        return (sorted(row[0] for row in got) == list(range(2000)), value(connection, "select 'after'"))

    check("stream.rows", (True, "after"), fetched)

    def abandoned():
        own = writer(driver)
        stream = driver.stream(own)
        stream.execute("select id, pad from rows_")
        seen = len(stream.fetchone()[1])
        own.close()
        return (seen, value(connection, "select 'after'"))

    check("stream.abandoned", (200, "after"), abandoned)


def metadata(driver, connection):
    cursor = connection.cursor()
    run(cursor, "select id, name as called, n, id + 1 from strict where id = 1")
    check("metadata.names", ["id", "called", "n", "id + 1"], lambda: [column[0] for column in cursor.description])
    check("metadata.nullable", [False, False, True], lambda: [bool(column[6]) for column in cursor.description[:3]])
    cursor = connection.cursor()
    names = [name for name, _, _ in KINDS]
    run(cursor, f"select {', '.join(names)} from kinds where id = 0")
    codes = lambda: {name: column[1] for name, column in zip(names, cursor.description)}
    check("metadata.types", TYPES | getattr(driver, "types", {}), codes)
    run(cursor, "select 1 from strict where false")
    check("metadata.no_rows", [], lambda: list(run(cursor, "select id from strict where false")))
    version = "select substring_index(version(), '.', 2)"
    check("metadata.version", "9.7", lambda: value(connection, version))
    columns = "select column_name, data_type from information_schema.columns where table_schema = database() and table_name = 'strict' order by 1"
    check("metadata.columns", [("id", "int"), ("n", "tinyint"), ("name", "varchar")],
          lambda: [tuple(text(cell) for cell in row) for row in run(connection.cursor(), columns)])
    tables = lambda: "strict" in [text(row[0]) for row in run(connection.cursor(), "show tables")]
    check("metadata.tables", True, tables)


def text(cell):
    return cell.decode() if isinstance(cell, (bytes, bytearray)) else cell


# The protocol's numbers of the types.
TYPES = {
    "tiny": 1, "tiny_unsigned": 1, "small": 2, "medium_unsigned": 9, "plain_int": 3, "int_unsigned": 3, "big": 8,
    "big_unsigned": 8, "decimals": 246, "single": 4, "twice": 5, "bits": 16, "day": 10, "moment": 12, "stamp": 7,
    "span": 11, "in_year": 13, "fixed": 254, "four_bytes": 253, "fixed_bytes": 254, "bytes": 253, "long_text": 252,
    "lob": 252, "choice": 254, "choices": 254, "document": 245, "nothing": 3, "empty_text": 253,
}


def characters(driver, connection):
    fresh(connection, "letters", "id int primary key, name varchar(20)")

    def west():
        latin = writer(driver, charset="latin1")
        run(latin.cursor(), "insert into letters values (1, %s)", "é")
        return (value(latin, "select name from letters where id = 1"),
                value(connection, "select name from letters where id = 1"),
                value(connection, "select hex(name) from letters where id = 1"))

    check("characters.latin1", ("é", "é", "C3A9"), west)
    lossy = lambda: value(driver.connect(charset="latin1"), "select convert(_utf8mb4 0xE282AC52 using utf8mb4)")
    check("characters.latin1_euro", driver.euro + "R", lossy)
    check("characters.set_names", "utf8mb3", lambda: named(connection))
    collation = "select @@collation_connection"
    check("characters.utf8mb4", "utf8mb4", lambda: value(driver.connect(), collation).split("_")[0])


def named(connection):
    run(connection.cursor(), "set names utf8mb3")
    got = value(connection, "select @@character_set_client")
    run(connection.cursor(), "set names utf8mb4")
    return got


def lives(driver, connection):
    def killed():
        victim = driver.connect()
        number = value(victim, "select connection_id()")
        run(connection.cursor(), f"kill {number}")
        error = raised(lambda: value(victim, "select 1"))
        code = driver.code(error)
        code = code if isinstance(code, int) else code[0]
        return "lost" if code in LOST else f"{code}: {error}"

    check("life.killed", "lost", killed)

    def again():
        victim = driver.connect()
        number = value(victim, "select connection_id()")
        run(connection.cursor(), f"kill {number}")
        raised(lambda: value(victim, "select 1"))
        victim = driver.reconnect(victim)
        return (value(victim, "select 'back'"), value(victim, "select connection_id()") != number)

    check("life.reconnected", ("back", True), again)
    check("life.ping", None, lambda: connection.ping())

    def variables():
        run(connection.cursor(), "set @kept = 5, time_zone = '+03:00'")
        got = (value(connection, "select @kept"), value(connection, "select @@time_zone"))
        run(connection.cursor(), "set time_zone = default")
        return got

    check("life.variables", (5, "+03:00"), variables)


def several(driver):
    def both():
        own = driver.connect(multi=True)
        cursor = own.cursor()
        cursor.execute("select 1; select 2")
        first = cursor.fetchall()
        cursor.nextset()
        return (list(first), list(cursor.fetchall()))

    check("several.rows", ([(1,)], [(2,)]), both)

    def written():
        own = writer(driver, multi=True)
        cursor = own.cursor()
        cursor.execute("drop table if exists several; create table several (id int primary key)")
        while cursor.nextset():
            pass
        return value(own, "select id from several")

    check("several.schema", None, written)


def options(driver):
    import tempfile

    check("option.compressed", 1, lambda: value(driver.connect(compress=True), "select 1"))
    if driver.compresses:
        compression = "show status like 'Compression'"
        check("option.compression", "ON", lambda: answer(driver.connect(compress=True), compression)[0][1])

    def loaded():
        own = writer(driver, local_infile=True)
        fresh(own, "loaded", "id int primary key, name varchar(20)")
        with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
            file.write("1\tone\n2\ttwo\n")
            file.flush()
            cursor = own.cursor()
            cursor.execute(f"load data local infile '{file.name}' into table loaded")
            return (cursor.rowcount, value(own, "select name from loaded where id = 2"))

    check("option.local_infile", (2, "two"), loaded)
    attribute = ("select attr_value from performance_schema.session_connect_attrs "
                 "where processlist_id = connection_id() and attr_name = %s")
    name, told = driver.attribute
    check("option.attributes", told, lambda: value(driver.connect(attributes={name: told}), attribute, name))
