// mysql2: its text protocol (query) and its prepared statements (execute). One line a check, `ok NAME` or
// `FAILED NAME: …`.
'use strict';

const { createHash } = require('crypto');
const fs = require('fs');
const { Readable } = require('stream');
const { createRequire } = require('module');
const { isDeepStrictEqual, inspect } = require('util');

// The packages are in the cache, outside the checkout.
const mysql = createRequire(process.env.SHOAL_NODE_MODULES + '/')('mysql2/promise');

function say(name, failure) {
  const line = failure === undefined ? `ok ${name}` : `FAILED ${name}: ${failure.replace(/\n/g, '\\n').slice(0, 300)}`;
  console.log(line);
}

async function check(name, expected, call) {
  const shown = (value) => inspect(value, { breakLength: Infinity, depth: 5 });
  try {
    const got = await call();
    say(name, isDeepStrictEqual(got, expected) ? undefined : `expected ${shown(expected)} got ${shown(got)}`);
  } catch (error) {
    say(name, `expected ${shown(expected)} got error ${error.code} ${error.message}`);
  }
}

const opened = [];

function settings() {
  return {
    host: process.env.SHOAL_HOST,
    port: Number(process.env.SHOAL_PORT),
    user: process.env.SHOAL_USER,
    password: process.env.SHOAL_PASSWORD,
    database: process.env.SHOAL_DATABASE,
    ssl: { ca: fs.readFileSync(process.env.SHOAL_CA), verifyIdentity: true },
    timezone: 'Z',
  };
}

async function connect(options = {}) {
  const connection = await mysql.createConnection({ ...settings(), ...options });
  // A connection that is lost says so beside the answer of the statement.
  connection.connection.on('error', () => {});
  opened.push(connection);
  return connection;
}

async function value(connection, sql, values) {
  const [rows] = await connection.query({ sql, values, rowsAsArray: true });
  return rows.length ? rows[0][0] : null;
}

async function code(promise) {
  try {
    await promise;
  } catch (error) {
    return [error.errno, error.sqlState, error.code];
  }
  throw new Error('no error');
}

async function fresh(connection, table, columns) {
  await connection.query(`drop table if exists ${table}`);
  await connection.query(`create table ${table} (${columns})`);
}

async function logins() {
  const cipher = async (options) => (await (await connect(options)).query("show status like 'Ssl_cipher'"))[0][0].Value !== '';
  await check('login.tls', true, () => cipher({}));
  await check('login.plain', false, () => cipher({ ssl: undefined }));
  await check('login.wrong_password', [1045, '28000', 'ER_ACCESS_DENIED_ERROR'], () => code(connect({ password: 'wrong' })));
  await check('login.unknown_database', [1049, '42000', 'ER_BAD_DB_ERROR'], () => code(connect({ database: 'nowhere' })));
  await check('login.no_database', null, async () => value(await connect({ database: undefined }), 'select database()'));
}

// Name, type in SQL, what is written, what is read where that is another value.
const KINDS = [
  ['tiny', 'tinyint', -128],
  ['tiny_unsigned', 'tinyint unsigned', 255],
  ['small', 'smallint', -32768],
  ['medium_unsigned', 'mediumint unsigned', 16777215],
  ['int_unsigned', 'int unsigned', 4294967295],
  ['big', 'bigint', '-9223372036854775808'],
  ['big_unsigned', 'bigint unsigned', '18446744073709551615'],
  ['decimals', 'decimal(40,10)', '-123456789012345678901234567890.0123456789'],
  ['single', 'float', 1.5],
  ['twice', 'double', 0.1],
  ['bits', 'bit(10)', Buffer.from([2, 1])],
  ['day', 'date', '2024-02-29', new Date('2024-02-29T00:00:00Z')],
  ['moment', 'datetime(3)', new Date('2024-02-29T23:59:59.123Z')],
  ['stamp', 'timestamp(6)', new Date('2037-12-31T01:02:03.004Z')],
  ['span', 'time(6)', '-838:59:58.999999'],
  ['in_year', 'year', 2155],
  ['fixed', 'char(6)', 'Größe'],
  ['four_bytes', 'varchar(20)', '𝕊hoal 😀 \'q" \\'],
  ['fixed_bytes', 'binary(4)', Buffer.from('00ff275c', 'hex')],
  ['lob', 'blob', Buffer.from('001a0a0d5c2722ff', 'hex')],
  ['long_text', 'mediumtext', 'ünï'.repeat(30000)],
  ['choice', "enum('first','ß')", 'ß'],
  ['choices', "set('x','y','z')", 'x,z'],
  ['document', 'json', '{"a": [1, null, "é😀"]}', { a: [1, null, 'é😀'] }],
  ['nothing', 'int', null],
  ['truth', 'tinyint(1)', true, 1],
];

