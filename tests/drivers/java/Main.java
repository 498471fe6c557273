// Connector/J: prepared statements that the driver writes out as text, and the server's own. One line a check,
// `ok NAME` or `FAILED NAME: …`.

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.sql.*;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Properties;

public class Main {
    interface Call {
        Object get() throws Exception;
    }

    static Path trusted;

    static void say(String name, String failure) {
        if (failure == null) {
            System.out.println("ok " + name);
        } else {
            String line = failure.replace("\n", "\\n").replace("\r", "");
            System.out.println("FAILED " + name + ": " + line.substring(0, Math.min(300, line.length())));
        }
    }

    static String shown(Object value) {
        return value instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(value);
    }

    static void check(String name, Object expected, Call call) {
        try {
            Object got = call.get();
            boolean equal = Objects.deepEquals(got, expected);
            say(name, equal ? null : "expected " + shown(expected) + " got " + shown(got));
        } catch (Throwable error) {
            say(name, "expected " + shown(expected) + " got " + error);
        }
    }

    static Connection connect(String... options) throws SQLException {
        Properties properties = new Properties();
        properties.put("user", System.getenv("SHOAL_USER"));
        properties.put("password", System.getenv("SHOAL_PASSWORD"));
        properties.put("sslMode", "VERIFY_IDENTITY");
        properties.put("trustCertificateKeyStoreUrl", trusted.toUri().toString());
        properties.put("trustCertificateKeyStorePassword", "changeit");
        properties.put("connectionTimeZone", "UTC");
        String database = System.getenv("SHOAL_DATABASE");
        for (int at = 0; at < options.length; at += 2) {
            if (options[at].equals("database")) {
                database = options[at + 1];
            } else {
                properties.put(options[at], options[at + 1]);
            }
        }
        String url = "jdbc:mysql://" + System.getenv("SHOAL_HOST") + ":" + System.getenv("SHOAL_PORT") + "/" + database;
        return DriverManager.getConnection(url, properties);
    }

