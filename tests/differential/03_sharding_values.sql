-- All the ways to write a value of the sharding column: they find the row, or are refused, and never miss it.
-- @table signed_keys id xxhash
-- @table unsigned_keys id xxhash
-- @table small_keys id hash
-- @table text_keys id xxhash
-- @table padded_keys id binary_md5
-- @table plain_bytes id binary
-- @table fixed_bytes id xxhash

CREATE TABLE signed_keys (id bigint NOT NULL PRIMARY KEY, v int);
INSERT INTO signed_keys VALUES (5, 1);
INSERT INTO signed_keys VALUES ('6', 2);
INSERT INTO signed_keys VALUES (-7, 3);
INSERT INTO signed_keys VALUES (9223372036854775807, 4);
INSERT INTO signed_keys VALUES (-9223372036854775808, 5);
INSERT INTO signed_keys VALUES (0, 6);
INSERT INTO signed_keys VALUES (8.0, 7);
-- @refused SH2002
INSERT INTO signed_keys VALUES (TRUE, 8);
SELECT * FROM signed_keys WHERE id = 5;
SELECT * FROM signed_keys WHERE id = '5';
SELECT * FROM signed_keys WHERE id = 5.0;
SELECT * FROM signed_keys WHERE id = '05';
SELECT * FROM signed_keys WHERE id = 005;
SELECT * FROM signed_keys WHERE id = '5.0';
SELECT * FROM signed_keys WHERE id = 5e0;
SELECT * FROM signed_keys WHERE id = +5;
SELECT * FROM signed_keys WHERE id = 6;
SELECT * FROM signed_keys WHERE id = "6";
SELECT * FROM signed_keys WHERE id = -7;
SELECT * FROM signed_keys WHERE id = '-7';
SELECT * FROM signed_keys WHERE id = - 7;
SELECT * FROM signed_keys WHERE id = 9223372036854775807;
SELECT * FROM signed_keys WHERE id = -9223372036854775808;
SELECT * FROM signed_keys WHERE id = 0;
SELECT * FROM signed_keys WHERE id = -0;
SELECT * FROM signed_keys WHERE id = 8;
SELECT * FROM signed_keys WHERE id = true;
SELECT * FROM signed_keys WHERE id = 1;
SELECT * FROM signed_keys WHERE id = 5.5;
-- @refused SH2002 several
SELECT * FROM signed_keys WHERE id = '5x' ORDER BY id;
SELECT * FROM signed_keys WHERE id = '5e0';
SELECT * FROM signed_keys WHERE id = ' 5';
SELECT * FROM signed_keys WHERE id = '';
-- @refused SH2002 several
SELECT * FROM signed_keys WHERE id = 'five' ORDER BY id;
SELECT * FROM signed_keys WHERE id = x'05';
SELECT * FROM signed_keys WHERE id = 0x05;
SELECT * FROM signed_keys WHERE id = 9223372036854775808;
SELECT * FROM signed_keys WHERE id = 9223372036854775807e0;
SELECT * FROM signed_keys WHERE id = DATE'2024-01-01';
SELECT * FROM signed_keys WHERE id = NULL;
-- @refused SH2002
INSERT INTO signed_keys VALUES ('12 monkeys', 1);
-- @refused SH2002
INSERT INTO signed_keys VALUES (12.5, 1);
-- @refused SH2002
INSERT INTO signed_keys VALUES (NULL, 1);
-- @refused SH2002
INSERT INTO signed_keys VALUES (10 + 1, 1);
SELECT * FROM signed_keys WHERE id = 2 + 3;
SELECT * FROM signed_keys WHERE id <=> 5;

CREATE TABLE unsigned_keys (id bigint unsigned NOT NULL PRIMARY KEY, v int);
INSERT INTO unsigned_keys VALUES (18446744073709551615, 1);
INSERT INTO unsigned_keys VALUES (9223372036854775808, 2);
INSERT INTO unsigned_keys VALUES (5, 3);
SELECT * FROM unsigned_keys WHERE id = 18446744073709551615;
SELECT * FROM unsigned_keys WHERE id = '18446744073709551615';
SELECT * FROM unsigned_keys WHERE id = 9223372036854775808;
SELECT * FROM unsigned_keys WHERE id = '5';
SELECT * FROM unsigned_keys WHERE id = -5;
SELECT * FROM unsigned_keys WHERE id = 18446744073709551616;

CREATE TABLE small_keys (id tinyint NOT NULL, n int NOT NULL, PRIMARY KEY (id, n));
INSERT INTO small_keys VALUES (127, 1), (127, 2);
INSERT INTO small_keys VALUES (-128, 1);
SELECT * FROM small_keys WHERE id = 127 ORDER BY n;
SELECT * FROM small_keys WHERE id = '-128';
SELECT * FROM small_keys WHERE id = 128;
-- @refused SH2002
INSERT INTO small_keys VALUES (300, 1);

