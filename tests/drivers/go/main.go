// go-sql-driver/mysql: text protocol with interpolated parameters, and prepared statements. One line a check,
// `ok NAME` or `FAILED NAME: …`.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

func say(name, failure string) {
	if failure == "" {
		fmt.Println("ok " + name)
		return
	}
	failure = strings.ReplaceAll(failure, "\n", "\\n")
	if len(failure) > 300 {
		failure = failure[:300] + "…"
	}
	fmt.Println("FAILED " + name + ": " + failure)
}

// check holds the call to the value; what goes wrong in it is a failure, and the program goes on.
func check(name string, expected any, call func() (any, error)) {
	defer func() {
		if fault := recover(); fault != nil {
			say(name, fmt.Sprintf("expected %v got panic %v", expected, fault))
		}
	}()
	got, err := call()
	if err != nil {
		say(name, fmt.Sprintf("expected %v got error %v", expected, err))
	} else if !reflect.DeepEqual(got, expected) {
		say(name, fmt.Sprintf("expected %#v got %#v", expected, got))
	} else {
		say(name, "")
	}
}

// server is a pool whose options the caller has changed.
func server(change func(*mysql.Config)) *sql.DB {
	config := mysql.NewConfig()
	config.Net, config.Addr = "tcp", os.Getenv("SHOAL_HOST")+":"+os.Getenv("SHOAL_PORT")
	config.User, config.Passwd, config.DBName = os.Getenv("SHOAL_USER"), os.Getenv("SHOAL_PASSWORD"), os.Getenv("SHOAL_DATABASE")
	config.TLSConfig, config.ParseTime = "verified", true
	if change != nil {
		change(config)
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		panic(err)
	}
	return sql.OpenDB(connector)
}

func one(db querier, query string, arguments ...any) (any, error) {
	var got any
	err := db.QueryRowContext(context.Background(), query, arguments...).Scan(&got)
	if raw, ok := got.([]byte); ok {
		got = string(raw)
	}
	return got, err
}

type querier interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}

func must(db querier, queries ...string) {
	for _, query := range queries {
		if _, err := db.ExecContext(context.Background(), query); err != nil {
			panic(fmt.Sprintf("%s: %v", query, err))
		}
	}
}

// code is the number and the SQLSTATE of an error.
func code(err error) (any, error) {
	var told *mysql.MySQLError
	if errors.As(err, &told) {
		return fmt.Sprintf("%d %s", told.Number, told.SQLState), nil
	}
	if err == nil {
		return nil, errors.New("no error")
	}
	return nil, err
}

func main() {
	ca, err := os.ReadFile(os.Getenv("SHOAL_CA"))
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	mysql.RegisterTLSConfig("verified", &tls.Config{RootCAs: roots, ServerName: os.Getenv("SHOAL_HOST")})

	prepared := server(nil)
	text := server(func(c *mysql.Config) { c.InterpolateParams = true })
	logins()
	kinds("text", text)
	kinds("prepared", prepared)
	large(prepared)
	counts(text)
	transactions(text)
	failures("text", text)
	failures("prepared", prepared)
	rows(prepared)
	metadata(text)
	characters(text)
	lives(text)
	options()
}

func logins() {
	cipher := func(db *sql.DB) (any, error) {
		var name, value string
		err := db.QueryRow("show status like 'Ssl_cipher'").Scan(&name, &value)
		return value != "", err
	}
	check("login.tls", true, func() (any, error) { return cipher(server(nil)) })
	off := func(c *mysql.Config) { c.TLSConfig = "false" }
	check("login.plain", false, func() (any, error) { return cipher(server(off)) })
	check("login.skip_verify", "1", func() (any, error) {
		return one(server(func(c *mysql.Config) { c.TLSConfig = "skip-verify"; c.InterpolateParams = true }), "select '1'")
	})
	check("login.no_database", nil, func() (any, error) {
		return one(server(func(c *mysql.Config) { c.DBName = "" }), "select database()")
	})
	check("login.wrong_password", "1045 28000", func() (any, error) {
		return code(server(func(c *mysql.Config) { c.Passwd = "wrong" }).Ping())
	})
	check("login.unknown_database", "1049 42000", func() (any, error) {
		return code(server(func(c *mysql.Config) { c.DBName = "nowhere" }).Ping())
	})
}

