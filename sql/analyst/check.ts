import { type AstNode, parseAst } from './ast.ts'
import type { AllowedFunctions } from './functions.ts'
import { areSettingsPlain } from './settings.ts'

/**
 * What an analyst's statement may be, judged on the engine's own reading of it (`EXPLAIN AST`, with parameters filled in):
 * one statement that reads, from tables of its own database and a few of `system`, by functions that compute. All names are
 * of an allow-list, so that what a later engine brings is refused until somebody has looked at it.
 */

/** What the statement may see. The operator's has no `database`: every table is open to it. */
export type Reach = {
  /** The only database whose tables may be named, beside `SYSTEM_TABLES`. */
  readonly database: string | undefined
  /** Names in it, those of parameterised views too. */
  readonly tables: ReadonlySet<string>
  /** All other databases: nothing may be named after them. */
  readonly databases: ReadonlySet<string>
}

/** Tables of `system` that a key may read, each cut to what it may see. */
export const SYSTEM_TABLES: readonly string[] = ['settings', 'databases', 'tables', 'columns', 'functions']

export type Verdict =
  | {
      readonly ok: true
      /** The format that the statement names. */
      readonly format: string | undefined
      /** A query, whose result can be streamed; else SHOW and its like. */
      readonly isQuery: boolean
    }
  | { readonly ok: false; readonly refusal: Refusal; readonly message: string }
/** Not a reading statement, a table or a function or a clause that is not open. */
export type Refusal = 'statement' | 'table' | 'function' | 'setting' | 'format'

const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(
  [
    ['numbers', 'numbers_mt', 'zeros', 'zeros_mt', 'values', 'sqlstandardvalues', 'generateseries', 'generate_series'],
  ].flat(),
)
/** Kinds whose rules are the rules of their children. */
const TRANSPARENT: ReadonlySet<string> = new Set(
  [
    ['SelectWithUnionQuery', 'SelectIntersectExceptQuery', 'SelectQuery', 'ExpressionList', 'Subquery', 'WithElement'],
    ['TablesInSelectQuery', 'TablesInSelectQueryElement', 'TableExpression', 'TableJoin', 'ArrayJoin', 'Literal'],
    ['Asterisk', 'QualifiedAsterisk', 'ColumnsRegexpMatcher', 'ColumnsListMatcher', 'QualifiedColumnsRegexpMatcher'],
    ['QualifiedColumnsListMatcher', 'ColumnsTransformerList', 'ColumnsExceptTransformer', 'ColumnsReplaceTransformer'],
    ['ColumnsReplaceTransformer::Replacement', 'OrderByElement', 'WindowListElement', 'WindowDefinition'],
    ['SampleRatio', 'InterpolateElement', 'DescribeQuery'],
  ].flat(),
)
const IN_FAMILY = /^(global)?(not)?(null)?in(ignoreset)?$/i
/** Other streams of rows, and formats whose output holds more than the result or needs a file with a schema. */
const FORMATS_REFUSED =
  /WithProgress$|^(MySQLWire|PostgreSQLWire|ODBCDriver2|Template|Protobuf|ProtobufSingle|ProtobufList|CapnProto|Prometheus)$/i

const NAME = String.raw`(?:\w+|\x60(?:[^\x60\\]|\\.)+\x60)`
const PATTERN = String.raw`(?: (?:NOT )?I?LIKE '(?:[^'\\]|\\.)*')?`
const FORMAT = String.raw`(?: FORMAT (\w+))?`
/**
 * SHOW as the engine writes it. Its tree does not tell SHOW TABLES from SHOW MERGES nor hold its WHERE, so these forms are
 * taken and no other.
 */
const SHOW = new RegExp(
  `^SHOW (?:(?:FULL )?TABLES(?: FROM ${NAME})?${PATTERN}|DATABASES${PATTERN}|FUNCTIONS${PATTERN}` +
    `|(?:EXTENDED )?(?:FULL )?COLUMNS FROM ${NAME}(?: FROM ${NAME})?${PATTERN}|SETTINGS${PATTERN})${FORMAT}$`,
)
const SHOW_KINDS: ReadonlySet<string> = new Set(['ShowTables', 'ShowColumns', 'ShowFunctions'])
const ONE_TABLE = new RegExp(
  `^(?:SHOW CREATE (?:TABLE|VIEW)|EXISTS (?:TABLE|VIEW)) (?:(${NAME})\\.)?(${NAME})${FORMAT}$`,
)
const ONE_TABLE_KINDS: ReadonlySet<string> = new Set(
  [['ShowCreateTableQuery', 'ShowCreateViewQuery', 'ExistsTableQuery', 'ExistsViewQuery']].flat(),
)
/** The other forms of EXPLAIN tell how much of the tables would be read, and so how much others have there. */
const EXPLAIN_OF_TENANTS = new Set(['EXPLAIN AST', 'EXPLAIN SYNTAX'])
const OPERATORS_KINDS = /^(Show|Exists|Explain|Check)/

