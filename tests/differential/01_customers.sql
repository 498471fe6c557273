-- Rows of one customer each: written, read, changed and removed by the sharding column.
-- @table customers id xxhash
-- @table orders customer_id xxhash

CREATE TABLE customers (
  id bigint NOT NULL PRIMARY KEY,
  name varchar(60) NOT NULL,
  email varchar(80) DEFAULT NULL,
  balance decimal(12,2) NOT NULL DEFAULT '0.00',
  born date DEFAULT NULL,
  KEY by_name (name)
);
CREATE TABLE orders (
  customer_id bigint NOT NULL,
  number int unsigned NOT NULL,
  item varchar(40) NOT NULL,
  price decimal(10,2) NOT NULL,
  bought datetime(3) DEFAULT NULL,
  PRIMARY KEY (customer_id, number),
  KEY by_item (item)
);

INSERT INTO customers (id, name, email, balance, born) VALUES (1, 'Ada', 'ada@example.test', 10.50, '1815-12-10');
INSERT INTO customers (id, name) VALUES (2, 'Bert');
INSERT INTO customers VALUES (3, 'Chlodwig', NULL, -3.25, NULL);
INSERT INTO customers SET id = 4, name = 'Dora', balance = 7;
INSERT INTO `customers` (`name`, `id`) VALUES ('Emil', 5);
insert into customers(id,name)values(6,'Fritz');
INSERT IGNORE INTO customers (id, name) VALUES (6, 'again');
INSERT INTO customers (id, name, balance) VALUES (7, CONCAT('Gu', 'stav'), 1 + 2 * 3);
INSERT INTO customers (id, name, balance) VALUES (8, UPPER('heidi'), DEFAULT);
INSERT INTO {db}.customers (id, name) VALUES (9, 'Ida');
INSERT INTO customers (id, name) VALUES (31, 'Anton');
INSERT INTO customers (id, name) VALUES (32, 'Berta'), (33, 'Caesar');
INSERT INTO orders VALUES (1, 1, 'pencil', 1.20, '2024-02-29 12:00:00.125'), (1, 2, 'paper', 3.00, NULL), (1, 3, 'pencil', 1.25, '2024-03-01 00:00:00');
INSERT INTO orders (customer_id, number, item, price) VALUES (2, 1, 'ink', 8.99);
INSERT INTO orders (customer_id, number, item, price) VALUES (3, 1, 'pencil', 1.20), (3, 2, 'ink', 9.00);

SELECT * FROM customers WHERE id = 1;
SELECT id, name, email, balance, born FROM customers WHERE id = 3;
SELECT name AS who, balance * 2 AS `twice as much` FROM customers WHERE id = 4;
SELECT c.name FROM customers c WHERE c.id = 5;
SELECT customers.name, {db}.customers.id FROM {db}.customers WHERE {db}.customers.id = 9;
SELECT * FROM customers WHERE id = 31;
SELECT a.name, b.name FROM customers a JOIN customers b ON b.id = 33 WHERE a.id = 31;
SELECT * FROM customers WHERE id = 4711;
SELECT name FROM customers WHERE id = 1 AND name = 'Ada';
SELECT name FROM customers WHERE id = 1 AND name = 'ADA';
SELECT name FROM customers WHERE id = 1 AND name = 'Bert';
SELECT name FROM customers WHERE name LIKE 'A%' AND id = 1;
SELECT name FROM customers WHERE 1 = id;
SELECT name FROM customers WHERE (id = 2);
SELECT COUNT(*) FROM customers WHERE id = 2 AND email IS NULL;
SELECT item, price FROM orders WHERE customer_id = 1 ORDER BY number;
SELECT item, price FROM orders WHERE customer_id = 1 ORDER BY price DESC, number LIMIT 2;
SELECT item FROM orders WHERE customer_id = 1 ORDER BY number LIMIT 1 OFFSET 1;
SELECT item FROM orders WHERE customer_id = 1 ORDER BY number LIMIT 1, 2;
SELECT DISTINCT item FROM orders WHERE customer_id = 1;
SELECT item FROM orders WHERE customer_id = 1 AND number IN (1, 3);
SELECT item FROM orders WHERE customer_id = 1 AND (number = 1 OR price > 2);