async function kinds(protocol) {
  const connection = await connect({ supportBigNumbers: true, bigNumberStrings: false });
  const columns = KINDS.map(([name, type]) => `${name} ${type}`).join(', ');
  await fresh(connection, 'kinds', `id int primary key, ${columns}, place geometry, flat date`);
  const ask = (sql, values) => (protocol === 'text' ? connection.query(sql, values) : connection.execute(sql, values));
  for (const [number, [name, , written, read = written]] of KINDS.entries()) {
    await check(`${protocol}.${name}`, read, async () => {
      await ask(`insert into kinds (id, ${name}) values (?, ?)`, [number, written]);
      return (await ask(`select ${name} as got from kinds where id = ?`, [number]))[0][0].got;
    });
  }
  await check(`${protocol}.geometry`, { x: 1, y: -2 }, async () => {
    await ask('insert into kinds (id, place) values (?, st_geomfromtext(?))', [100, 'POINT(1 -2)']);
    return (await ask('select place from kinds where id = ?', [100]))[0][0].place;
  });
  await check(`${protocol}.zero_date`, '0000-00-00', async () => {
    await connection.query("set sql_mode = ''");
    await ask('insert into kinds (id, flat) values (?, ?)', [101, '0000-00-00']);
    const [rows] = await ask('select cast(flat as char) as got from kinds where id = ?', [101]);
    await connection.query('set sql_mode = default');
    return rows[0].got;
  });
  await check(`${protocol}.all_rows`, KINDS.length + 2, async () => (await ask('select id from kinds', []))[0].length);
}

async function large(connection) {
  await fresh(connection, 'large', 'id int primary key, b longblob');
  const content = Buffer.alloc(20 << 20, 'large\xff\x00');
  for (const [number, protocol] of ['query', 'execute'].entries()) {
    await check(`large.${protocol}`, true, async () => {
      await connection[protocol]('insert into large values (?, ?)', [number, content]);
      const [rows] = await connection[protocol]('select b from large where id = ?', [number]);
      return rows[0].b.equals(content);
    });
  }
  const digest = createHash('sha256').update(content).digest('hex');
  await check('large.digest', digest, () => value(connection, 'select sha2(b, 256) from large where id = 1'));
}