/** An identifier in quotes, in a statement as the engine writes it, or a string. */
const QUOTED = /'(?:[^'\\]|\\.)*'|`((?:[^`\\]|\\.)*)`/g

/**
 * @param canonical the statement as the engine writes it (`formatQuerySingleLine`), so without comments
 * @param dump its tree (`EXPLAIN AST`)
 */
export function checkStatement(canonical: string, dump: string, reach: Reach, functions: AllowedFunctions): Verdict {
  for (const [, identifier = ''] of canonical.matchAll(QUOTED)) {
    // With a line break in a name the tree could be made to look like another one.
    if (/[\\\n\r\0]/.test(identifier))
      return refuse('statement', 'a name with a backslash or a line break is not taken')
  }
  const root = parseAst(dump)
  if (root === undefined) return refuse('statement', 'the statement cannot be read')
  const settings = countSettings(root)
  if (settings > 1 || (settings === 1 && root.kind !== 'Explain' && !areSettingsPlain(canonical))) {
    return refuse('setting', 'SETTINGS stand once, at the end of the whole statement, with plain values')
  }
  if (SHOW_KINDS.has(root.kind) && SHOW.test(canonical)) {
    return { ok: true, format: SHOW.exec(canonical)?.[1], isQuery: false }
  }
  if (ONE_TABLE_KINDS.has(root.kind) && ONE_TABLE.test(canonical)) return checkOneTable(canonical, reach)
  if (root.kind === 'Explain') return checkExplain(root, reach, functions)
  if (root.kind === 'DescribeQuery' || root.kind === 'SelectWithUnionQuery') return checkQuery(root, reach, functions)
  if (reach.database === undefined && OPERATORS_KINDS.test(root.kind))
    return { ok: true, format: undefined, isQuery: false }
  const what = /^[A-Za-z]+(?: [A-Za-z]+)?/.exec(canonical)?.[0] ?? root.kind
  return refuse('statement', `only reading is possible here, not ${what}`)
}

function countSettings(node: AstNode): number {
  return node.children.reduce((sum, child) => sum + countSettings(child), node.kind === 'Set' ? 1 : 0)
}

function refuse(refusal: Refusal, message: string): Verdict & { readonly ok: false } {
  return { ok: false, refusal, message }
}

function checkOneTable(canonical: string, reach: Reach): Verdict {
  const [, database, table = '', format] = ONE_TABLE.exec(canonical) ?? []
  const bare = (name: string) => name.replace(/^`|`$/g, '')
  const name = database === undefined ? bare(table) : `${bare(database)}.${bare(table)}`
  if (!mayRead(name, reach)) return refuseTable(name)
  return { ok: true, format, isQuery: false }
}

function checkExplain(root: AstNode, reach: Reach, functions: AllowedFunctions): Verdict {
  if (reach.database !== undefined) {
    if (!EXPLAIN_OF_TENANTS.has(root.text))
      return refuse('statement', `only ${[...EXPLAIN_OF_TENANTS].join(' and ')} are possible here`)
    if (root.children.length !== 1) return refuse('setting', 'EXPLAIN takes no options here')
  }
  for (const child of root.children) {
    if (child.kind === 'Set' || child.kind === 'Identifier') continue
    const verdict = checkQuery(child, reach, functions)
    if (!verdict.ok) return verdict
  }
  return { ok: true, format: undefined, isQuery: false }
}

