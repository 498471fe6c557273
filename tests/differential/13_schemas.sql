-- What a schema may hold, and how it changes, in keyspaces of every kind.
-- @table bills customer_id xxhash
-- @table payers id xxhash
-- @table archived customer_id xxhash

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
CREATE VIEW large AS SELECT id AS payer, UPPER(name) AS called, paid * 2 AS twice FROM payers WHERE paid > 15;
SELECT * FROM large WHERE payer = 2;
SELECT * FROM large WHERE payer = 1;
SELECT called, twice FROM large;
SELECT l.called, p.name FROM large l JOIN payers p ON l.payer = p.id WHERE l.payer IN (3, 4);
SELECT SUM(twice) FROM large WHERE payer = 4;
CREATE VIEW large AS SELECT 1;
CREATE VIEW listed (a, b) AS SELECT id, paid FROM payers;
SELECT * FROM listed WHERE a = 3;
SELECT b FROM listed WHERE a IN (1, 2);
DESCRIBE listed;
SHOW FULL TABLES LIKE 'l%';
-- @refused SH2011
UPDATE listed SET b = 1 WHERE a = 1;
-- @refused SH2011
CREATE OR REPLACE VIEW listed AS SELECT id, paid FROM payers;
-- @refused SH2033
CREATE VIEW hidden AS SELECT name FROM payers;
-- @refused SH2033
CREATE VIEW first AS SELECT id FROM payers ORDER BY id LIMIT 1;
SELECT * FROM first;
RENAME TABLE listed TO told;
SELECT * FROM told WHERE a = 4;
DROP VIEW told, large;
DROP VIEW told;
SELECT * FROM told WHERE a = 4;
DROP TABLE payers;