async function counts(connection) {
  await fresh(connection, 'counts', 'id bigint auto_increment primary key, note varchar(20), n int');
  const affected = async (sql) => (await connection.query(sql))[0].affectedRows;
  await check('counts.insert', 3, () => affected("insert into counts values (101, 'a', 1), (102, 'b', 2), (103, 'c', 3)"));
  await check('counts.update', [3, 3], async () => {
    const [done] = await connection.query('update counts set n = 7');
    return [done.affectedRows, done.changedRows];
  });
  await check('counts.unchanged', [3, 0, 'Rows matched: 3  Changed: 0  Warnings: 0'], async () => {
    const [done] = await connection.query('update counts set n = 7');
    return [done.affectedRows, done.changedRows, done.info];
  });
  await check('counts.on_duplicate', 2, () => affected("insert into counts values (101, 'a', 1) on duplicate key update n = 8"));
  await check('counts.delete', 1, () => affected('delete from counts where id = 102'));
  await check('counts.many', 50, async () => {
    const rows = Array.from({ length: 50 }, (_, n) => [n + 200, 'm', n]);
    return (await connection.query('insert into counts values ?', [rows]))[0].affectedRows;
  });
  await check('last_id.given', 500, async () => (await connection.query("insert into counts values (500, 'g', 0)"))[0].insertId);
  await check('last_id.numbered', true, async () => {
    const [done] = await connection.execute('insert into counts (note) values (?)', ['numbered']);
    return done.insertId === (await value(connection, "select id from counts where note = 'numbered'"));
  });
  await check('counts.warnings', 1, async () => (await connection.query("insert ignore into counts values (101, 'a', 1)"))[0].warningStatus);
}

async function transactions(one) {
  const other = await connect();
  await fresh(one, 'moved', 'id int primary key, n int');
  await one.query('insert into moved values (1, 0)');
  const n = () => value(other, 'select n from moved where id = 1');
  const add = async (end) => {
    await one.beginTransaction();
    await one.execute('update moved set n = n + 1 where id = ?', [1]);
    const unseen = await n();
    await one[end]();
    return [unseen, await n()];
  };
  await check('transaction.commit', [0, 1], () => add('commit'));
  await check('transaction.rollback', [1, 1], () => add('rollback'));
  await check('transaction.error_within', [1062, 11], async () => {
    await one.beginTransaction();
    await one.query('update moved set n = 10 where id = 1');
    const [number] = await code(one.query('insert into moved values (1, 0)'));
    await one.query('update moved set n = n + 1 where id = 1');
    await one.commit();
    return [number, await n()];
  });
}

async function errors(connection) {
  await fresh(connection, 'strict', 'id int primary key, name varchar(3) not null, n tinyint');
  await connection.query("insert into strict values (1, 'a', 1)");
  for (const [name, expected, sql] of [
    ['duplicate', [1062, '23000', 'ER_DUP_ENTRY'], "insert into strict values (1, 'a', 1)"],
    ['no_table', [1146, '42S02', 'ER_NO_SUCH_TABLE'], 'select * from missing'],
    ['syntax', [1064, '42000', 'ER_PARSE_ERROR'], 'selec 1'],
    ['null', [1048, '23000', 'ER_BAD_NULL_ERROR'], 'insert into strict values (2, null, 1)'],
    ['too_long', [1406, '22001', 'ER_DATA_TOO_LONG'], "insert into strict values (2, 'long', 1)"],
    ['no_column', [1054, '42S22', 'ER_BAD_FIELD_ERROR'], 'select nothing from strict'],
    ['out_of_range', [1264, '22003', 'ER_WARN_DATA_OUT_OF_RANGE'], "insert into strict values (2, 'a', 1000)"],
  ]) {
    await check(`error.text.${name}`, expected, () => code(connection.query(sql)));
    await check(`error.prepared.${name}`, expected, () => code(connection.execute(sql)));
  }
}

async function streams(connection) {
  await fresh(connection, 'rows_', 'id int primary key, pad varchar(200)');
  const rows = Array.from({ length: 2000 }, (_, n) => [n, 'p'.repeat(200)]);
  await connection.query('insert into rows_ values ?', [rows]);
  await check('stream.rows', 2000, async () => {
    let count = 0;
    for await (const row of connection.connection.query('select id, pad from rows_').stream({ highWaterMark: 10 })) {
      count += row.pad.length / 200;
    }
    return count;
  });
  await check('stream.queued', [1, 2, 3, 4, 5], () =>
    Promise.all([1, 2, 3, 4, 5].map((number) => value(connection, 'select ?', [number]))));
  await check('stream.pool', 100, async () => {
    const pool = mysql.createPool({ ...settings(), connectionLimit: 5 });
    const got = await Promise.all(Array.from({ length: 100 }, (_, n) => pool.query('select ? as n', [n])));
    await pool.end();
    return got.filter(([rows], n) => rows[0].n === n).length;
  });
}

