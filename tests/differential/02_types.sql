-- Every column type: how its values and its definition arrive.
-- @table integers id hash
-- @table numbers id hash
-- @table times id hash
-- @table texts id hash
-- @table others id hash

CREATE TABLE integers (
  id int NOT NULL PRIMARY KEY,
  t tinyint, tu tinyint unsigned, b bool, s smallint, su smallint unsigned,
  m mediumint, mu mediumint unsigned, i int, iu int unsigned, g bigint, gu bigint unsigned,
  z int(8) zerofill, bits bit(9)
);
INSERT INTO integers VALUES (1, -128, 255, true, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615, 42, b'101010101');
INSERT INTO integers (id) VALUES (2);
SELECT * FROM integers WHERE id = 1;
SELECT * FROM integers WHERE id = 2;
SELECT t + 1, tu * 2, gu, g, z, bits + 0, HEX(bits) FROM integers WHERE id = 1;
SELECT SUM(t), AVG(i), MIN(g), MAX(gu), BIT_OR(su), COUNT(b) FROM integers WHERE id = 1;
SELECT gu + 1 FROM integers WHERE id = 1;
SELECT t / 0, t % 7, MOD(t, 7), -t FROM integers WHERE id = 1;
-- @refused SH2004
SELECT t DIV 7, t MOD 7 FROM integers WHERE id = 1;
INSERT INTO integers (id, t) VALUES (3, 128);
INSERT INTO integers (id, tu) VALUES (3, -1);
INSERT INTO integers (id, i) VALUES (3, 'seven');
INSERT IGNORE INTO integers (id, t) VALUES (3, 1000);
SELECT t FROM integers WHERE id = 3;

CREATE TABLE numbers (
  id int NOT NULL PRIMARY KEY,
  d decimal(20,6), du decimal(65,30), f float, r double, d0 decimal(5,0), n numeric(3,3)
);
INSERT INTO numbers VALUES (1, 1234.5678, 0.000000000000000000000000000001, 1.5, 2.2250738585072014e-308, 99999, 0.999);
INSERT INTO numbers VALUES (2, -0.0, NULL, -3.4e38, 1.7976931348623157e308, -1, -.5);
SELECT * FROM numbers WHERE id = 1;
SELECT * FROM numbers WHERE id = 2;
SELECT d * 3, f / 3, r * 10, ROUND(d, 1), FLOOR(d), CAST(d AS double), FORMAT(d, 2) FROM numbers WHERE id = 1;
INSERT INTO numbers (id, d0) VALUES (3, 123456);
INSERT INTO numbers (id, f) VALUES (4, 0.1e0);
SELECT f, f = 0.1, f + 0e0 FROM numbers WHERE id = 4;

CREATE TABLE times (
  id int NOT NULL PRIMARY KEY,
  d date, t time, t6 time(6), dt datetime, dt6 datetime(6), ts timestamp NULL, ts3 timestamp(3) NULL, y year
);
INSERT INTO times VALUES (1, '2024-02-29', '-838:59:59', '12:34:56.789012', '9999-12-31 23:59:59', '1000-01-01 00:00:00.000001', '2038-01-19 03:14:07', '1970-01-01 00:00:01.5', 2155);
INSERT INTO times (id) VALUES (2);
INSERT INTO times (id, d, dt) VALUES (3, DATE'2020-01-01', TIMESTAMP'2020-01-01 10:11:12');
SELECT * FROM times WHERE id = 1;
SELECT * FROM times WHERE id = 2;
SELECT d + INTERVAL 1 DAY, DATE_FORMAT(dt, '%W %d'), YEAR(d), UNIX_TIMESTAMP(ts), TIMEDIFF(t6, '01:00:00'), DATEDIFF(dt, d) FROM times WHERE id = 1;
SELECT d < '2021-01-01', dt = '2020-01-01 10:11:12' FROM times WHERE id = 3;
INSERT INTO times (id, d) VALUES (4, '2023-02-30');
INSERT INTO times (id, d) VALUES (4, '0000-00-00');

CREATE TABLE texts (
  id int NOT NULL PRIMARY KEY,
  c char(10), v varchar(20), tt tinytext, t text, mt mediumtext, lt longtext,
  cb char(5) CHARACTER SET latin1 COLLATE latin1_swedish_ci,
  vb varchar(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  bi binary(4), vbi varbinary(8), tb tinyblob, bl blob, mb mediumblob, lb longblob
);
INSERT INTO texts VALUES (1, 'abc  ', 'abc  ', 'tiny', 'text', 'medium', 'long', 'ä', 'Ab', 'ab', 'ab', x'00ff', _binary'\0\n', 'mb', 'lb');
INSERT INTO texts (id, v, bl) VALUES (2, '', '');
INSERT INTO texts (id) VALUES (3);
SELECT * FROM texts WHERE id = 1;
SELECT * FROM texts WHERE id = 2;
SELECT * FROM texts WHERE id = 3;
SELECT LENGTH(c), CHAR_LENGTH(cb), LENGTH(cb), HEX(bi), HEX(tb), v = 'ABC', vb = 'ab', CONCAT(c, '|', v, '|') FROM texts WHERE id = 1;
SELECT COLLATION(cb), CHARSET(bi), COERCIBILITY(v), v COLLATE utf8mb4_bin FROM texts WHERE id = 1;
INSERT INTO texts (id, v) VALUES (4, 'longer than twenty characters');
INSERT INTO texts (id, cb) VALUES (4, '日本');

CREATE TABLE others (
  id int NOT NULL PRIMARY KEY,
  e enum('small', 'large', 'Grün'), s set('a', 'b', 'c'), j json, p point, g geometry,
  doubled int GENERATED ALWAYS AS (id * 2) VIRTUAL,
  kept varchar(20) GENERATED ALWAYS AS (CONCAT('id ', id)) STORED,
  hidden int INVISIBLE DEFAULT 7,
  u varbinary(16) DEFAULT (x'00'),
  CHECK (id <> 99)
);
INSERT INTO others (id, e, s, j, p) VALUES (1, 'small', 'a,c', '{"b": [1, 2.50, "drei", null], "a": {"x": true}}', POINT(1, 2));
INSERT INTO others (id, e, s, j) VALUES (2, 2, 3, '[]');
INSERT INTO others (id, j) VALUES (3, NULL);
SELECT * FROM others WHERE id = 1;
SELECT *, hidden FROM others WHERE id = 2;
SELECT e + 0, s + 0, ST_AsText(p), doubled, kept FROM others WHERE id = 1;
SELECT j->'$.b[1]', j->>'$.b[2]', JSON_LENGTH(j, '$.b'), JSON_TYPE(j), j->'$.nothing' FROM others WHERE id = 1;
SELECT JSON_OBJECT('id', id, 'j', j), JSON_ARRAY(e, s), JSON_SET(j, '$.a.y', 5) FROM others WHERE id = 1;
-- @refused SH2016
SELECT jt.* FROM others, JSON_TABLE(j, '$.b[*]' COLUMNS (n FOR ORDINALITY, v varchar(10) PATH '$')) AS jt WHERE id = 1 ORDER BY n;
UPDATE others SET j = JSON_REMOVE(j, '$.a') WHERE id = 1;
SELECT j FROM others WHERE id = 1;
INSERT INTO others (id, e) VALUES (4, 'medium');
INSERT INTO others (id, j) VALUES (4, '{broken');
INSERT INTO others (id, doubled) VALUES (4, 8);
INSERT INTO others (id) VALUES (99);
