"""MySQL Connector/Python, in pure Python and with its C extension, and its prepared statements."""

import datetime as dt
import os

import mysql.connector

from checks import Target, check
from dbapi import Driver, kinds, run, suite, value, writer


class Connector(Driver):
    compresses = True
    attribute = ("chosen", "checks")
    # It gives sets as sets, and JSON, texts of the binary character set and the like as text or bytes.
    euro = "\x80"
    reads = {
        "choices": {"x", "z"}, "bits": 0b1000000001, "zero_date": None, "zero_datetime": None,
        # Its reading of the binary protocol is another one; of years it takes one byte.
        ("prepared", "bits"): b"\x02\x01", ("prepared", "choices"): "x,z", ("prepared", "in_year"): b"\x08",
        # It adds the hours of a negative time to the days that it takes away.
        ("prepared", "span"): dt.timedelta(days=-34, seconds=82798, microseconds=999999),
        ("prepared", "document"): '{"a": [1, null, "é😀"]}'.encode(),
    }
    # As a parameter it spoils times of more than a day that are negative.
    takes = {("prepared", "span"): "-838:59:58.999999"}

    def connect(self, tls="verified", charset="utf8mb4", found_rows=False, multi=False, attributes=None,
                compress=False, local_infile=False, **more):
        options = {"password": self.target.password, "database": self.target.database} | more
        if tls == "off":
            options["ssl_disabled"] = True
        else:
            options |= {"ssl_ca": self.target.ca, "ssl_verify_cert": True, "ssl_verify_identity": True}
        if compress:
            # It compresses whether or not the server has said that it can.
            options["read_timeout"] = 2
        if charset == "latin1":
            options["collation"] = "latin1_swedish_ci"
        flag = mysql.connector.ClientFlag.FOUND_ROWS
        return mysql.connector.connect(
            host=self.target.host, port=self.target.port, user=self.target.user, charset=charset, compress=compress,
            connection_timeout=5, client_flags=[flag if found_rows else -flag], allow_local_infile=local_infile, use_pure=self.pure,
            conn_attrs=attributes or {}, **options)

    def stream(self, connection):
        return connection.cursor(buffered=False)

    def code(self, error):
        return (error.errno, error.sqlstate)

    def states(self):
        return True

    def reconnect(self, connection):
        connection.reconnect()
        return connection


driver = Connector(Target())
driver.pure = os.environ.get("SHOAL_VARIANT") != "c"
suite(driver)
connection = writer(driver)
kinds(driver, connection, "prepared", lambda: connection.cursor(prepared=True))


def repeated():
    cursor = connection.cursor(prepared=True)
    cursor.execute("drop table if exists repeated")
    cursor.execute("create table repeated (id int primary key, n int)")
    for number in range(50):
        cursor.execute("insert into repeated values (%s, %s)", (number, number * 2))
    return sum(row[0] for row in run(connection.cursor(), "select n from repeated"))


check("prepared.repeated", 50 * 49, repeated)
check("life.reset", True, lambda: connection.cmd_reset_connection())
check("life.change_user", driver.target.database, lambda: (connection.cmd_change_user(
    driver.target.user, driver.target.password, driver.target.database), value(connection, "select database()"))[1])
check("life.statistics", True, lambda: "Uptime" in connection.cmd_statistics())
