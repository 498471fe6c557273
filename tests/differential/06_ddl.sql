-- Schema changes on all shards at once, and what MySQL says of the schema.
-- @table parts id xxhash
-- @table moved id xxhash
-- @table keyless id xxhash
-- @table coded id xxhash
-- @table worded id xxhash
-- @table paired a xxhash

CREATE TABLE parts (
  id bigint unsigned NOT NULL COMMENT 'which; one',
  `a name` varchar(10) CHARACTER SET latin1 DEFAULT 'x''y',
  weight decimal(6,3) DEFAULT NULL,
  made timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id)
) ENGINE=InnoDB COMMENT='of things';
CREATE TABLE IF NOT EXISTS parts (id int PRIMARY KEY);
SHOW CREATE TABLE parts;
SHOW COLUMNS FROM parts;
SHOW FULL COLUMNS FROM parts LIKE '%name';
DESCRIBE parts;
DESC parts weight;
EXPLAIN parts;
INSERT INTO parts (id, weight, made) VALUES (1, 1.5, '2024-01-01 00:00:00');
INSERT INTO parts (id, weight, made) VALUES (2, 2.5, '2024-01-01 00:00:00');
ALTER TABLE parts ADD COLUMN color varchar(10) NOT NULL DEFAULT 'red' AFTER `a name`, ADD KEY by_color (color);
SELECT id, color, weight FROM parts WHERE id = 1;
SELECT id, color, weight FROM parts WHERE id = 2;
CREATE INDEX by_weight ON parts (weight DESC, color(3));
CREATE INDEX by_weight ON parts (weight);
SHOW INDEX FROM parts WHERE Key_name = 'by_weight' AND Seq_in_index > 2;
-- Each shard copies its own rows, and the answer counts them together.
ALTER TABLE parts MODIFY color enum('red', 'blue') NOT NULL, ALGORITHM=COPY;
UPDATE parts SET color = 'blue' WHERE id = 2;
ALTER TABLE parts ALTER COLUMN weight SET DEFAULT 1;
ALTER TABLE parts DROP INDEX by_color, COMMENT 'changed';
DROP INDEX by_weight ON parts;
SHOW CREATE TABLE parts;
SELECT id, color, weight FROM parts WHERE id = 2;
ALTER TABLE parts DROP COLUMN `a name`;
INSERT INTO parts (id, weight) VALUES (3, DEFAULT);
SELECT id, color, weight FROM parts WHERE id = 3;
TRUNCATE TABLE parts;
SELECT * FROM parts WHERE id = 1;
SELECT * FROM parts WHERE id = 2;
TRUNCATE parts;

CREATE TABLE moved LIKE parts;
SHOW CREATE TABLE moved;
DROP TABLE moved;
DROP TABLE IF EXISTS moved;
SHOW CREATE TABLE moved;

-- A table without a key gets an invisible one, which nobody sees.
CREATE TABLE keyless (id int, v varchar(10));
INSERT INTO keyless (id, v) VALUES (1, 'a'), (1, 'a'), (1, 'b');
-- MySQL tells the invisible key as the insert id, and each shard counts its own.
-- @known LastInsertId
INSERT INTO keyless (id, v) VALUES (31, 'c');
SELECT * FROM keyless WHERE id = 31;
SELECT * FROM keyless WHERE id = 1;
SHOW CREATE TABLE keyless;
SHOW COLUMNS FROM keyless;
SELECT v, COUNT(*) FROM keyless WHERE id = 1 GROUP BY v ORDER BY v;

-- Several columns in the key.
CREATE TABLE paired (a int NOT NULL, b int NOT NULL, c int, PRIMARY KEY (b, a), UNIQUE KEY by_c (c, a));
INSERT INTO paired VALUES (1, 1, 1), (1, 2, 2);
INSERT INTO paired VALUES (1, 3, 2);
SELECT * FROM paired WHERE a = 1 ORDER BY b;

