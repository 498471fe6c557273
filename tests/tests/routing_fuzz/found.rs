//! Statements that were answered wrongly once.

/// Each must come out as on one MySQL, or be refused by name.
pub(crate) const STATEMENTS: &[&str] = &[
    // Text that only MySQL reads, behind a statement whose plan is known.
    "SELECT * FROM customers WHERE id = 1",
    "SELECT * FROM customers WHERE id = 1 /*! OR 1 = 1 */",
    // Operators that bind less tightly than AND.
    "SELECT * FROM customers WHERE id = 1 AND 0 XOR 1",
    "SELECT * FROM customers WHERE id = 1 AND 0 || 1",
    "SELECT * FROM customers WHERE id = 1 || 1",
    "UPDATE customers SET balance = 5 WHERE id = 2 AND 0 || balance > 5",
    "DELETE FROM orders WHERE customer_id = 2 AND 0 XOR number = 1",
    // A comment whose blank makes another comment of what stands before it.
    "SELECT * FROM customers WHERE id = 1 --/**/0 OR 1 = 1",
    "SELECT * FROM customers WHERE id = 1 --/*+ */0 OR 1 = 1",
    "SELECT * FROM customers WHERE id = 1 --#\n0 OR 1 = 1",
    // Numbers that end where a word begins.
    "SELECT * FROM customers WHERE id = 1 AND 1.or (1 = 1)",
    "SELECT * FROM customers WHERE id = 1 AND 1.5or (1 = 1)",
    // Names of common table expressions count with their case, and only where they are visible.
    "WITH Customers AS (SELECT 1) SELECT * FROM customers",
    "UPDATE customers SET name = (WITH customers AS (SELECT 'x' AS n) SELECT n FROM customers)",
    "DELETE FROM customers WHERE id IN (WITH customers AS (SELECT 1 AS id UNION SELECT 8) SELECT id FROM customers)",
    "UPDATE customers SET name = (WITH orders AS (SELECT 'q' AS a) SELECT a FROM orders), \
     balance = (SELECT count(*) FROM orders) WHERE id = 3",
    "INSERT INTO customers WITH customers AS (SELECT 100 AS id, 'y' AS name, 1 AS b) SELECT * FROM customers",
    "INSERT INTO customers WITH customers AS (SELECT 101 AS id, 'y' AS name, 1 AS b) SELECT * FROM customers",
    "INSERT INTO customers WITH customers AS (SELECT 102 AS id, 'y' AS name, 1 AS b) SELECT * FROM customers",
    // An ON that speaks of a table of the query around it.
    "SELECT (SELECT count(*) FROM customers a LEFT JOIN (orders b JOIN orders c \
     ON a.id = 1 AND b.customer_id = 1 AND c.customer_id = 1) ON true) FROM customers a WHERE a.id = 1",
    "SELECT (SELECT count(*) FROM orders x JOIN orders y \
     ON b.id = 1 AND x.customer_id = 1 AND y.customer_id = 1 JOIN customers b) FROM customers b WHERE b.id = 1",
    // Letters that MySQL takes for those of ASCII in column names.
    "UPDATE customers SET İd = 180 WHERE id = 4",
    "UPDATE customers SET İd = 181 WHERE id = 5",
    "UPDATE customers SET İd = 182 WHERE id = 6",
    "INSERT INTO customers VALUES (7, 'x', 1) ON DUPLICATE KEY UPDATE İd = 183",
    "INSERT INTO customers VALUES (8, 'x', 1) ON DUPLICATE KEY UPDATE İd = 184",
    // SHOW has conditions, too.
    "SHOW TABLES FROM shop WHERE (SELECT count(*) FROM customers) > 9",
    "SHOW COLUMNS FROM customers FROM shop WHERE (SELECT count(*) FROM customers) > 9",
];

/// Each must be refused by name: the shards could not keep it true together, or a session would not stay as it
/// was.
pub(crate) const FORBIDDEN: &[&str] = &[
    "ALTER TABLE customers ADD COLUMN note varchar(20) DEFAULT 'it\\'s', ADD UNIQUE KEY (name)",
    "ALTER TABLE customers ADD COLUMN note serial",
    "CREATE /*+ table customers ' */ TRIGGER t BEFORE INSERT ON customers FOR EACH ROW SET new.id = new.id + 1",
    "CREATE TABLE prefixed (id varchar(20) COLLATE utf8mb4_bin, PRIMARY KEY (id(3)))",
    "CREATE TABLE filled (id bigint PRIMARY KEY COMMENT 'it\\'s') SELECT 5 AS id",
    "/*+ select */ SET SESSION sql_mode = 'ANSI_QUOTES'",
    "/*+ select */ SET autocommit = 0",
    "SELECT 1 AS 'a\\'', get_lock('x', 0)",
    "SELECT /*+ ' */ row_count()",
    "SELECT 'a' /*+ ? */ 'b', get_lock('x', 0)",
    "SELECT @@identity",
];