CREATE TABLE text_keys (id varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, v int);
INSERT INTO text_keys VALUES ('abc', 1);
INSERT INTO text_keys VALUES ('ABC', 2);
INSERT INTO text_keys VALUES ('', 3);
INSERT INTO text_keys VALUES ('Grüße 😀', 4);
INSERT INTO text_keys VALUES ('it''s "quoted" \\ here', 5);
INSERT INTO text_keys VALUES ('5', 6);
SELECT * FROM text_keys WHERE id = 'abc';
SELECT * FROM text_keys WHERE id = "abc";
SELECT * FROM text_keys WHERE id = 'ABC';
SELECT * FROM text_keys WHERE id = 'abc  ';
SELECT * FROM text_keys WHERE id = '';
SELECT * FROM text_keys WHERE id = 'Grüße 😀';
SELECT * FROM text_keys WHERE id = 'it\'s \"quoted\" \\ here';
SELECT * FROM text_keys WHERE id = "it's ""quoted"" \\ here";
SELECT * FROM text_keys WHERE id = '\a\b\c';
SELECT * FROM text_keys WHERE id = _utf8mb4'abc';
SELECT * FROM text_keys WHERE id = x'616263';
INSERT INTO text_keys VALUES ('abc ', 9);
SELECT * FROM text_keys WHERE id = 5;
-- @refused SH2002
INSERT INTO text_keys VALUES (5, 1);
-- @refused SH2002 several
SELECT * FROM text_keys WHERE id = '1234567890123456789012345678901' ORDER BY id;

CREATE TABLE padded_keys (id char(8) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL PRIMARY KEY, v int);
INSERT INTO padded_keys VALUES ('ab', 1);
INSERT INTO padded_keys VALUES ('ab cd', 2);
SELECT * FROM padded_keys WHERE id = 'ab';
SELECT * FROM padded_keys WHERE id = 'ab   ';
SELECT * FROM padded_keys WHERE id = 'AB';
SELECT * FROM padded_keys WHERE id = 'ab cd';

CREATE TABLE plain_bytes (id varbinary(16) NOT NULL PRIMARY KEY, v int);
INSERT INTO plain_bytes VALUES (x'00ff10', 1);
INSERT INTO plain_bytes VALUES ('abc', 2);
INSERT INTO plain_bytes VALUES ('abc ', 3);
INSERT INTO plain_bytes VALUES (0xfe, 4);
SELECT HEX(id), v FROM plain_bytes WHERE id = x'00FF10';
SELECT HEX(id), v FROM plain_bytes WHERE id = 0x00ff10;
SELECT id, v FROM plain_bytes WHERE id = 'abc';
SELECT id, v FROM plain_bytes WHERE id = 'abc ';
SELECT id, v FROM plain_bytes WHERE id = _binary'abc';
SELECT HEX(id), v FROM plain_bytes WHERE id = '\0';
SELECT v FROM plain_bytes WHERE id = x'fe';

CREATE TABLE fixed_bytes (id binary(4) NOT NULL PRIMARY KEY, v int);
INSERT INTO fixed_bytes VALUES ('ab', 1);
INSERT INTO fixed_bytes VALUES (x'01020304', 2);
SELECT HEX(id), v FROM fixed_bytes WHERE id = 'ab\0\0';
SELECT HEX(id), v FROM fixed_bytes WHERE id = 'ab';
SELECT HEX(id), v FROM fixed_bytes WHERE id = 0x01020304;

-- Introducers say what the bytes are.
INSERT INTO text_keys VALUES (_utf8mb4'introduced', 21);
INSERT INTO text_keys VALUES (_binary 'of bytes', 22);
INSERT INTO text_keys VALUES (_latin1 X'e4e4', 23);
INSERT INTO text_keys VALUES (_utf8mb4 0xc3b6, 24);
SELECT id, v FROM text_keys WHERE id = 'introduced';
SELECT id, v FROM text_keys WHERE id = _ascii"introduced";
SELECT id, v FROM text_keys WHERE id = _binary'of bytes';
SELECT id, v FROM text_keys WHERE id = 'ää';
SELECT id, v FROM text_keys WHERE id = _latin1'\xe4\xe4' OR id = _latin1 X'e4e4';
SELECT id, v FROM text_keys WHERE id = _latin1 X'e4e4';
SELECT id, v FROM text_keys WHERE id = _utf8mb4 'ö' AND v = _binary'24';
INSERT INTO plain_bytes VALUES (_binary'\0bytes', 11);
INSERT INTO plain_bytes VALUES (_binary X'00ff11', 12), (_utf8mb4'ä', 13), (_latin1'text', 14);
SELECT HEX(id), v FROM plain_bytes WHERE id = _binary'\0bytes';
SELECT HEX(id), v FROM plain_bytes WHERE id = _binary x'00ff11';
SELECT HEX(id), v FROM plain_bytes WHERE id = 'ä';
SELECT HEX(id), v FROM plain_bytes WHERE id IN (_binary'text');
INSERT INTO signed_keys VALUES (_utf8mb4'77', 31);
SELECT * FROM signed_keys WHERE id = _latin1'77';
-- @refused SH2002
INSERT INTO signed_keys VALUES (_binary'78', 32);
SELECT id, v FROM text_keys WHERE id = _utf8mb4'intro' 'duced';
SELECT id _utf8mb4 FROM signed_keys WHERE id = 77;
SELECT _utf8mb4'x' 'y', _binary'x' AS b, _latin1 x'e4' FROM signed_keys WHERE id = 77;

-- What the column cannot hold MySQL refuses, in whichever row it stands.
INSERT INTO text_keys VALUES ('1234567890123456789012345678901', 41);
INSERT INTO text_keys VALUES ('short', 42), ('1234567890123456789012345678901', 43);
REPLACE INTO plain_bytes VALUES (x'0102030405060708090a0b0c0d0e0f1011', 44);
-- @refused SH2002
INSERT IGNORE INTO text_keys VALUES ('1234567890123456789012345678901', 45);
INSERT INTO text_keys VALUES ('cut                                        ', 46);
-- @refused SH2002
INSERT INTO plain_bytes VALUES ('0123456789abcdef ', 47);
SELECT v FROM text_keys WHERE id = 'short';
