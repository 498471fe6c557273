-- Columns that take numbers by themselves: the numbers, the insert ids, LAST_INSERT_ID(), and rows for several shards
-- in one statement.
-- @table counted id xxhash
-- @table events owner xxhash
-- @table tiny id xxhash
-- @table tiny_unsigned id xxhash
-- @table short_of_numbers id xxhash
-- @table large id xxhash
-- @table larger id xxhash
-- @table children parent xxhash
-- @table counted_rows id xxhash

-- The numbered column is the sharding column.
CREATE TABLE counted (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, u int, v varchar(20) DEFAULT 'x');
INSERT INTO counted (u) VALUES (1);
SELECT LAST_INSERT_ID();
SELECT * FROM counted WHERE id = LAST_INSERT_ID();
INSERT INTO counted (u) VALUES (2), (3);
SELECT LAST_INSERT_ID(), last_insert_id() + 1, LAST_INSERT_ID() AS named;
INSERT INTO counted VALUES (50, 4, 'explicit');
SELECT LAST_INSERT_ID();
INSERT INTO counted (u) VALUES (5);
INSERT INTO counted VALUES (NULL, 6, 'mixed'), (100, 7, 'mixed'), (0, 8, 'mixed'), (DEFAULT, 9, 'mixed');
SELECT LAST_INSERT_ID();
SELECT * FROM counted WHERE id = 52;
SELECT * FROM counted WHERE id = 100;
SELECT * FROM counted WHERE id = 101;
SELECT * FROM counted WHERE id = 102;
INSERT INTO counted (u) VALUES (10);
INSERT INTO counted (id, u) VALUES (200, 11), (150, 12);
SELECT LAST_INSERT_ID();
INSERT INTO counted (u) VALUES (13);
INSERT INTO counted (id, u) VALUES (-5, 14);
SELECT * FROM counted WHERE id = -5;
INSERT INTO counted (u) VALUES (15);
INSERT INTO counted (id, u) VALUES (-0, 16);
INSERT INTO counted (id, u) VALUES ('0', 17), ('500', 18);
INSERT INTO counted (u) VALUES (19);
INSERT INTO counted SET u = 20;
INSERT INTO counted SET id = DEFAULT, u = 21;
INSERT INTO counted SET u = 22, `id` = NULL;
INSERT INTO counted SET id = 700, u = 23;
INSERT INTO counted () VALUES ();
INSERT INTO counted VALUES ();
INSERT INTO counted VALUES (), (), ();
SELECT LAST_INSERT_ID();
INSERT INTO counted VALUES ROW(NULL, 24, 'row'), ROW(NULL, 25, 'row');
insert into counted (u, v) value (26, ')'), /* ( */ (27, 'it''s, (') -- the end
;
INSERT LOW_PRIORITY INTO {db}.counted (`u`) VALUES (28);
INSERT INTO counted (u, v) VALUES (29, LAST_INSERT_ID()), (30, LAST_INSERT_ID());
SELECT u, v FROM counted WHERE id = LAST_INSERT_ID();
UPDATE counted SET v = 'again' WHERE id = LAST_INSERT_ID();
DELETE FROM counted WHERE id = LAST_INSERT_ID();
SELECT LAST_INSERT_ID();

-- Rows whose keys are there.
INSERT INTO counted (id, u) VALUES (50, 31);
SELECT LAST_INSERT_ID();
INSERT IGNORE INTO counted (id, u) VALUES (50, 32);
INSERT IGNORE INTO counted (id, u) VALUES (1000, 33), (1, 34);
INSERT IGNORE INTO counted (u) VALUES (35);
INSERT IGNORE INTO counted (u) VALUES (36), (37);
SELECT LAST_INSERT_ID();
INSERT IGNORE INTO counted (id, u) VALUES (NULL, 38), (1, 39), (NULL, 40);
SELECT LAST_INSERT_ID();
REPLACE INTO counted (u) VALUES (41);
REPLACE INTO counted (u, v) VALUES (42, 'a'), (43, 'b');
SELECT LAST_INSERT_ID();
REPLACE INTO counted (id, u) VALUES (50, 44);
REPLACE INTO counted (id, u) VALUES (50, 45), (51, 46), (2000, 47);
SELECT LAST_INSERT_ID();
INSERT INTO counted (id, u) VALUES (50, 48) ON DUPLICATE KEY UPDATE u = u + 100;
INSERT INTO counted (id, u) VALUES (3000, 49) ON DUPLICATE KEY UPDATE u = u + 100;
INSERT INTO counted (u) VALUES (50) ON DUPLICATE KEY UPDATE u = u + 100;
SELECT LAST_INSERT_ID();
INSERT INTO counted (id, u) VALUES (50, 51), (NULL, 52), (51, 53) AS new ON DUPLICATE KEY UPDATE u = new.u + 100;
SELECT LAST_INSERT_ID();
SELECT * FROM counted WHERE id = 50;
SELECT * FROM counted WHERE id = 51;

-- What is wrong is told as MySQL tells it.
INSERT INTO counted (u) VALUES (1, 2);
INSERT INTO counted (u, v) VALUES (1, 'a'), (2);
INSERT INTO counted (nothing) VALUES (1);
INSERT INTO counted (u, u) VALUES (1, 2);
SELECT LAST_INSERT_ID();