func kinds(protocol string, db *sql.DB) {
	moment := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
	table := []struct {
		name, kind string
		written    any
		read       any
	}{
		{"tiny", "tinyint", -128, int64(-128)},
		{"tiny_unsigned", "tinyint unsigned", 255, int64(255)},
		{"small", "smallint", -32768, int64(-32768)},
		{"medium_unsigned", "mediumint unsigned", 16777215, int64(16777215)},
		{"int_unsigned", "int unsigned", uint32(4294967295), int64(4294967295)},
		{"big", "bigint", int64(-9223372036854775808), int64(-9223372036854775808)},
		{"big_unsigned", "bigint unsigned", uint64(18446744073709551615), uint64(18446744073709551615)},
		{"decimals", "decimal(40,10)", "-123456789012345678901234567890.0123456789", []byte("-123456789012345678901234567890.0123456789")},
		{"single", "float", 1.5, float32(1.5)},
		{"twice", "double", 0.1, 0.1},
		{"bits", "bit(10)", []byte{2, 1}, []byte{2, 1}},
		{"day", "date", "2024-02-29", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},
		{"moment", "datetime(6)", moment, moment},
		{"stamp", "timestamp(6)", moment, moment},
		{"span", "time(6)", "-838:59:58.999999", []byte("-838:59:58.999999")},
		{"in_year", "year", 2155, int64(2155)},
		{"fixed", "char(6)", "Größe", []byte("Größe")},
		{"four_bytes", "varchar(20)", "𝕊hoal 😀 'q\" \\", []byte("𝕊hoal 😀 'q\" \\")},
		{"fixed_bytes", "binary(4)", []byte("\x00\xff'\\"), []byte("\x00\xff'\\")},
		{"lob", "blob", []byte("\x00\x1a\n\r\\'\"\xff"), []byte("\x00\x1a\n\r\\'\"\xff")},
		{"long_text", "mediumtext", strings.Repeat("ünï", 30000), []byte(strings.Repeat("ünï", 30000))},
		{"choice", "enum('first','ß')", "ß", []byte("ß")},
		{"choices", "set('x','y','z')", "x,z", []byte("x,z")},
		{"document", "json", `{"a": [1, null, "é😀"]}`, []byte(`{"a": [1, null, "é😀"]}`)},
		{"nothing", "int", nil, nil},
		{"truth", "tinyint(1)", true, int64(1)},
		{"zero_moment", "datetime", "0000-00-00 00:00:00", time.Time{}},
	}
	columns := []string{}
	for _, column := range table {
		columns = append(columns, column.name+" "+column.kind)
	}
	connection, err := db.Conn(context.Background())
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	must(connection, "set sql_mode = 'STRICT_ALL_TABLES'", "drop table if exists kinds",
		"create table kinds (id int primary key, place geometry, "+strings.Join(columns, ", ")+")")
	for number, column := range table {
		if protocol == "prepared" && column.name == "big_unsigned" {
			// What no int64 holds it gives as text there.
			column.read = []byte("18446744073709551615")
		}
		check(protocol+"."+column.name, column.read, func() (any, error) {
			_, err := connection.ExecContext(context.Background(),
				"insert into kinds (id, "+column.name+") values (?, ?)", number, column.written)
			if err != nil {
				return nil, err
			}
			var got any
			err = connection.QueryRowContext(context.Background(),
				"select "+column.name+" from kinds where id = ?", number).Scan(&got)
			return got, err
		})
	}
	check(protocol+".all_rows", len(table), func() (any, error) { return counted(connection, "select id from kinds") })
	must(connection, "set sql_mode = default")
}

