-- What a schema may hold, and how it changes, in keyspaces of every kind.
-- @table bills customer_id xxhash
-- @table payers id xxhash
-- @table archived customer_id xxhash
-- @table rich id xxhash
-- @table named id2 xxhash
-- @table sections id xxhash

-- Foreign keys that each shard keeps by itself: sharding column to sharding column.
CREATE TABLE payers (id bigint NOT NULL, name varchar(20), PRIMARY KEY (id));
CREATE TABLE bills (customer_id bigint NOT NULL, id int NOT NULL, total int, PRIMARY KEY (customer_id, id), CONSTRAINT of_customer FOREIGN KEY (customer_id) REFERENCES payers (id) ON DELETE CASCADE);
INSERT INTO payers VALUES (1, 'Ann');
INSERT INTO payers VALUES (2, 'Bob');
INSERT INTO bills VALUES (1, 1, 10);
INSERT INTO bills VALUES (2, 1, 20);
INSERT INTO bills VALUES (3, 1, 30);
DELETE FROM payers WHERE id = 1;
SELECT * FROM bills WHERE customer_id = 1;
SELECT * FROM bills WHERE customer_id = 2;
DROP TABLE payers;
SHOW CREATE TABLE bills;
ALTER TABLE bills DROP FOREIGN KEY of_customer;
ALTER TABLE bills ADD CONSTRAINT again FOREIGN KEY (customer_id) REFERENCES payers (id);
INSERT INTO bills VALUES (77, 1, 1);
DELETE FROM payers WHERE id = 2;
SHOW CREATE TABLE bills;
-- @refused SH3015
ALTER TABLE bills ADD FOREIGN KEY (id) REFERENCES payers (id);
ALTER TABLE bills DROP FOREIGN KEY again;
DELETE FROM bills WHERE customer_id = 2;

-- Triggers and functions that look at nothing but their row and their arguments.
CREATE TRIGGER capped BEFORE INSERT ON bills FOR EACH ROW SET NEW.total = LEAST(NEW.total, 100);
INSERT INTO bills VALUES (4, 1, 500);
SELECT total FROM bills WHERE customer_id = 4;
DROP TRIGGER capped;
DROP TRIGGER capped;
CREATE FUNCTION doubled(n int) RETURNS int DETERMINISTIC NO SQL RETURN n * 2;
SELECT doubled(total) FROM bills WHERE customer_id = 4;
CREATE FUNCTION doubled(n int) RETURNS int DETERMINISTIC NO SQL RETURN n * 3;
DROP FUNCTION doubled;
SELECT doubled(total) FROM bills WHERE customer_id = 4;
-- @refused SH2033
CREATE FUNCTION counted() RETURNS int READS SQL DATA RETURN (SELECT COUNT(*) FROM bills);
-- @refused SH2033
CREATE TRIGGER copied AFTER INSERT ON bills FOR EACH ROW INSERT INTO payers VALUES (NEW.id, 'x');
-- @refused SH2033
CREATE VIEW totals AS SELECT SUM(total) FROM bills;
-- @refused SH2034 everywhere
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2100-01-01' DO DELETE FROM bills;

-- A new name.
RENAME TABLE bills TO archived;
SELECT total FROM archived WHERE customer_id = 4;
SELECT total FROM bills WHERE customer_id = 4;
INSERT INTO archived VALUES (5, 1, 7);
ALTER TABLE archived RENAME TO bills;
SELECT total FROM bills WHERE customer_id = 5;
ALTER DATABASE COLLATE utf8mb4_bin;
ALTER DATABASE {db} COLLATE utf8mb4_0900_ai_ci;
DROP TABLE bills, payers;

-- Views that each shard answers for its own rows.
CREATE TABLE payers (id bigint NOT NULL, name varchar(20), paid int, PRIMARY KEY (id));
INSERT INTO payers VALUES (1, 'Ann', 10), (2, 'Bob', 20), (3, 'Cyd', 30), (4, 'Dan', 40);
CREATE VIEW wealthy AS SELECT id AS payer, UPPER(name) AS called, paid * 2 AS twice FROM payers WHERE paid > 15;
SELECT * FROM wealthy WHERE payer = 2;
SELECT * FROM wealthy WHERE payer = 1;
SELECT called, twice FROM wealthy;
SELECT l.called, p.name FROM wealthy l JOIN payers p ON l.payer = p.id WHERE l.payer IN (3, 4);
SELECT SUM(twice) FROM wealthy WHERE payer = 4;
CREATE VIEW wealthy AS SELECT 1;
CREATE VIEW listed (a, b) AS SELECT id, paid FROM payers;
SELECT * FROM listed WHERE a = 3;
SELECT b FROM listed WHERE a IN (1, 2);
DESCRIBE listed;
SHOW FULL TABLES LIKE 'l%';
-- @refused SH2011
UPDATE listed SET b = 1 WHERE a = 1;
CREATE OR REPLACE VIEW listed (a, b) AS SELECT id, paid * 10 FROM payers;
SELECT * FROM listed WHERE a = 3;
ALTER VIEW listed (a, b, c) AS SELECT id, name, 7 FROM payers;
SELECT * FROM listed WHERE a = 2;
SELECT b, c FROM listed WHERE a IN (1, 2);
CREATE OR REPLACE VIEW afresh AS SELECT id, nosuch FROM payers;
CREATE OR REPLACE VIEW payers AS SELECT 1;
ALTER VIEW nosuch AS SELECT id FROM payers;
CREATE OR REPLACE VIEW afresh AS SELECT id FROM payers WHERE paid > 25;
SELECT * FROM afresh WHERE id IN (2, 3);
-- @refused SH2008
CREATE OR REPLACE VIEW afresh AS SELECT id AS other FROM payers;
-- @refused SH2033
CREATE OR REPLACE VIEW afresh AS SELECT COUNT(*) FROM payers;
SELECT * FROM afresh WHERE id = 3;
DROP VIEW afresh;
-- @refused SH2033
CREATE VIEW hidden AS SELECT name FROM payers;
-- @refused SH2033
CREATE VIEW first AS SELECT id FROM payers ORDER BY id LIMIT 1;
SELECT * FROM first;
RENAME TABLE listed TO told;
SELECT * FROM told WHERE a = 4;
CREATE VIEW nested AS SELECT twice AS doubled, payer FROM wealthy WHERE twice < 70;
CREATE VIEW nested_again AS SELECT payer AS id, doubled + 1 AS more FROM nested;
SELECT * FROM nested WHERE payer = 2;
SELECT * FROM nested_again WHERE id IN (2, 3, 4);
SELECT n.more, p.name FROM nested_again n JOIN payers p ON p.id = n.id WHERE n.id = 3;
-- @refused SH2033
CREATE VIEW nested_sum AS SELECT SUM(doubled) FROM nested;
-- @refused SH2033
CREATE VIEW nested_part AS SELECT doubled FROM nested;
DROP VIEW nested_again, nested;
DROP VIEW told, wealthy;
DROP VIEW told;
SELECT * FROM told WHERE a = 4;