UPDATE customers SET balance = balance + 1 WHERE id = 1;
UPDATE customers SET name = 'Bert', email = 'bert@example.test' WHERE id = 2;
UPDATE customers SET name = 'Bert' WHERE id = 2;
UPDATE customers SET name = 'nobody' WHERE id = 4711;
UPDATE orders SET price = price * 2 WHERE customer_id = 1;
UPDATE orders SET price = 5 WHERE customer_id = 1 ORDER BY number LIMIT 1;
UPDATE orders o SET o.item = 'pen' WHERE o.customer_id = 3 AND o.number = 2;
SELECT * FROM orders WHERE customer_id = 1 ORDER BY number;
REPLACE INTO customers (id, name) VALUES (8, 'Heidi the second');
REPLACE INTO customers SET id = 10, name = 'Julius';
INSERT INTO customers (id, name) VALUES (1, 'Ada') ON DUPLICATE KEY UPDATE balance = balance + 100;
INSERT INTO customers (id, name) VALUES (11, 'Karl') AS new ON DUPLICATE KEY UPDATE name = new.name;
SELECT * FROM customers WHERE id = 1;
SELECT * FROM customers WHERE id = 8;
DELETE FROM orders WHERE customer_id = 2;
DELETE FROM orders WHERE customer_id = 2;
DELETE FROM orders WHERE customer_id = 1 ORDER BY number DESC LIMIT 1;
DELETE FROM customers WHERE id = 10 AND name = 'somebody else';
SELECT number FROM orders WHERE customer_id = 1 ORDER BY number;

-- What is for several shards, or for none that can be told.
-- @refused SH2016
SELECT * FROM customers ORDER BY id;
-- @refused SH2016
SELECT COUNT(*) FROM customers;
SELECT * FROM customers WHERE name = 'Ada';
-- @refused SH2016
SELECT * FROM customers WHERE id > 3 ORDER BY id;
-- @refused SH2016
SELECT * FROM customers WHERE id = 1 OR name = 'Bert' ORDER BY id;
SELECT * FROM customers WHERE id + 0 = 1;
-- @refused SH2016
SELECT * FROM customers WHERE NOT id = 1 ORDER BY id;
UPDATE customers SET balance = 0 WHERE balance < 0;
DELETE FROM customers WHERE name = 'Emil';
DELETE FROM orders WHERE number = 77;
INSERT INTO customers (id, name) VALUES (20, 'Lea'), (21, 'Max'), (22, 'Nora'), (23, 'Otto'), (24, 'Paula');
-- A row that is there undoes those on the other shard, too.
INSERT INTO customers (id, name) VALUES (1, 'on one shard'), (34, 'on the other'), (35, 'on some');
SELECT * FROM customers WHERE id = 34;
SELECT * FROM customers WHERE id = 35;
-- @refused SH2003
SELECT a.name, b.name FROM customers a JOIN customers b WHERE a.id = 1 AND b.id = 31;
-- @refused SH2016
SELECT name FROM customers WHERE id = 1 OR id = 31 ORDER BY id;
-- @refused SH2016
SELECT name FROM customers WHERE id IN (1, 31) ORDER BY id;
DELETE FROM customers WHERE id IN (1, 31);
SELECT name FROM customers WHERE id BETWEEN 1 AND 1;
-- @refused SH2007
UPDATE customers SET id = 40 WHERE id = 9;
-- @refused SH2053
INSERT INTO customers (name) VALUES ('without an id');
-- @refused SH2004
INSERT INTO orders SELECT id, 9, name, 1, NULL FROM customers WHERE id = 7;
