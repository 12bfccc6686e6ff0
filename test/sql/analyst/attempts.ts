/** As `refused.ts`: what is tried with parameters and settings, and what may run and gives nothing away. */

/** Parameters that try to be more than values: statement, parameters. */
export const INJECTED: readonly (readonly [statement: string, params: Readonly<Record<string, string>>])[] = [
  ['SELECT * FROM {t:Identifier}', { t: '$M.events' }],
  ['SELECT * FROM {d:Identifier}.{t:Identifier}', { d: '$M', t: 'events' }],
  ['SELECT * FROM {d:Identifier}.events', { d: '$O' }],
  ["SELECT 1 WHERE ('a', 'b') IN {d:Identifier}.schema_migrations", { d: '$M' }],
  ['DESCRIBE {d:Identifier}.events', { d: '$M' }],
  ['SHOW TABLES FROM {d:Identifier} WHERE 1', { d: '$M' }],
  ['SELECT {x:UInt8}', { x: '(SELECT count() FROM $M.events)' }],
  ['SELECT {x:Array(String)}', { x: "[file('/etc/passwd')]" }],
  ['SELECT 1', { 'x; SET readonly': '0' }],
  ['SELECT 1', { 'x = 1, additional_table_filters': '{}' }],
]

/** Settings of the request that are refused. */
export const SETTINGS: readonly Readonly<Record<string, string>>[] = [
  { additional_table_filters: '{}' },
  { final: '0' },
  { allow_ddl: '1' },
  { format_schema: '/etc/passwd' },
  { format_template_row: '/etc/passwd' },
  { output_format_schema: '/tmp/foreshock-attempt' },
  { output_format_write_statistics: '1' },
  { max_threads: '-1' },
  { max_threads: '1, readonly = 0' },
  { 'readonly = 0, max_threads': '1' },
  { result_overflow_mode: 'break, readonly = 0' },
  { allow_introspection_functions: '1' },
  { dialect: 'prql' },
  { profile: 'default' },
  { __proto__x: '1' },
  { constructor: '1' },
  { SQL_x: '1' },
  { param_x: '1' },
]

/** Run, and give nothing of another tenant's. */
export const HARMLESS: readonly string[] = [
  "SELECT count() FROM events WHERE data = 'secret-of-lender-0'",
  'SELECT * FROM events FINAL',
  'SELECT *, _table FROM events',
  'SELECT * FROM events AS `$M`',
  'WITH t AS (SELECT tenant FROM events) SELECT tenant IN t FROM events',
  "SELECT * FROM events WHERE 1 OR tenant = 'lender'",
  "SELECT * FROM events WHERE tenant = 'bank' OR 1 SETTINGS max_threads = 1",
  "SELECT groupUniqArray(tenant) FROM events HAVING 1 OR tenant = 'lender'",
  'SELECT max(data), min(data), any(data), uniqExact(tenant) FROM events',
  'SELECT count() FROM events',
  'SELECT l.data, r.data FROM events AS l CROSS JOIN events AS r',
  'SELECT * FROM loans AS l FULL JOIN events AS e ON l.borrower = e.borrower',
  'SELECT * FROM loans AS l RIGHT ANTI JOIN events AS e ON l.borrower = e.borrower',
  'SHOW TABLES',
  'SHOW TABLES FROM $M',
  'SHOW TABLES FROM $O',
  'SHOW DATABASES',
  "SHOW DATABASES LIKE '%'",
  'SHOW COLUMNS FROM events FROM $O',
  "SHOW FUNCTIONS LIKE 'file'",
  "SHOW SETTINGS LIKE '%filter%'",
  'SHOW CREATE TABLE events',
  'EXISTS events',
  'DESCRIBE events',
  'EXPLAIN SYNTAX SELECT * FROM events',
  'SELECT * FROM system.tables',
  'SELECT * FROM system.columns',
  'SELECT * FROM system.databases',
  'SELECT name, value FROM system.settings',
  'SELECT system.tables.name FROM system.tables',
  "SELECT * FROM values('a String', 'x')",
  'SELECT * FROM numbers(3)',
  'SELECT * FROM events FORMAT JSON',
  'SELECT version(), timezone(), currentUser(), currentDatabase(), displayName()',
]

/**
 * Conditions that say something of the rows they are computed on: by failing, in the text of the failure. They must never be
 * computed on another tenant's.
 */
export const TELLING: readonly string[] = [
  "SELECT count() FROM events WHERE throwIf(tenant != 'bank') = 0",
  "SELECT count() FROM events WHERE throwIf(position(data, 'lender') > 0) = 0",
  "SELECT count() FROM events WHERE toUInt8(if(tenant = 'bank', '1', data)) = 1",
  "SELECT count() FROM events WHERE intDiv(1, tenant = 'bank') = 1",
  "SELECT count() FROM loans WHERE throwIf(borrower LIKE '%lender%') = 0",
  "SELECT count() FROM loans FINAL WHERE throwIf(borrower LIKE '%lender%') = 0 SETTINGS final = 1",
  "SELECT count() FROM warnings WHERE toUInt8(if(tenant = 'bank', '1', borrower)) = 1",
  "SELECT count() FROM features WHERE throwIf(tenant != 'bank') = 0",
  "SELECT count() FROM loans AS l JOIN loan_months AS m ON l.loan = m.loan WHERE throwIf(m.tenant != 'bank') = 0",
  "SELECT max(toUInt8(if(tenant = 'bank', '1', data))) FROM events",
  "SELECT sum(throwIf(tenant != 'bank')) FROM vintage(threshold_dpd = 0, basis = 'count', series = 'ever')",
  "SELECT * FROM vintage(threshold_dpd = 0, basis = 'count', series = 'ever') WHERE throwIf(product LIKE '%lender%') = 0",
  "SELECT * FROM (SELECT * FROM events LIMIT 1 BY tenant) WHERE throwIf(tenant != 'bank') = 0",
  "SELECT tenant FROM events GROUP BY tenant HAVING throwIf(tenant != 'bank') = 0",
]
