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
