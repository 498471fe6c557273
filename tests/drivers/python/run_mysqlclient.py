"""mysqlclient: Python on MySQL's own C library."""

import MySQLdb
from MySQLdb.constants import CLIENT
from MySQLdb.cursors import SSCursor

from checks import Target, check
from dbapi import Driver, suite


class MysqlClient(Driver):
    compresses = True
    # It takes none; the C library tells its own.
    attribute = ("_client_name", "libmysql")
    reads = {"zero_date": None, "zero_datetime": None}

    def connect(self, tls="verified", charset="utf8mb4", found_rows=False, multi=False, attributes=None, **more):
        flags = CLIENT.FOUND_ROWS if found_rows else 0
        options = {"password": self.target.password, "database": self.target.database} | more
        if options["database"] is None:
            del options["database"]
        if tls == "off":
            options["ssl_mode"] = "DISABLED"
        else:
            options |= {"ssl_mode": "VERIFY_IDENTITY", "ssl": {"ca": self.target.ca}}
        if not multi:
            options["multi_statements"] = False
        return MySQLdb.connect(host=self.target.host, port=self.target.port, user=self.target.user, charset=charset,
                               client_flag=flags, **options)

    def stream(self, connection):
        return connection.cursor(SSCursor)

    def reconnect(self, connection):
        return self.connect()


driver = MysqlClient(Target())
suite(driver)
check("c_library.set_server_option", 0, lambda: driver.connect().set_server_option(0))
check("c_library.stat", True, lambda: "Uptime" in driver.connect().stat())
check("c_library.change_user", None, lambda: driver.connect().change_user(
    driver.target.user, driver.target.password, driver.target.database))
check("c_library.warning_count", 0, lambda: driver.connect().warning_count())
check("c_library.character_set", "utf8mb4", lambda: driver.connect().character_set_name())
check("c_library.select_db", None, lambda: driver.connect(database=None).select_db(driver.target.database))
