-- Transactions stay on one shard; what their statements warn of is told.
-- @table purses id xxhash

CREATE TABLE purses (id bigint PRIMARY KEY, balance int NOT NULL, note varchar(10)) ENGINE=InnoDB;
INSERT INTO purses VALUES (1, 100, 'a');
INSERT INTO purses VALUES (8, 200, 'b');

BEGIN;
UPDATE purses SET balance = balance - 10 WHERE id = 1;
SELECT balance FROM purses WHERE id = 1;
ROLLBACK;
SELECT balance FROM purses WHERE id = 1;
START TRANSACTION;
UPDATE purses SET balance = balance - 10 WHERE id = 1;
COMMIT;
SELECT balance FROM purses WHERE id = 1;
BEGIN WORK;
COMMIT WORK;
COMMIT;
ROLLBACK;
ROLLBACK WORK;
COMMIT AND NO CHAIN NO RELEASE;
begin;
SELECT 1;
DELETE FROM purses WHERE id = 8;
rollback;
SELECT * FROM purses WHERE id = 8;

-- A second BEGIN commits the first.
BEGIN;
UPDATE purses SET balance = 1 WHERE id = 8;
BEGIN;
UPDATE purses SET balance = 2 WHERE id = 8;
ROLLBACK;
SELECT balance FROM purses WHERE id = 8;

-- Chains, and access modes.
BEGIN;
UPDATE purses SET balance = 3 WHERE id = 8;
COMMIT AND CHAIN;
UPDATE purses SET balance = 4 WHERE id = 8;
ROLLBACK AND CHAIN;
UPDATE purses SET balance = 5 WHERE id = 8;
ROLLBACK;
SELECT balance FROM purses WHERE id = 8;
START TRANSACTION READ ONLY;
SELECT balance FROM purses WHERE id = 1;
UPDATE purses SET balance = 6 WHERE id = 1;
COMMIT;
START TRANSACTION READ WRITE;
UPDATE purses SET balance = 6 WHERE id = 1;
COMMIT;
START TRANSACTION READ ONLY, READ WRITE;
-- @refused SH2017
START TRANSACTION WITH CONSISTENT SNAPSHOT;
-- @refused SH2017
START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;
ROLLBACK;

-- Savepoints, before and after the first statement.
SAVEPOINT a;
ROLLBACK TO a;
RELEASE SAVEPOINT a;
BEGIN;
SAVEPOINT a;
SAVEPOINT `b c`;
ROLLBACK TO SAVEPOINT x;
SAVEPOINT d;
ROLLBACK TO `B C`;
ROLLBACK TO d;
UPDATE purses SET balance = 7 WHERE id = 1;
SAVEPOINT e;
UPDATE purses SET balance = 8 WHERE id = 1;
ROLLBACK WORK TO SAVEPOINT e;
SELECT balance FROM purses WHERE id = 1;
ROLLBACK TO a;
SELECT balance FROM purses WHERE id = 1;
ROLLBACK TO e;
RELEASE SAVEPOINT a;
RELEASE SAVEPOINT a;
COMMIT;

-- A statement that fails ends no transaction.
BEGIN;
UPDATE purses SET balance = 9 WHERE id = 1;
INSERT INTO purses VALUES (1, 1, 'again');
SELECT nothing FROM purses WHERE id = 1;
SELEC;
UPDATE purses SET balance = balance + 1 WHERE id = 1;
COMMIT;
SELECT balance FROM purses WHERE id = 1;

-- Schema changes commit what is open.
BEGIN;
UPDATE purses SET balance = 10 WHERE id = 1;
CREATE INDEX by_balance ON purses (balance);
ROLLBACK;
SELECT balance FROM purses WHERE id = 1;