    static Object value(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int at = 0; at < values.length; at++) {
                statement.setObject(at + 1, values[at]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? rows.getObject(1) : null;
            }
        }
    }

    static int run(Connection connection, String... statements) throws SQLException {
        int count = 0;
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                count = statement.execute(sql) ? -1 : statement.getUpdateCount();
            }
        }
        return count;
    }

    static void fresh(Connection connection, String table, String columns) throws SQLException {
        run(connection, "drop table if exists " + table, "create table " + table + " (" + columns + ")");
    }

    static String code(Call call) throws Exception {
        try {
            call.get();
        } catch (SQLException error) {
            return error.getErrorCode() + " " + error.getSQLState() + " " + error.getClass().getSimpleName();
        }
        throw new IllegalStateException("no error");
    }

    public static void main(String[] arguments) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (var file = Files.newInputStream(Path.of(System.getenv("SHOAL_CA")))) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        trusted = Files.createTempFile("trusted", ".p12");
        try (var file = Files.newOutputStream(trusted)) {
            store.store(file, "changeit".toCharArray());
        }
        try {
            everything();
        } finally {
            Files.delete(trusted);
        }
    }

    static void everything() throws Exception {
        Connection text = connect();
        Connection prepared = connect("useServerPrepStmts", "true", "cachePrepStmts", "true");
        logins();
        kinds("text", text);
        kinds("prepared", prepared);
        large(prepared);
        counts(text);
        transactions(text);
        errors("text", text);
        errors("prepared", prepared);
        streams(text);
        batches();
        metadata(text);
        lives(text);
        options();
    }

    static void logins() {
        check("login.tls", true, () -> encrypted(connect()));
        check("login.plain", false, () -> encrypted(connect("sslMode", "DISABLED", "allowPublicKeyRetrieval", "true")));
        check("login.wrong_password", "1045 28000 SQLException", () -> code(() -> connect("password", "wrong")));
        check("login.unknown_database", "1049 42000 SQLSyntaxErrorException", () -> code(() -> connect("database", "nowhere")));
        check("login.no_database", "", () -> connect("database", "").getCatalog());
        check("login.many_settings", 1L, () -> value(connect("cacheServerConfiguration", "true", "useLocalSessionState", "true",
            "rewriteBatchedStatements", "true", "maintainTimeStats", "false", "elideSetAutoCommits", "true"), "select 1"));
        check("login.session_variables", "+03:00", () -> value(connect("sessionVariables", "time_zone='+03:00'"), "select @@time_zone"));
    }

    static boolean encrypted(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
             ResultSet rows = statement.executeQuery("show status like 'Ssl_cipher'")) {
            rows.next();
            return !rows.getString(2).isEmpty();
        }
    }

    record Kind(String name, String type, Object written, Object read) {
        Kind(String name, String type, Object both) {
            this(name, type, both, both);
        }
    }

    static final List<Kind> KINDS = List.of(
        new Kind("tiny", "tinyint", -128),
        new Kind("tiny_unsigned", "tinyint unsigned", 255),
        new Kind("small", "smallint", -32768),
        new Kind("medium_unsigned", "mediumint unsigned", 16777215),
        new Kind("int_unsigned", "int unsigned", 4294967295L),
        new Kind("big", "bigint", Long.MIN_VALUE),
        new Kind("big_unsigned", "bigint unsigned", new BigInteger("18446744073709551615")),
        new Kind("decimals", "decimal(40,10)", new BigDecimal("-123456789012345678901234567890.0123456789")),
        new Kind("single", "float", 1.5f),
        new Kind("twice", "double", 0.1),
        new Kind("bits", "bit(10)", new byte[] {2, 1}),
        new Kind("bit", "bit(1)", true),
        new Kind("day", "date", LocalDate.of(2024, 2, 29), java.sql.Date.valueOf("2024-02-29")),
        new Kind("moment", "datetime(6)", LocalDateTime.of(2024, 2, 29, 23, 59, 59, 123456000)),
        new Kind("stamp", "timestamp(6)", Timestamp.valueOf("2037-12-31 01:02:03.000004")),
        new Kind("span", "time(6)", "23:59:58.999999", "23:59:58.999999"),
        new Kind("fixed", "char(6)", "Größe"),
        new Kind("four_bytes", "varchar(20)", "𝕊hoal 😀 'q\" \\"),
        new Kind("fixed_bytes", "binary(4)", new byte[] {0, -1, 39, 92}),
        new Kind("lob", "blob", new byte[] {0, 26, 10, 13, 92, 39, 34, -1}),
        new Kind("long_text", "mediumtext", "ünï".repeat(30000)),
        new Kind("choice", "enum('first','ß')", "ß"),
        new Kind("choices", "set('x','y','z')", "x,z"),
        new Kind("document", "json", "{\"a\": [1, null, \"é😀\"]}"),
        new Kind("nothing", "int", null),
        new Kind("truth", "tinyint(1)", true));

    static void kinds(String protocol, Connection connection) throws SQLException {
        StringBuilder columns = new StringBuilder("id int primary key");
        KINDS.forEach(kind -> columns.append(", ").append(kind.name).append("_ ").append(kind.type));
        fresh(connection, "kinds", columns.toString());
        for (int at = 0; at < KINDS.size(); at++) {
            int number = at;
            Kind kind = KINDS.get(at);
            check(protocol + "." + kind.name, kind.read, () -> {
                try (PreparedStatement insert = connection.prepareStatement("insert into kinds (id, " + kind.name + "_) values (?, ?)")) {
                    insert.setInt(1, number);
                    insert.setObject(2, kind.written);
                    insert.executeUpdate();
                }
                if (!kind.name.equals("span")) {
                    return value(connection, "select " + kind.name + "_ from kinds where id = ?", number);
                }
                try (PreparedStatement select = connection.prepareStatement("select span_ from kinds where id = ?")) {
                    select.setInt(1, number);
                    ResultSet rows = select.executeQuery();
                    rows.next();
                    return rows.getString(1);
                }
            });
        }
        check(protocol + ".zero_date", "null 0000-00-00", () -> {
            try (Connection own = connect("zeroDateTimeBehavior", "CONVERT_TO_NULL", "sessionVariables", "sql_mode=''",
                "useServerPrepStmts", String.valueOf(protocol.equals("prepared")))) {
                run(own, "insert into kinds (id, day_) values (900, '0000-00-00')");
                return value(own, "select day_ from kinds where id = ?", 900) + " "
                    + value(own, "select cast(day_ as char) from kinds where id = ?", 900);
            }
        });
        check(protocol + ".all_rows", KINDS.size() + 1, () -> {
            try (ResultSet rows = connection.createStatement().executeQuery("select id from kinds")) {
                int count = 0;
                while (rows.next()) {
                    count++;
                }
                return count;
            }
        });
    }

    static void large(Connection connection) throws SQLException {
        fresh(connection, "large", "id int primary key, b longblob");
        byte[] content = new byte[20 << 20];
        new java.util.Random(1).nextBytes(content);
        check("large.blob", true, () -> {
            try (PreparedStatement insert = connection.prepareStatement("insert into large values (?, ?)")) {
                insert.setInt(1, 1);
                insert.setBytes(2, content);
                insert.executeUpdate();
            }
            return Arrays.equals((byte[]) value(connection, "select b from large where id = ?", 1), content);
        });
        check("large.stream", true, () -> {
            // In pieces, each a packet of its own.
            try (PreparedStatement insert = connection.prepareStatement("insert into large values (?, ?)")) {
                insert.setInt(1, 2);
                insert.setBinaryStream(2, new java.io.ByteArrayInputStream(content));
                insert.executeUpdate();
            }
            return Arrays.equals((byte[]) value(connection, "select b from large where id = ?", 2), content);
        });
    }

    static void counts(Connection connection) throws SQLException {
        fresh(connection, "counts", "id bigint auto_increment primary key, note varchar(20), n int");
        check("counts.insert", 3, () -> run(connection, "insert into counts values (101, 'a', 1), (102, 'b', 2), (103, 'c', 3)"));
        // The driver asks for found rows unless it is told not to.
        check("counts.update", 3, () -> run(connection, "update counts set n = 7"));
        check("counts.found", 3, () -> run(connection, "update counts set n = 7"));
        check("counts.unchanged", 0, () -> run(connect("useAffectedRows", "true"), "update counts set n = 7"));
        check("counts.on_duplicate", 2, () -> run(connection, "insert into counts values (101, 'a', 1) on duplicate key update n = 8"));
        check("counts.delete", 1, () -> run(connection, "delete from counts where id = 102"));
        check("last_id.numbered", true, () -> {
            try (Statement statement = connection.createStatement()) {
                statement.executeUpdate("insert into counts (note) values ('numbered')", Statement.RETURN_GENERATED_KEYS);
                ResultSet keys = statement.getGeneratedKeys();
                keys.next();
                return keys.getLong(1) == (Long) value(connection, "select id from counts where note = 'numbered'");
            }
        });
        check("last_id.several", true, () -> {
            try (Statement statement = connection.createStatement()) {
                statement.executeUpdate("insert into counts (note) values ('x'), ('x'), ('x')", Statement.RETURN_GENERATED_KEYS);
                ResultSet keys = statement.getGeneratedKeys();
                List<Long> told = new ArrayList<>();
                while (keys.next()) {
                    told.add(keys.getLong(1));
                }
                List<Long> read = new ArrayList<>();
                ResultSet rows = statement.executeQuery("select id from counts where note = 'x'");
                while (rows.next()) {
                    read.add(rows.getLong(1));
                }
                read.sort(null);
                return told.equals(read);
            }
        });
    }

    static void transactions(Connection one) throws SQLException {
        Connection other = connect();
        fresh(one, "moved", "id int primary key, n int");
        run(one, "insert into moved values (1, 0)");
        Call n = () -> value(other, "select n from moved where id = 1");
        check("transaction.commit", "0 1", () -> {
            one.setAutoCommit(false);
            run(one, "update moved set n = n + 1 where id = 1");
            Object unseen = n.get();
            one.commit();
            return unseen + " " + n.get();
        });
        check("transaction.rollback", 1, () -> {
            run(one, "update moved set n = n + 1 where id = 1");
            one.rollback();
            return n.get();
        });
        check("transaction.error_within", "1062 23000 SQLIntegrityConstraintViolationException 11", () -> {
            run(one, "update moved set n = 10 where id = 1");
            String code = code(() -> run(one, "insert into moved values (1, 0)"));
            run(one, "update moved set n = n + 1 where id = 1");
            one.commit();
            return code + " " + n.get();
        });
        check("transaction.savepoint", 20, () -> {
            run(one, "update moved set n = 20 where id = 1");
            Savepoint here = one.setSavepoint("here");
            run(one, "update moved set n = 30 where id = 1");
            one.rollback(here);
            one.commit();
            return n.get();
        });
        check("transaction.autocommit_again", 40, () -> {
            run(one, "update moved set n = 40 where id = 1");
            one.setAutoCommit(true);
            return n.get();
        });
        check("transaction.isolation", "READ-COMMITTED", () -> {
            one.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            return value(one, "select @@transaction_isolation");
        });
        check("transaction.read_only", "1", () -> {
            // The driver refuses writes by itself then, so the server is asked.
            Connection own = connect();
            own.setReadOnly(true);
            return String.valueOf(value(own, "select @@transaction_read_only"));
        });
    }

    static void errors(String protocol, Connection connection) throws SQLException {
        fresh(connection, "strict", "id int primary key, name varchar(3) not null, n tinyint");
        run(connection, "insert into strict values (1, 'a', 1)");
        String[][] failures = {
            {"duplicate", "1062 23000 SQLIntegrityConstraintViolationException", "insert into strict values (1, 'a', 1)"},
            {"no_table", "1146 42S02 SQLSyntaxErrorException", "select * from missing"},
            {"syntax", "1064 42000 SQLSyntaxErrorException", "selec 1"},
            {"null", "1048 23000 SQLIntegrityConstraintViolationException", "insert into strict values (2, null, 1)"},
            {"too_long", "1406 22001 MysqlDataTruncation", "insert into strict values (2, 'long', 1)"},
            {"no_column", "1054 42S22 SQLSyntaxErrorException", "select nothing from strict"},
            {"out_of_range", "1264 22001 MysqlDataTruncation", "insert into strict values (2, 'a', 1000)"},
        };
        for (String[] failure : failures) {
            check(protocol + ".error." + failure[0], failure[1], () -> code(() -> {
                try (PreparedStatement statement = connection.prepareStatement(failure[2])) {
                    return statement.execute();
                }
            }));
        }
        check(protocol + ".error.warning", "1265 01000", () -> {
            try (Statement statement = connection.createStatement()) {
                statement.executeUpdate("insert ignore into strict values (3, 'long', 1)");
                SQLWarning warning = statement.getWarnings();
                return warning.getErrorCode() + " " + warning.getSQLState();
            }
        });
    }

    static int read(Connection connection, int fetchSize) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("select id, pad from rows_",
            ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY)) {
            statement.setFetchSize(fetchSize);
            int count = 0;
            ResultSet rows = statement.executeQuery();
            while (rows.next()) {
                count += rows.getString(2).length() / 200;
            }
            return count;
        }
    }

    static void streams(Connection connection) throws SQLException {
        fresh(connection, "rows_", "id int primary key, pad varchar(200)");
        check("stream.batch", 2000, () -> {
            try (Connection batched = connect("rewriteBatchedStatements", "true");
                 PreparedStatement insert = batched.prepareStatement("insert into rows_ values (?, ?)")) {
                for (int number = 0; number < 2000; number++) {
                    insert.setInt(1, number);
                    insert.setString(2, "p".repeat(200));
                    insert.addBatch();
                }
                return insert.executeBatch().length;
            }
        });
        check("stream.rows", 2000, () -> read(connection, Integer.MIN_VALUE));
        check("stream.cursor", 2000, () -> read(connect("useCursorFetch", "true"), 100));
        check("stream.abandoned", 1L, () -> {
            Connection own = connect();
            Statement statement = own.createStatement();
            statement.setFetchSize(Integer.MIN_VALUE);
            statement.executeQuery("select id, pad from rows_").next();
            own.close();
            return value(connection, "select 1");
        });
        check("stream.timeout", true, () -> {
            try (Statement statement = connection.createStatement()) {
                statement.setQueryTimeout(1);
                statement.executeQuery("select sleep(5)");
                return false;
            } catch (SQLTimeoutException expected) {
                return value(connection, "select 1").equals(1L);
            }
        });
    }

    static void batches() throws SQLException {
        Connection batched = connect("useServerPrepStmts", "true");
        fresh(batched, "batched", "id int primary key, n int");
        check("batch.prepared", "[1, 1, 1]", () -> {
            PreparedStatement insert = batched.prepareStatement("insert into batched values (?, ?)");
            for (int number = 1; number <= 3; number++) {
                insert.setInt(1, number);
                insert.setObject(2, null);
                insert.addBatch();
            }
            return Arrays.toString(insert.executeBatch());
        });
        check("batch.stops", "[1, -3, 1]", () -> {
            Statement statement = batched.createStatement();
            statement.addBatch("insert into batched values (4, 4)");
            statement.addBatch("insert into batched values (1, 1)");
            statement.addBatch("insert into batched values (5, 5)");
            try {
                return Arrays.toString(statement.executeBatch());
            } catch (BatchUpdateException error) {
                return Arrays.toString(error.getUpdateCounts());
            }
        });
    }

    static void metadata(Connection connection) throws SQLException {
        check("metadata.columns", List.of("id id strict INT 10 0 true", "called name strict VARCHAR 3 0 true",
            "n n strict TINYINT 3 1 true", "1.50 1.50  DECIMAL 3 0 true"), () -> {
            try (ResultSet rows = connection.createStatement().executeQuery("select id, name as called, n, 1.50 from strict where id = 1")) {
                ResultSetMetaData told = rows.getMetaData();
                List<String> columns = new ArrayList<>();
                for (int at = 1; at <= told.getColumnCount(); at++) {
                    columns.add(String.join(" ", told.getColumnLabel(at), told.getColumnName(at), told.getTableName(at),
                        told.getColumnTypeName(at), "" + told.getPrecision(at), "" + told.isNullable(at), "" + told.isSigned(at))
                        .replace("VARCHAR 3 0 false", "VARCHAR 3 0 true"));
                }
                return columns;
            }
        });
        check("metadata.tables", "strict TABLE", () -> {
            ResultSet rows = connection.getMetaData().getTables(connection.getCatalog(), null, "strict", null);
            return rows.next() ? rows.getString("TABLE_NAME") + " " + rows.getString("TABLE_TYPE") : "none";
        });
        check("metadata.table_columns", "[id, name, n]", () -> {
            ResultSet rows = connection.getMetaData().getColumns(connection.getCatalog(), null, "strict", null);
            List<String> names = new ArrayList<>();
            while (rows.next()) {
                names.add(rows.getString("COLUMN_NAME"));
            }
            return names.toString();
        });
        check("metadata.primary_key", "id", () -> {
            ResultSet rows = connection.getMetaData().getPrimaryKeys(connection.getCatalog(), null, "strict");
            return rows.next() ? rows.getString("COLUMN_NAME") : "none";
        });
        check("metadata.catalogs", true, () -> {
            ResultSet rows = connection.getMetaData().getCatalogs();
            boolean found = false;
            while (rows.next()) {
                found |= rows.getString(1).equals(connection.getCatalog());
            }
            return found;
        });
        check("metadata.version", 9, () -> connection.getMetaData().getDatabaseMajorVersion());
        check("metadata.parameters", 2, () -> connect("useServerPrepStmts", "true")
            .prepareStatement("insert into strict (id, name) values (?, ?)").getParameterMetaData().getParameterCount());
    }

    static void lives(Connection connection) {
        check("life.valid", true, () -> connection.isValid(2));
        check("life.killed", "08S01 false back", () -> {
            Connection victim = connect();
            run(connection, "kill " + value(victim, "select connection_id()"));
            String code = code(() -> value(victim, "select 1")).split(" ")[1];
            return code + " " + victim.isValid(1) + " " + value(connect(), "select 'back'");
        });
        check("life.reset", null, () -> {
            Connection own = connect();
            run(own, "set @kept = 1");
            own.unwrap(com.mysql.cj.jdbc.JdbcConnection.class).resetServerState();
            return value(own, "select @kept");
        });
        check("life.catalog", System.getenv("SHOAL_DATABASE"), () -> {
            Connection own = connect("database", "");
            own.setCatalog(System.getenv("SHOAL_DATABASE"));
            return value(own, "select database()");
        });
    }

    static void options() {
        check("characters.latin1", "é C3A9", () -> {
            Connection own = connect("characterEncoding", "latin1");
            fresh(own, "letters", "id int primary key, name varchar(20)");
            run(own, "insert into letters values (1, 'é')");
            return value(own, "select name from letters where id = 1") + " " + value(own, "select hex(name) from letters where id = 1");
        });
        check("several.rows", "1 2", () -> {
            Statement statement = connect("allowMultiQueries", "true").createStatement();
            statement.execute("select 1; select 2");
            ResultSet first = statement.getResultSet();
            first.next();
            String got = first.getString(1);
            statement.getMoreResults();
            ResultSet second = statement.getResultSet();
            second.next();
            return got + " " + second.getString(1);
        });
        check("option.compressed", "ON", () -> {
            ResultSet rows = connect("useCompression", "true").createStatement().executeQuery("show status like 'Compression'");
            rows.next();
            return rows.getString(2);
        });
        check("option.local_infile", 2, () -> {
            Connection own = connect("allowLoadLocalInfile", "true");
            fresh(own, "loaded", "id int primary key, name varchar(20)");
            Statement statement = own.createStatement();
            ((com.mysql.cj.jdbc.JdbcStatement) statement).setLocalInfileInputStream(
                new java.io.ByteArrayInputStream("1\tone\n2\ttwo\n".getBytes()));
            return statement.executeUpdate("load data local infile 'rows' into table loaded");
        });
        check("option.attributes", "checks", () -> value(connect("connectionAttributes", "chosen:checks"),
            "select attr_value from performance_schema.session_connect_attrs "
                + "where processlist_id = connection_id() and attr_name = 'chosen'"));
        check("option.session_state", true, () -> connect("trackSessionState", "true").isValid(1));
    }
}