async function metadata(connection) {
  const [, fields] = await connection.query('select id, name as called, n, 1.50 from strict s where id = 1');
  const database = process.env.SHOAL_DATABASE;
  const told = fields.map((f) => [f.name, f.orgName, f.table, f.orgTable, f.db, f.columnType, f.flags, f.characterSet, f.columnLength, f.decimals]);
  await check('metadata.fields', [
    ['id', 'id', 's', 'strict', database, 3, 0x5003, 63, 11, 0],
    ['called', 'name', 's', 'strict', database, 253, 0x1001, 224, 12, 0],
    ['n', 'n', 's', 'strict', database, 1, 0, 63, 4, 0],
    ['1.50', '', '', '', '', 246, 0x81, 63, 5, 2],
  ], () => told);
  await check('metadata.prepared', ['id', 'called'], async () =>
    (await connection.execute('select id, name as called from strict where id = ?', [1]))[1].map((f) => f.name));
}

async function lives(connection) {
  await check('life.killed', 'PROTOCOL_CONNECTION_LOST', async () => {
    const victim = await connect();
    await connection.query(`kill ${await value(victim, 'select connection_id()')}`);
    const [, , name] = await code(victim.query('select 1'));
    // What the socket says first depends on the moment.
    return ['EPIPE', 'ECONNRESET', undefined].includes(name) ? 'PROTOCOL_CONNECTION_LOST' : name;
  });
  await check('life.reset', null, async () => {
    const own = await connect();
    await own.query('set @kept = 1');
    await own.reset?.();
    await own.changeUser({ user: process.env.SHOAL_USER });
    return value(own, 'select @kept');
  });
  await check('life.ping', true, () => connection.ping());
  await check('life.unprepare', 7, async () => {
    for (const number of [5, 6]) await connection.execute('select ? as n', [number]);
    connection.unprepare('select ? as n');
    return (await connection.execute('select ? as n', [7]))[0][0].n;
  });
}

async function options() {
  await check('characters.latin1', ['é', 'C3A9'], async () => {
    const own = await connect({ charset: 'LATIN1_SWEDISH_CI' });
    await fresh(own, 'letters', 'id int primary key, name varchar(20)');
    await own.query("insert into letters values (1, 'é')");
    return [await value(own, 'select name from letters where id = 1'), await value(own, 'select hex(name) from letters where id = 1')];
  });
  await check('several.rows', [[[1]], [[2]]], async () => {
    const own = await connect({ multipleStatements: true });
    return (await own.query({ sql: 'select 1; select 2', rowsAsArray: true }))[0];
  });
  await check('option.compressed', 'ON', async () => {
    const own = await connect({ compress: true });
    return (await own.query("show status like 'Compression'"))[0][0].Value;
  });
  await check('option.local_infile', 2, async () => {
    const own = await connect();
    await fresh(own, 'loaded', 'id int primary key, name varchar(20)');
    const sql = "load data local infile 'rows' into table loaded";
    const infileStreamFactory = () => Readable.from([Buffer.from('1\tone\n2\ttwo\n')]);
    return (await own.query({ sql, infileStreamFactory }))[0].affectedRows;
  });
  await check('option.attributes', 'checks', async () => {
    const own = await connect({ connectAttributes: { chosen: 'checks' } });
    return value(own, "select attr_value from performance_schema.session_connect_attrs where processlist_id = connection_id() and attr_name = 'chosen'");
  });
}

async function main() {
  const connection = await connect();
  await logins();
  await kinds('text');
  await kinds('prepared');
  await large(connection);
  await counts(connection);
  await transactions(connection);
  await errors(connection);
  await streams(connection);
  await metadata(connection);
  await lives(connection);
  await options();
  for (const one of opened) one.destroy();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
