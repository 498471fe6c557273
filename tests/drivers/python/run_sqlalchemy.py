"""SQLAlchemy: its dialect's questions at connecting, reflection, the ORM, over PyMySQL and mysqlclient."""

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from checks import Target, check, raised

target = Target()


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "sa_accounts"
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))
    balance: Mapped[Decimal] = mapped_column(sa.Numeric(20, 4))
    opened: Mapped[dt.datetime] = mapped_column(mysql.DATETIME(fsp=6))
    details: Mapped[dict] = mapped_column(sa.JSON)
    kind: Mapped[str] = mapped_column(sa.Enum("small", "große"))
    picture: Mapped[bytes | None] = mapped_column(sa.LargeBinary(1 << 20))
    active: Mapped[bool]


OPENED = dt.datetime(2024, 2, 29, 23, 59, 59, 123456)


def account(number, name):
    return Account(id=number, name=name, balance=Decimal("1234567890.1234"), opened=OPENED, active=number % 2 == 0,
                   details={"tags": ["é", None], "n": number}, kind="große", picture=bytes(range(256)))


def engine_of(driver):
    arguments = {"ssl": {"ca": target.ca}}
    url = sa.URL.create(f"mysql+{driver}", target.user, target.password, target.host, target.port, target.database,
                        {"charset": "utf8mb4"})
    return sa.create_engine(url, connect_args=arguments, pool_pre_ping=True, pool_recycle=3600)


def stored(engine):
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(account(1, "Größe 😀"))
        session.commit()
    with Session(engine) as session:
        got = session.get(Account, 1)
        return (got.name, got.balance, got.opened, got.details, got.kind, got.picture, got.active)


def rolled_back(engine):
    with Session(engine) as session:
        session.add(account(2, "gone"))
        session.flush()
        session.rollback()
        return session.get(Account, 2)


def duplicate(engine):
    with Session(engine) as session:
        session.add(account(1, "again"))
        error = raised(session.commit)
        return (type(error).__name__, error.orig.args[0])


def nested(engine):
    with Session(engine) as session:
        session.get(Account, 1).name = "outer"
        inner = session.begin_nested()
        session.get(Account, 1).name = "inner"
        session.flush()
        inner.rollback()
        session.commit()
        return session.get(Account, 1).name


def changed(engine):
    with Session(engine) as session:
        session.get(Account, 1).balance += 1
        session.commit()
        return session.execute(sa.select(Account.balance).where(Account.id == 1)).scalar_one()


def reflected(engine):
    inspector = sa.inspect(engine)
    columns = {column["name"]: type(column["type"]).__name__ for column in inspector.get_columns("sa_accounts")}
    return (columns, inspector.get_pk_constraint("sa_accounts")["constrained_columns"],
            "sa_accounts" in inspector.get_table_names(), inspector.has_table("sa_missing"),
            inspector.get_indexes("sa_accounts"), inspector.get_foreign_keys("sa_accounts"))


COLUMNS = {"id": "BIGINT", "name": "VARCHAR", "balance": "DECIMAL", "opened": "DATETIME", "details": "JSON",
           "kind": "ENUM", "picture": "MEDIUMBLOB", "active": "TINYINT"}


def many(engine):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        rows = [{"id": number, "name": "many", "balance": number, "opened": OPENED, "details": {}, "kind": "small",
                 "picture": None, "active": True} for number in range(100, 400)]
        connection.execute(sa.insert(Account), rows)
        stream = connection.execution_options(stream_results=True, yield_per=50)
        found = stream.execute(sa.select(Account.id, Account.balance).where(Account.name == "many"))
        return sorted((row.id, int(row.balance)) for row in found) == [(n, n) for n in range(100, 400)]


def upsert(engine):
    statement = mysql.insert(Account).values(
        id=1, name="x", balance=0, opened=OPENED, details={}, kind="small", active=True)
    with engine.begin() as connection:
        done = connection.execute(statement.on_duplicate_key_update(name="upserted"))
        return (done.rowcount, connection.execute(sa.select(Account.name).where(Account.id == 1)).scalar())


def isolation(engine):
    with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        connection.execute(sa.select(Account.id).where(Account.id == 1))
        return connection.get_isolation_level()


def invalidated(engine):
    with engine.connect() as connection:
        number = connection.execute(sa.text("select connection_id()")).scalar()
    with engine.connect() as connection, engine.connect() as other:
        number = connection.execute(sa.text("select connection_id()")).scalar()
        connection.rollback()
        other.execute(sa.text(f"kill {number}"))
        error = raised(lambda: connection.execute(sa.text("select 1")))
        lost = error.connection_invalidated
    with engine.connect() as connection:
        return (lost, connection.execute(sa.text("select 'back'")).scalar())


for driver in ("pymysql", "mysqldb"):
    engine = engine_of(driver)
    check(f"{driver}.version", (9, 7), lambda: engine.connect() and engine.dialect.server_version_info[:2])
    kept = ("Größe 😀", Decimal("1234567890.1234"), OPENED, {"tags": ["é", None], "n": 1}, "große", bytes(range(256)), False)
    check(f"{driver}.stored", kept, lambda: stored(engine))
    check(f"{driver}.rolled_back", None, lambda: rolled_back(engine))
    check(f"{driver}.duplicate", ("IntegrityError", 1062), lambda: duplicate(engine))
    check(f"{driver}.nested", "outer", lambda: nested(engine))
    check(f"{driver}.changed", Decimal("1234567891.1234"), lambda: changed(engine))
    check(f"{driver}.reflected", (COLUMNS, ["id"], True, False, [], []), lambda: reflected(engine))
    check(f"{driver}.many", True, lambda: many(engine))
    check(f"{driver}.upsert", (2, "upserted"), lambda: upsert(engine))
    check(f"{driver}.isolation", "READ COMMITTED", lambda: isolation(engine))
    check(f"{driver}.invalidated", (True, "back"), lambda: invalidated(engine))
    missing = lambda: type(raised(lambda: engine.connect().execute(sa.text("select * from sa_missing")))).__name__
    check(f"{driver}.missing", "ProgrammingError", missing)
    engine.dispose()