-- Numbers begin anew where a schema change says so.
TRUNCATE TABLE counted;
INSERT INTO counted (u) VALUES (1), (2);
ALTER TABLE counted AUTO_INCREMENT = 500;
INSERT INTO counted (u) VALUES (3);
ALTER TABLE counted AUTO_INCREMENT = 10;
INSERT INTO counted (u) VALUES (4);
ALTER TABLE counted ADD COLUMN w int;
INSERT INTO counted (u) VALUES (5);
DROP TABLE counted;
CREATE TABLE counted (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, u int) AUTO_INCREMENT = 77;
INSERT INTO counted (u) VALUES (1), (2);

-- The numbered column is not the sharding column.
CREATE TABLE events (owner int NOT NULL, number int NOT NULL AUTO_INCREMENT, body varchar(20), PRIMARY KEY (owner, number), KEY by_number (number));
INSERT INTO events (owner, body) VALUES (1, 'a');
INSERT INTO events (owner, body) VALUES (1, 'b'), (2, 'c'), (3, 'd'), (4, 'e');
SELECT LAST_INSERT_ID();
INSERT INTO events VALUES (1, 50, 'f'), (2, NULL, 'g'), (3, 0, 'h');
INSERT INTO events (owner, number, body) VALUES (1, 2, 'i');
INSERT INTO events (owner, number, body) VALUES (1, 3000000000, 'j');
INSERT INTO events (owner, body) VALUES (9, 'k') ON DUPLICATE KEY UPDATE body = 'l';
INSERT INTO events SET owner = 8;
REPLACE INTO events SET owner = 8, number = 57;
SELECT * FROM events WHERE owner = 1 ORDER BY number;
SELECT * FROM events WHERE owner = 2 ORDER BY number;
SELECT * FROM events WHERE owner = 3 ORDER BY number;
SELECT * FROM events WHERE owner = 8 ORDER BY number;

-- The number of one table is the key of another.
CREATE TABLE children (parent bigint NOT NULL, name varchar(20) NOT NULL, PRIMARY KEY (parent, name));
INSERT INTO counted (u) VALUES (9);
INSERT INTO children VALUES (LAST_INSERT_ID(), 'Ann'), (LAST_INSERT_ID(), 'Bob');
SELECT name FROM children WHERE parent = LAST_INSERT_ID() ORDER BY name;

-- Where the numbers of a type end.
CREATE TABLE tiny (id tinyint NOT NULL AUTO_INCREMENT PRIMARY KEY, v int);
INSERT INTO tiny VALUES (126, 1);
INSERT INTO tiny (v) VALUES (2);
INSERT INTO tiny (v) VALUES (3);
INSERT INTO tiny (v) VALUES (3), (4);
INSERT INTO tiny VALUES (128, 1);
INSERT INTO tiny VALUES (-129, 1);
SELECT LAST_INSERT_ID();
CREATE TABLE tiny_unsigned (id tinyint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, v int);
INSERT INTO tiny_unsigned VALUES (253, 1);
INSERT INTO tiny_unsigned (v) VALUES (2), (3);
INSERT INTO tiny_unsigned (v) VALUES (4);
INSERT INTO tiny_unsigned VALUES (-1, 1);
CREATE TABLE short_of_numbers (id tinyint NOT NULL AUTO_INCREMENT PRIMARY KEY, v int);
INSERT INTO short_of_numbers VALUES (125, 1);
INSERT INTO short_of_numbers (v) VALUES (2), (3), (4);
INSERT INTO short_of_numbers (v) VALUES (2);
CREATE TABLE large (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, v int);
INSERT INTO large VALUES (9223372036854775806, 1);
INSERT INTO large (v) VALUES (2);
INSERT INTO large (v) VALUES (3);
CREATE TABLE larger (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, v int);
INSERT INTO larger VALUES (18446744073709551613, 1);
INSERT INTO larger (v) VALUES (2);
INSERT INTO larger (v) VALUES (3);
INSERT INTO larger VALUES (18446744073709551615, 1);
SELECT * FROM larger WHERE id = 18446744073709551614;

-- What the text does not tell.
-- @refused SH2020
INSERT INTO counted (id, u) VALUES (10 + 1000, 1);
-- @refused SH2020
INSERT INTO counted (id, u) VALUES (0.4, 1);
-- @refused SH2007
INSERT INTO counted (u) VALUES (1) ON DUPLICATE KEY UPDATE id = 5;

-- Rows are counted as the client wrote them, whichever shards they go to.
CREATE TABLE counted_rows (id bigint NOT NULL PRIMARY KEY, v varchar(5), n tinyint);
INSERT INTO counted_rows VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'much too long', 4), (5, 'e', 5);
INSERT INTO counted_rows VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'd', 4), (5, 'e', 5), (6, 'f', 1000);
INSERT IGNORE INTO counted_rows VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'much too long', 4), (5, 'e', 5), (6, 'f', 6);
SHOW WARNINGS;
INSERT IGNORE INTO counted_rows VALUES (10, 'a', 1), (12, 'b', 2), (13, 'c', 3), (14, 'd', 4), (15, 'e', 'x'), (16, 'f', 6), (17, 'g', 7);
SHOW WARNINGS;
INSERT INTO counted_rows VALUES (21, 'a', 1), (22, 'b', 2), (23, 'c'), (24, 'd', 4);
