"""PyMySQL: the driver in pure Python."""

import pymysql
from pymysql.constants import CLIENT
from pymysql.cursors import SSCursor

from checks import Target, check
from dbapi import Driver, run, suite, text


class PyMySQL(Driver):
    compresses = False
    reads = {
        # Dates that Python has no value for stay text.
        "zero_date": "0000-00-00",
        "zero_datetime": "0000-00-00 00:00:00.000000",
    }

    def connect(self, tls="verified", charset="utf8mb4", found_rows=False, multi=False, attributes=None, **more):
        # Of the attributes it lets the caller choose the program's name.
        flags = (CLIENT.FOUND_ROWS if found_rows else 0) | (CLIENT.MULTI_STATEMENTS if multi else 0)
        more.pop("compress", None)
        options = {"password": self.target.password, "database": self.target.database} | more
        if tls == "off":
            options["ssl_disabled"] = True
        else:
            options |= {"ssl_ca": self.target.ca, "ssl_verify_cert": True, "ssl_verify_identity": True}
        if attributes:
            options |= {"program_name": attributes["program_name"]}
        return pymysql.connect(host=self.target.host, port=self.target.port, user=self.target.user, charset=charset,
                               client_flag=flags, **options)

    def stream(self, connection):
        return connection.cursor(SSCursor)

    def reconnect(self, connection):
        connection.connect()
        return connection


def fields(driver):
    """What the server says of columns, of which PEP 249 shows only a part."""
    cursor = driver.connect().cursor()
    run(cursor, "select id, name, n, 1.50 from strict as s where id = 1")
    seen = [(field.table_name, field.org_table, text(field.db), field.org_name, field.charsetnr, field.length, field.flags,
             field.scale) for field in cursor._result.fields]
    database = driver.target.database
    check("metadata.fields", [
        ("s", "strict", database, "id", 63, 11, 1 | 2 | 0x4000 | 0x1000, 0),
        ("s", "strict", database, "name", 255, 12, 1 | 0x1000, 0),
        ("s", "strict", database, "n", 63, 4, 0, 0),
        ("", "", "", "", 63, 5, 1 | 128, 2),
    ], lambda: seen)


driver = PyMySQL(Target())
suite(driver)
fields(driver)