function checkQuery(root: AstNode, reach: Reach, functions: AllowedFunctions): Verdict {
  const isQuery = root.kind === 'SelectWithUnionQuery'
  const [body, ...rest] = root.children
  if (body === undefined) return refuse('statement', 'the statement cannot be read')
  let format: string | undefined
  for (const child of rest) {
    if (child.kind === 'Identifier' && format === undefined) format = child.text
    else if (child.kind === 'Literal') return refuse('statement', 'INTO OUTFILE writes a file, which is no reading')
    // SETTINGS of the whole statement: the engine refuses any that is not in force already.
    else if (child.kind !== 'Set') return refuse('statement', `${child.kind} is not taken here`)
  }
  if (format !== undefined && FORMATS_REFUSED.test(format))
    return refuse('format', `format ${format} is not given here`)
  const own = isQuery ? selectsOf(body) : []
  const fault = findFault(body, undefined, {
    reach,
    functions,
    settingsAllowedIn: own.length === 1 ? own[0] : undefined,
  })
  return fault ?? { ok: true, format, isQuery }
}

/** The queries that are combined at the top. */
function selectsOf(list: AstNode): readonly AstNode[] {
  return list.kind === 'ExpressionList' ? list.children : [list]
}

type Context = {
  readonly reach: Reach
  readonly functions: AllowedFunctions
  /** The one query whose SETTINGS are those of the statement. Anywhere else the engine would not check them. */
  readonly settingsAllowedIn: AstNode | undefined
}

function findFault(
  node: AstNode,
  parent: AstNode | undefined,
  context: Context,
): (Verdict & { ok: false }) | undefined {
  const fault = judge(node, parent, context)
  if (fault !== undefined) return fault
  for (const child of node.children) {
    const below = findFault(child, node, context)
    if (below !== undefined) return below
  }
  return undefined
}

function judge(node: AstNode, parent: AstNode | undefined, context: Context): (Verdict & { ok: false }) | undefined {
  const { reach, functions } = context
  switch (node.kind) {
    case 'TableIdentifier':
      return mayRead(node.text, reach) ? undefined : refuseTable(node.text)
    case 'Identifier':
      return judgeIdentifier(node.text, reach)
    case 'Function':
      return parent?.kind === 'TableExpression'
        ? judgeTableFunction(node.text, reach)
        : judgeFunction(node, reach, functions)
    case 'Set':
      return parent !== undefined && parent === context.settingsAllowedIn
        ? undefined
        : refuse('setting', 'SETTINGS stand at the end of the whole statement only')
    case 'ColumnsApplyTransformer':
      return refuse('function', 'APPLY is not taken here: its function cannot be checked')
    default:
      return TRANSPARENT.has(node.kind) ? undefined : refuse('statement', `${node.kind} is not taken here`)
  }
}

function mayRead(name: string, { database, tables }: Reach): boolean {
  if (database === undefined) return true
  // Without a dot it is a name of the statement's own or of the database of the session, where nothing is secret.
  if (!name.includes('.')) return true
  if (name.startsWith(`${database}.`)) return tables.has(name.slice(database.length + 1))
  return SYSTEM_TABLES.some((table) => name === `system.${table}`)
}

function judgeIdentifier(name: string, reach: Reach) {
  const dot = name.indexOf('.')
  if (reach.database === undefined || dot < 0 || !reach.databases.has(name.slice(0, dot))) return undefined
  if (SYSTEM_TABLES.some((table) => name.startsWith(`system.${table}.`))) return undefined
  return refuseTable(name)
}

function judgeTableFunction(name: string, { database, tables }: Reach) {
  const view = database !== undefined && name.startsWith(`${database}.`) ? name.slice(database.length + 1) : name
  if (TABLE_FUNCTIONS.has(name.toLowerCase()) || tables.has(view)) return undefined
  return refuse('function', `table function ${name} is not open here`)
}

function judgeFunction(node: AstNode, reach: Reach, functions: AllowedFunctions) {
  if (!functions.has(node.text)) {
    const isKnown = functions.knows(node.text) || functions.knows(node.text.toLowerCase())
    return refuse('function', `function ${node.text} is ${isKnown ? 'not open here' : 'not known, or not open here'}`)
  }
  const right = IN_FAMILY.test(node.text) ? node.children[0]?.children[1] : undefined
  // A name on the right of IN may be a table's.
  return right?.kind === 'Identifier' && !mayRead(right.text, reach) ? refuseTable(right.text) : undefined
}

function refuseTable(name: string): Verdict & { readonly ok: false } {
  return refuse('table', `table ${name} is not open here: name the tables as SHOW TABLES has them, without a database`)
}