func counted(db querier, query string, arguments ...any) (any, error) {
	rows, err := db.QueryContext(context.Background(), query, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	count := 0
	for rows.Next() {
		count++
	}
	return count, rows.Err()
}

func large(db *sql.DB) {
	content := bytes.Repeat([]byte("0123456789abcde\xff"), 20<<16)
	must(db, "drop table if exists large", "create table large (id int primary key, b longblob)")
	check("large.blob", true, func() (any, error) {
		if _, err := db.Exec("insert into large values (?, ?)", 1, content); err != nil {
			return nil, err
		}
		var got []byte
		err := db.QueryRow("select b from large where id = ?", 1).Scan(&got)
		return bytes.Equal(got, content), err
	})
	digest := fmt.Sprintf("%x", sha256.Sum256(content))
	check("large.digest", digest, func() (any, error) { return one(db, "select sha2(b, 256) from large where id = 1") })
}

func counts(db *sql.DB) {
	must(db, "drop table if exists counts", "create table counts (id bigint auto_increment primary key, note varchar(20), n int)")
	affected := func(query string, arguments ...any) func() (any, error) {
		return func() (any, error) {
			result, err := db.Exec(query, arguments...)
			if err != nil {
				return nil, err
			}
			count, err := result.RowsAffected()
			return int(count), err
		}
	}
	check("counts.insert", 3, affected("insert into counts values (101, 'a', 1), (102, 'b', 2), (103, 'c', 3)"))
	check("counts.update", 3, affected("update counts set n = ?", 7))
	check("counts.unchanged", 0, affected("update counts set n = 7"))
	check("counts.found_rows", 3, func() (any, error) {
		result, err := server(func(c *mysql.Config) { c.ClientFoundRows = true }).Exec("update counts set n = 7")
		if err != nil {
			return nil, err
		}
		count, err := result.RowsAffected()
		return int(count), err
	})
	check("counts.on_duplicate", 2, affected("insert into counts values (101, 'a', 1) on duplicate key update n = 8"))
	check("counts.delete", 1, affected("delete from counts where id = ?", 102))
	last := func(query string) (any, error) {
		result, err := db.Exec(query)
		if err != nil {
			return nil, err
		}
		return result.LastInsertId()
	}
	check("last_id.given", int64(500), func() (any, error) { return last("insert into counts values (500, 'g', 0)") })
	check("last_id.numbered", true, func() (any, error) {
		id, err := last("insert into counts (note) values ('numbered')")
		if err != nil {
			return nil, err
		}
		read, err := one(db, "select id from counts where note = 'numbered'")
		return read == id, err
	})
}

func transactions(db *sql.DB) {
	must(db, "drop table if exists moved", "create table moved (id int primary key, n int)", "insert into moved values (1, 0)")
	n := func() (any, error) { return one(db, "select n from moved where id = 1") }
	begin := func(level sql.IsolationLevel) *sql.Tx {
		tx, err := db.BeginTx(context.Background(), &sql.TxOptions{Isolation: level})
		if err != nil {
			panic(err)
		}
		return tx
	}
	check("transaction.commit", int64(1), func() (any, error) {
		tx := begin(sql.LevelDefault)
		must(tx, "update moved set n = n + 1 where id = 1")
		if err := tx.Commit(); err != nil {
			return nil, err
		}
		return n()
	})
	check("transaction.rollback", int64(1), func() (any, error) {
		tx := begin(sql.LevelDefault)
		must(tx, "update moved set n = n + 1 where id = 1")
		if err := tx.Rollback(); err != nil {
			return nil, err
		}
		return n()
	})
	check("transaction.error_within", int64(11), func() (any, error) {
		tx := begin(sql.LevelReadCommitted)
		must(tx, "update moved set n = 10 where id = 1")
		if told, err := code(second(tx.Exec("insert into moved values (1, 0)"))); told != "1062 23000" {
			return told, err
		}
		must(tx, "update moved set n = n + 1 where id = 1")
		if err := tx.Commit(); err != nil {
			return nil, err
		}
		return n()
	})
	check("transaction.read_only", "1792 25006", func() (any, error) {
		tx, err := db.BeginTx(context.Background(), &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return nil, err
		}
		defer tx.Rollback()
		return code(second(tx.Exec("update moved set n = 12 where id = 1")))
	})
	check("transaction.prepared", int64(13), func() (any, error) {
		tx := begin(sql.LevelSerializable)
		statement, err := tx.Prepare("update moved set n = ? where id = ?")
		if err != nil {
			return nil, err
		}
		if _, err := statement.Exec(13, 1); err != nil {
			return nil, err
		}
		if err := tx.Commit(); err != nil {
			return nil, err
		}
		return n()
	})
}

func second[T any](_ T, err error) error { return err }

func failures(protocol string, db *sql.DB) {
	must(db, "drop table if exists strict", "create table strict (id int primary key, name varchar(3) not null, n tinyint)",
		"insert into strict values (1, 'a', 1)")
	for _, failure := range []struct {
		name, expected, query string
		arguments             []any
	}{
		{"duplicate", "1062 23000", "insert into strict values (?, 'a', 1)", []any{1}},
		{"no_table", "1146 42S02", "select * from missing where id = ?", []any{1}},
		{"syntax", "1064 42000", "selec ?", []any{1}},
		{"null", "1048 23000", "insert into strict values (2, ?, 1)", []any{nil}},
		{"too_long", "1406 22001", "insert into strict values (2, ?, 1)", []any{"long"}},
		{"no_column", "1054 42S22", "select nothing from strict where id = ?", []any{1}},
		{"out_of_range", "1264 22003", "insert into strict values (2, 'a', ?)", []any{1000}},
		{"not_a_number", "1366 HY000", "insert into strict values (2, 'a', ?)", []any{"word"}},
		{"column_count", "1136 21S01", "insert into strict values (?, 'a')", []any{2}},
	} {
		check(protocol+".error."+failure.name, failure.expected, func() (any, error) {
			return code(second(db.Exec(failure.query, failure.arguments...)))
		})
	}
}

func rows(db *sql.DB) {
	must(db, "drop table if exists rows_", "create table rows_ (id int primary key, pad varchar(200))")
	check("rows.streamed", 1000, func() (any, error) {
		statement, err := db.Prepare("insert into rows_ values (?, ?)")
		if err != nil {
			return nil, err
		}
		defer statement.Close()
		for number := range 1000 {
			if _, err := statement.Exec(number, strings.Repeat("p", 200)); err != nil {
				return nil, err
			}
		}
		return counted(db, "select id, pad from rows_")
	})
	check("rows.abandoned", "after", func() (any, error) {
		found, err := db.Query("select id, pad from rows_")
		if err != nil {
			return nil, err
		}
		found.Next()
		found.Close()
		return one(db, "select 'after'")
	})
	check("rows.cancelled", true, func() (any, error) {
		limited, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		var got any
		err := db.QueryRowContext(limited, "select sleep(3)").Scan(&got)
		return errors.Is(err, context.DeadlineExceeded), nil
	})
}

func metadata(db *sql.DB) {
	found, err := db.Query("select id, name as called, n from strict where id = 1")
	if err != nil {
		say("metadata.types", err.Error())
		return
	}
	defer found.Close()
	types, _ := found.ColumnTypes()
	told := []string{}
	for _, column := range types {
		nullable, _ := column.Nullable()
		told = append(told, fmt.Sprintf("%s %s %v %v", column.Name(), column.DatabaseTypeName(), nullable, column.ScanType()))
	}
	check("metadata.types", []string{"id INT false int32", "called VARCHAR false string", "n TINYINT true sql.NullInt64"}, func() (any, error) { return told, nil })
}

func characters(db *sql.DB) {
	must(db, "drop table if exists letters", "create table letters (id int primary key, name varchar(20))")
	check("characters.latin1", "C3A9", func() (any, error) {
		latin := server(func(c *mysql.Config) {
			c.Apply(mysql.Charset("latin1", "latin1_swedish_ci"))
			c.InterpolateParams = true
		})
		if _, err := latin.Exec("insert into letters values (1, '\xe9')"); err != nil {
			return nil, err
		}
		return one(db, "select hex(name) from letters where id = 1")
	})
	check("characters.collation", "utf8mb4_bin", func() (any, error) {
		return one(server(func(c *mysql.Config) { c.Collation = "utf8mb4_bin" }), "select @@collation_connection")
	})
}

func lives(db *sql.DB) {
	check("life.killed", "back", func() (any, error) {
		victim := server(nil)
		victim.SetMaxOpenConns(1)
		number, err := one(victim, "select connection_id()")
		if err != nil {
			return nil, err
		}
		must(db, fmt.Sprintf("kill %v", number))
		// The pool looks whether an idle connection is closed, and makes another one.
		return one(victim, "select 'back'")
	})
	check("life.settings", "+03:00", func() (any, error) {
		return one(server(func(c *mysql.Config) { c.Params = map[string]string{"time_zone": "'+03:00'"} }), "select @@time_zone")
	})
	check("life.ping", nil, func() (any, error) { return nil, db.Ping() })
}

func options() {
	check("several.rows", []int{1, 2}, func() (any, error) {
		found, err := server(func(c *mysql.Config) { c.MultiStatements = true }).Query("select 1; select 2")
		if err != nil {
			return nil, err
		}
		defer found.Close()
		got := []int{}
		for more := true; more; more = found.NextResultSet() {
			for found.Next() {
				var number int
				found.Scan(&number)
				got = append(got, number)
			}
		}
		return got, found.Err()
	})
	check("option.compressed", "ON", func() (any, error) {
		db := server(func(c *mysql.Config) { c.Apply(mysql.EnableCompression(true)) })
		var name, value string
		err := db.QueryRow("show status like 'Compression'").Scan(&name, &value)
		return value, err
	})
	check("option.local_infile", int64(2), func() (any, error) {
		mysql.RegisterReaderHandler("rows", func() io.Reader { return strings.NewReader("1\tone\n2\ttwo\n") })
		db := server(nil)
		must(db, "drop table if exists loaded", "create table loaded (id int primary key, name varchar(20))")
		result, err := db.Exec("load data local infile 'Reader::rows' into table loaded")
		if err != nil {
			return nil, err
		}
		return result.RowsAffected()
	})
	check("option.attributes", "checks", func() (any, error) {
		db := server(func(c *mysql.Config) { c.ConnectionAttributes = "chosen:checks" })
		return one(db, "select attr_value from performance_schema.session_connect_attrs "+
			"where processlist_id = connection_id() and attr_name = 'chosen'")
	})
}