SHOW TABLES;
SHOW TABLES LIKE 'par%';
SHOW FULL TABLES LIKE 'parts';

-- What several shards cannot keep true together.
-- @refused SH2008
CREATE TABLE coded (id bigint NOT NULL, code int NOT NULL, PRIMARY KEY (id, code), UNIQUE KEY by_code (code));
-- @refused SH2008
CREATE TABLE coded (id bigint NOT NULL, code int NOT NULL PRIMARY KEY);
-- @refused SH2008
ALTER TABLE parts ADD UNIQUE KEY by_weight (weight);
-- @refused SH2008
CREATE UNIQUE INDEX by_weight ON parts (weight);

-- What a change warns of is listed.
CREATE TABLE IF NOT EXISTS parts (id bigint PRIMARY KEY);
SHOW WARNINGS;
DROP TABLE IF EXISTS nowhere;
SHOW WARNINGS;
CREATE TABLE parts (id bigint PRIMARY KEY);
SHOW WARNINGS;
SHOW ERRORS;

-- What leaves the sharding column as it is, and every unique key with it.
ALTER TABLE parts RENAME COLUMN weight TO mass;
ALTER TABLE parts ADD COLUMN first int AFTER id, CHANGE mass weight bigint;
ALTER TABLE parts ADD UNIQUE KEY by_weight (weight, id), ADD INDEX plain (weight);
SHOW CREATE TABLE parts;
ALTER TABLE parts RENAME INDEX plain TO by_mass;
ALTER TABLE parts DROP INDEX by_weight, DROP INDEX by_mass, DROP COLUMN first;
ALTER TABLE parts CONVERT TO CHARACTER SET utf8mb4;
ALTER TABLE parts DROP PRIMARY KEY, ADD PRIMARY KEY (id, weight);
ALTER TABLE parts DROP PRIMARY KEY, ADD PRIMARY KEY (id);
-- Another column would come under the name of the sharding column, or that would move with another one.
-- @refused SH2051
ALTER TABLE paired RENAME COLUMN a TO b, RENAME COLUMN b TO a;
-- @refused SH2051
ALTER TABLE parts CHANGE id old_id bigint unsigned NOT NULL, CHANGE weight id bigint unsigned NOT NULL;
-- @refused SH2051
ALTER TABLE paired DROP PRIMARY KEY, DROP INDEX by_c, DROP COLUMN a, ADD COLUMN a int NOT NULL, ADD PRIMARY KEY (a, b);
-- @refused SH2051
ALTER TABLE paired MODIFY a int GENERATED ALWAYS AS (b + 1) STORED NOT NULL;
-- @refused SH2012
CREATE TABLE computed (n int NOT NULL, id bigint GENERATED ALWAYS AS (n + 1) STORED NOT NULL, PRIMARY KEY (id));
-- The key that MySQL makes is numbered by each shard.
-- @refused SH2008
ALTER TABLE keyless ALTER COLUMN my_row_id SET VISIBLE;

-- Wrong by themselves.
ALTER TABLE parts RENAME COLUMN nothing TO something;
ALTER TABLE parts CHANGE weight id int;
-- @refused SH2051
ALTER TABLE parts MODIFY id varchar(10) NOT NULL;
-- @refused SH2051
ALTER TABLE parts RENAME COLUMN id TO number;
-- @refused SH2008
ALTER TABLE parts DROP PRIMARY KEY, ADD PRIMARY KEY (weight);
-- @refused SH2008
ALTER TABLE parts ADD COLUMN n int AUTO_INCREMENT, ADD UNIQUE KEY (n, id);
RENAME TABLE parts TO pieces;
RENAME TABLE pieces TO parts;
-- @refused SH2012
CREATE TABLE worded (id varchar(20) COLLATE utf8mb4_sv_0900_ai_ci NOT NULL PRIMARY KEY);