-- Tables that begin with the rows of another one.
CREATE TABLE rich (PRIMARY KEY (id)) SELECT id, name, paid FROM payers WHERE paid > 15;
SELECT * FROM rich WHERE id = 2;
SELECT * FROM rich WHERE id = 1;
SELECT name FROM rich;
SHOW CREATE TABLE rich;
INSERT INTO rich VALUES (9, 'Ida', 90);
SELECT * FROM rich WHERE id = 9;
CREATE TABLE rich SELECT id FROM payers;
CREATE TABLE IF NOT EXISTS rich SELECT id FROM payers;
CREATE TABLE named (id2 bigint NOT NULL, note varchar(9) DEFAULT 'none', UNIQUE KEY (id2)) ENGINE=InnoDB AS SELECT id AS id2, UPPER(name) AS called FROM payers;
SELECT * FROM named WHERE id2 = 4;
-- @refused SH2008
CREATE TABLE summed (id int NOT NULL PRIMARY KEY) SELECT id FROM payers;
-- @refused SH2008
CREATE TABLE summed (n int NOT NULL AUTO_INCREMENT, PRIMARY KEY (n, id)) SELECT id FROM payers;
-- @refused SH2033
CREATE TABLE summed SELECT COUNT(*) AS n FROM payers;
-- @refused SH2033
CREATE TABLE summed SELECT name FROM payers;
CREATE TABLE summed SELECT nosuch FROM payers;
SELECT * FROM summed WHERE id = 1;
DROP TABLE rich, named;
CREATE TABLE rich (PRIMARY KEY (id)) TABLE payers;
SELECT * FROM rich WHERE id IN (2, 3);
DROP TABLE rich;
CREATE TABLE rich (PRIMARY KEY (id)) (SELECT id, name FROM payers);
SELECT * FROM rich WHERE id = 4;
DROP TABLE rich;
-- @refused SH2033
CREATE TABLE rich (id bigint NOT NULL PRIMARY KEY) VALUES ROW(1);
-- @refused SH2033
CREATE TABLE rich (PRIMARY KEY (id)) WITH all_of AS (SELECT id FROM payers LIMIT 1) SELECT id FROM all_of;

-- Changes that a temporary copy cannot be tried for.
CREATE TABLE sections (id bigint NOT NULL, day int NOT NULL, note text, PRIMARY KEY (id, day), FULLTEXT KEY words (note)) ROW_FORMAT=COMPRESSED;
ALTER TABLE sections ADD UNIQUE KEY both_ways (day, id), ALGORITHM=INPLACE, LOCK=NONE;
ALTER TABLE sections RENAME COLUMN note TO remark;
ALTER TABLE sections CHANGE day day bigint NOT NULL, ALGORITHM=INSTANT;
-- @refused SH2008
ALTER TABLE sections ADD UNIQUE KEY (day);
SHOW CREATE TABLE sections;
DROP TABLE sections;
CREATE TABLE sections (id bigint NOT NULL, day int NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20));
ALTER TABLE sections ADD COLUMN n int, ADD UNIQUE KEY (n, id, day);
ALTER TABLE sections ADD UNIQUE KEY (n, id);
-- @refused SH2051
ALTER TABLE sections CHANGE id id int NOT NULL;
SHOW CREATE TABLE sections;
DROP TABLE sections;

-- Procedures that look at nothing but their arguments.
CREATE PROCEDURE told(n int) SELECT n * 2 AS twice, 'a';
CALL told(21);
ALTER PROCEDURE told COMMENT 'twice';
CREATE PROCEDURE told(n int) SELECT n;
CALL told();
-- @refused SH2033
CALL told((SELECT MAX(id) FROM payers));
-- @refused SH2033
CREATE PROCEDURE counted() SELECT COUNT(*) FROM payers;
DROP PROCEDURE told;
DROP PROCEDURE IF EXISTS counted;
CALL told(21);
DROP TABLE payers;