-- autocommit.
SET autocommit = 0;
SELECT 1;
UPDATE purses SET balance = 11 WHERE id = 1;
ROLLBACK;
SELECT balance FROM purses WHERE id = 1;
UPDATE purses SET balance = 12 WHERE id = 1;
COMMIT;
SAVEPOINT s;
UPDATE purses SET balance = 13 WHERE id = 1;
ROLLBACK TO s;
SELECT balance FROM purses WHERE id = 1;
UPDATE purses SET balance = 14 WHERE id = 1;
SET autocommit = 1;
ROLLBACK;
SELECT balance FROM purses WHERE id = 1;
SET autocommit = 0;
BEGIN;
UPDATE purses SET balance = 15 WHERE id = 1;
ROLLBACK;
SET AUTOCOMMIT = ON;

-- Another shard.
BEGIN;
SELECT balance FROM purses WHERE id = 1;
-- @refused SH2015
SELECT id FROM purses;
COMMIT;

-- Warnings.
SHOW WARNINGS;
SHOW COUNT(*) WARNINGS;
SELECT @@warning_count, @@session.error_count;
SELECT '7x' + id FROM purses WHERE id = 1;
SHOW WARNINGS;
SHOW WARNINGS LIMIT 1;
SHOW ERRORS;
SHOW COUNT(*) WARNINGS;
SHOW COUNT(*) ERRORS;
SELECT @@warning_count;
SHOW WARNINGS;
INSERT INTO purses VALUES (1, 1, 'again');
SHOW WARNINGS;
SHOW ERRORS;
SHOW COUNT(*) ERRORS;
SELECT @@error_count;
SELECT nothing FROM purses WHERE id = 1;
SHOW ERRORS;
SELECT 1;
SHOW ERRORS;
INSERT IGNORE INTO purses VALUES (1, 1, 'again'), (1, 2, 'and again');
SHOW WARNINGS;
SHOW WARNINGS LIMIT 1, 5;
SHOW WARNINGS LIMIT 1 OFFSET 1;
-- In a transaction.
BEGIN;
INSERT IGNORE INTO purses VALUES (1, 1, 'again');
SHOW WARNINGS;
INSERT INTO purses VALUES (1, 1, 'again');
SHOW ERRORS;
SHOW WARNINGS;
ROLLBACK;
SHOW WARNINGS;
-- Of several shards.
SELECT note + 1 FROM purses;
SHOW WARNINGS;
SHOW COUNT(*) WARNINGS;
SELECT @@warning_count;
SHOW WARNINGS;
UPDATE purses SET note = 'much too long';
SHOW ERRORS LIMIT 1;
DROP TABLE purses;

-- How the next transaction is to be.
CREATE TABLE purses (id bigint PRIMARY KEY, balance int NOT NULL);
INSERT INTO purses VALUES (1, 100);
SET TRANSACTION READ ONLY;
BEGIN;
SELECT balance FROM purses WHERE id = 1;
UPDATE purses SET balance = 1 WHERE id = 1;
SET TRANSACTION READ WRITE;
COMMIT;
BEGIN;
UPDATE purses SET balance = 2 WHERE id = 1;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
ROLLBACK;
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY;
START TRANSACTION READ WRITE;
UPDATE purses SET balance = 3 WHERE id = 1;
COMMIT;
SET TRANSACTION READ ONLY;
UPDATE purses SET balance = 4 WHERE id = 1;
UPDATE purses SET balance = 5 WHERE id = 1;
SELECT 1;
INSERT INTO purses VALUES (2, 1);
SELECT balance FROM purses WHERE id = 1;
UPDATE purses SET balance = 6 WHERE id = 1;
SET TRANSACTION READ ONLY;
COMMIT;
UPDATE purses SET balance = 7 WHERE id = 1;
SET autocommit = 0;
SET TRANSACTION READ ONLY, ISOLATION LEVEL READ UNCOMMITTED;
UPDATE purses SET balance = 8 WHERE id = 1;
SELECT balance FROM purses WHERE id = 1;
COMMIT;
UPDATE purses SET balance = 9 WHERE id = 1;
COMMIT;
SET autocommit = 1;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED, ISOLATION LEVEL READ COMMITTED;
SET TRANSACTION;
SELECT balance FROM purses WHERE id = 1;
DROP TABLE purses;
